import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import changes, listing, rebuild


def declared(text, *rules):
    return {"declared": text, "rules": list(rules)}


class Outdated(unittest.TestCase):
    def test_table(self):
        for name, held, wanted, gone in [
            ("equal", {"chain a": declared("1")}, {"chain a": declared("1")}, []),
            ("other rules only", {"chain a": declared("1", "x")}, {"chain a": declared("1", "y")}, []),
            ("declared otherwise", {"set a": declared("1")}, {"set a": declared("2")}, ["set a"]),
            ("not wanted", {"chain a": declared("1")}, {}, ["chain a"]),
            ("more wanted", {}, {"chain a": declared("1")}, []),
            ("the table itself cannot go", {"table nft_operator": declared("1")}, {"table nft_operator": declared("2")}, []),
            ("what holds on to others goes first", {"counter c": declared(""), "chain b": declared(""), "map a": declared("")}, {}, ["map a", "chain b", "counter c"]),
        ]:
            with self.subTest(name):
                self.assertEqual(gone, rebuild.outdated(held, wanted))

    def test_elements_of_sets_that_go_are_gone(self):
        for kind in ("set", "map"):
            self.assertEqual({"b": {}}, rebuild.staying({"a": {"1": None}, "b": {}}, [kind + " a"]))


class Script(unittest.TestCase):
    def test_rules_go_first_and_the_table_is_not_deleted(self):
        text = "table inet nft_operator\ndelete table inet nft_operator\n\ntable inet nft_operator {\n}\n"
        self.assertEqual(
            "flush table inet nft_operator\ndelete set inet nft_operator a\ndelete ct helper inet nft_operator h\n"
            "table inet nft_operator\n\ntable inet nft_operator {\n}\n"
            "add element inet nft_operator b {\n\t1,\n}\n",
            rebuild.script(["set a", "ct helper h"], text, changes.Changes({}, {"b": {"1": None}})))

    def test_a_replacement_begins_with_the_counts(self):
        held = listing.Listing({}, {}, {"b": {"1": (3, 180)}}, [{"reason": "no_service", "packets": 2, "bytes": 120}])
        self.assertEqual(
            "\tcounter no_service {\n\t\tpackets 2 bytes 120\n\t}\n\tcounter other {\n\t}\n"
            "add element inet nft_operator b {\n\t1 counter packets 3 bytes 180,\n\t2,\n}\n",
            rebuild.replacement("\tcounter no_service {\n\t}\n\tcounter other {\n\t}\n", {"b": {"1": None, "2": None}}, held))


if __name__ == "__main__":
    unittest.main()

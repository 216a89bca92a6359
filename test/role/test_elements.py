import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils import nft_elements
from ansible.module_utils.nft_errors import Refused

WEB = "203.0.113.10 . tcp . 80"
WEB6 = "2001:db8:1b::10 . tcp . 80"


def conf(name, *lines):
    """A ruleset of one set with these element lines, as the templates write it."""
    return "\n".join(
        ["table inet nft_operator {", "\tset %s {" % name, "\t\ttype t", "\t\telements = {"]
        + ["\t\t\t%s," % line for line in lines] + ["\t\t}", "\t}", "}", ""])


class Split(unittest.TestCase):
    def test_forms(self):
        for name, line, key, rest in [
            ("management4", "192.0.2.0/24", "192.0.2.0/24", (None, None)),
            ("management4", "192.0.2.1", "192.0.2.1", (None, None)),
            ("management6", "2001:db8::/32", "2001:db8::/32", (None, None)),
            ("public_interfaces", '"eth0"', "eth0", (None, None)),
            ("public_interfaces", '"bond0.100"', "bond0.100", (None, None)),
            ("services4", WEB + ' comment "shop/web" : accept', WEB, ("shop/web", "accept")),
            ("services6", WEB6 + ' comment "shop/web" : goto from_sources6', WEB6, ("shop/web", "goto from_sources6")),
            ("sources4", WEB + ' . 198.51.100.0/24 comment "shop/web"', WEB + " . 198.51.100.0/24", ("shop/web", None)),
        ]:
            with self.subTest(line=line):
                structure, elements = nft_elements.split(conf(name, line))
                self.assertEqual({name: {key: rest}}, elements)
                self.assertNotIn("elements", structure)
                self.assertIn("\tset %s {\n\t\ttype t\n\t}" % name, structure)

    def test_spellings_of_one_address_are_one(self):
        keys = []
        for address in "::ffff:192.0.2.1", "::ffff:c000:201":
            _structure, elements = nft_elements.split(conf("services6", address + ' . udp . 53 comment "a/b" : accept'))
            keys += elements["services6"]
        self.assertEqual(keys[0], keys[1])

    def test_one_element_twice_is_refused(self):
        # The kernel would be given the last one; a boot would refuse the file.
        with self.assertRaises(Refused) as caught:
            nft_elements.split(conf("services4", WEB + ' comment "a/b" : accept', WEB + ' comment "c/d" : accept'))
        self.assertEqual("InvalidVars", caught.exception.reason)
        self.assertIn(WEB, str(caught.exception))

    def test_set_without_elements_is_known(self):
        _structure, elements = nft_elements.split("\tset open4 {\n\t\ttype ipv4_addr\n\t}\n")
        self.assertEqual({"open4": {}}, elements)

    def test_rules_stay_in_the_structure(self):
        text = "\tchain input {\n\t\ticmp type { a, b } accept\n\t}\n"
        self.assertEqual((text, {}), nft_elements.split(text))

    def test_hostile_lines_are_refused(self):
        for line in [
            '"eth0"; drop',
            '"eth{0}"',
            '"a"b"',
            '"sixteenletters00"',
            "192.0.2.1; flush ruleset",
            "192.0.2.1 } ; chain input { policy accept",
            "192.0.2.1/24/24",
            "192.0.2.0/2400",
            "$variable",
            "@other_set",
            WEB + ' comment "a" b" : accept',
            WEB + ' comment "a\\" : accept',
            WEB + ' comment "' + "a" * 128 + '" : accept',
            WEB + ' comment "shop/web" : drop',
            WEB + ' comment "shop/web" : jump local-chain',
            WEB + ' comment "shop/web" : accept, 192.0.2.9 . tcp . 22 : accept',
            "203.0.113.10 . icmp . 80",
            "203.0.113.10 . tcp . http",
            "203.0.113.10 . tcp . 100000",
            "{{ lookup('pipe', 'id') }}",
            "",
            "#",
        ]:
            with self.subTest(line=line):
                with self.assertRaises(Refused) as caught:
                    nft_elements.split(conf("services4", line))
                self.assertEqual("InvalidVars", caught.exception.reason)

    def test_a_newline_cannot_end_the_elements(self):
        with self.assertRaises(Refused):
            nft_elements.split(conf("management4", "192.0.2.1\n\t\t}\n\t\tflags timeout"))


class Listed(unittest.TestCase):
    def test_forms(self):
        def of(kind, name, types, *elements):
            return [{"metainfo": {}}, {kind: {"name": name, "type": types, "elem": list(elements)}}]

        service = {"elem": {"val": {"concat": ["203.0.113.10", "tcp", 80]}, "comment": "shop/web", "counter": {"packets": 7, "bytes": 9}}}
        concatenated = ["ipv4_addr", "inet_proto", "inet_service"]
        for objects, want in [
            (of("set", "open4", "ipv4_addr", "203.0.113.10"), {"203.0.113.10": (None, None)}),
            (of("set", "open4", "ipv4_addr", {"prefix": {"addr": "192.0.2.0", "len": 24}}), {"192.0.2.0/24": (None, None)}),
            (of("set", "open4", "ipv4_addr", {"range": ["192.0.2.1", "192.0.2.5"]}), {"192.0.2.1-192.0.2.5": (None, None)}),
            (of("map", "open4", concatenated, [service, {"accept": None}]), {WEB: ("shop/web", "accept")}),
            (of("map", "open4", concatenated, [service, {"goto": {"target": "from_sources4"}}]), {WEB: ("shop/web", "goto from_sources4")}),
            (of("set", "open4", concatenated, {"concat": ["203.0.113.10", 132, 80]}), {"203.0.113.10 . sctp . 80": (None, None)}),
            (of("set", "open4", concatenated, {"concat": ["203.0.113.10", 47, 80]}), {"203.0.113.10 . 47 . 80": (None, None)}),
            ([{"set": {"name": "open4", "type": "ipv4_addr"}}], {}),
        ]:
            with self.subTest(objects=objects):
                self.assertEqual({"open4": want}, nft_elements.listed(objects, {"open4": {}}))

    def test_other_sets_are_left_out(self):
        self.assertEqual({}, nft_elements.listed([{"set": {"name": "drops4", "type": "ipv4_addr", "elem": ["192.0.2.1"]}}], {"open4": {}}))


class Differences(unittest.TestCase):
    def test_table(self):
        web, api = ("shop/web", "accept"), ("shop/api", "accept")
        for name, actual, desired, deletions, additions in [
            ("equal", {"s": {"a": web}}, {"s": {"a": web}}, [], []),
            ("added", {}, {"s": {"a": web}}, [], [("s", "a", web)]),
            ("deleted", {"s": {"a": web}}, {"s": {}}, [("s", "a", web)], []),
            ("other verdict or comment", {"s": {"a": web}}, {"s": {"a": api}}, [("s", "a", web)], [("s", "a", api)]),
            ("not ours", {"t": {"a": web}}, {"s": {}}, [], []),
            ("sorted", {}, {"t": {"b": web}, "s": {"z": web, "a": web}}, [], [("s", "a", web), ("s", "z", web), ("t", "b", web)]),
        ]:
            with self.subTest(name):
                self.assertEqual((deletions, additions), nft_elements.differences(actual, desired))


class Transaction(unittest.TestCase):
    def test_deletions_come_first_and_sets_are_grouped(self):
        script = nft_elements.transaction(
            [("services4", WEB, ("shop/web", "accept"))],
            [("services4", WEB, ("shop/api", "goto from_sources4")), ("services4", "203.0.113.11 . udp . 53", ("a/b", "accept")),
             ("public_interfaces", "eth0", (None, None))])
        self.assertEqual(
            "delete element inet nft_operator services4 {\n\t203.0.113.10 . tcp . 80\n}\n"
            'add element inet nft_operator public_interfaces {\n\t"eth0"\n}\n'
            "add element inet nft_operator services4 {\n"
            '\t203.0.113.10 . tcp . 80 comment "shop/api" : goto from_sources4,\n'
            '\t203.0.113.11 . udp . 53 comment "a/b" : accept\n}\n', script)

    def test_nothing(self):
        self.assertEqual("", nft_elements.transaction([], []))


if __name__ == "__main__":
    unittest.main()

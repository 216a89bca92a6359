import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import listing

WEB = "203.0.113.10 . tcp . 80"
CONCATENATED = ["ipv4_addr", "inet_proto", "inet_service"]


def an(kind, table="nft_operator", **body):
    body.update(family="inet", table=table)
    return {kind: body}


def rule(*expressions, **more):
    return an("rule", chain="input", handle=more.pop("handle", 4), expr=list(expressions), **more)


def read(*objects):
    return listing.read([{"metainfo": {"version": "1.0.6"}}] + list(objects), {"filled": {}}, ["no_service"])


class Structure(unittest.TestCase):
    def test_what_only_time_changes_is_left_out(self):
        for name, one, other in [
            ("handle", [rule(handle=4)], [rule(handle=9)]),
            ("a rule's counter", [rule({"counter": {"packets": 1, "bytes": 2}})], [rule({"counter": {"packets": 3, "bytes": 4}})]),
            ("a named counter", [an("counter", name="no_service", packets=1, bytes=2)], [an("counter", name="no_service", packets=0, bytes=0)]),
            ("an element of a filled set", [an("set", name="filled", elem=["192.0.2.1"])], [an("set", name="filled")]),
            ("what packets add", [an("set", name="drops4", flags=["dynamic", "timeout"], elem=["192.0.2.1"])],
             [an("set", name="drops4", flags=["dynamic", "timeout"])]),
            ("the order in a hash", [an("set", name="theirs", elem=["192.0.2.1", "192.0.2.2"])],
             [an("set", name="theirs", elem=["192.0.2.2", "192.0.2.1"])]),
        ]:
            with self.subTest(name):
                self.assertEqual(read(*one).structure, read(*other).structure)

    def test_what_a_person_changes_stays(self):
        for name, one, other in [
            ("another expression", [rule({"accept": None})], [rule({"drop": None})]),
            ("one rule more", [rule()], [rule(), rule()]),
            ("the order of rules", [rule(comment="a"), rule(comment="b")], [rule(comment="b"), rule(comment="a")]),
            ("a chain's policy", [an("chain", name="input", policy="accept")], [an("chain", name="input", policy="drop")]),
            ("a set of the local chain", [an("set", name="theirs", elem=["192.0.2.1"])], [an("set", name="theirs")]),
            ("flags of a filled set", [an("set", name="filled", flags=["interval"])], [an("set", name="filled")]),
            ("rate of a limit", [rule({"limit": {"rate": 1}})], [rule({"limit": {"rate": 2}})]),
            ("another table", [an("chain", table="another", name="input")], []),
        ]:
            with self.subTest(name):
                self.assertNotEqual(read(*one).structure, read(*other).structure)


class Elements(unittest.TestCase):
    def test_forms(self):
        service = {"elem": {"val": {"concat": ["203.0.113.10", "tcp", 80]}, "comment": "shop/web", "counter": {"packets": 7, "bytes": 9}}}
        for body, want in [
            (an("set", type="ipv4_addr", elem=["203.0.113.10"]), {"203.0.113.10": None}),
            (an("set", type="ifname", elem=["eth0"]), {'"eth0"': None}),
            (an("set", type="ipv4_addr", elem=[{"prefix": {"addr": "192.0.2.0", "len": 24}}]), {"192.0.2.0/24": None}),
            (an("set", type="ipv4_addr", elem=[{"range": ["192.0.2.1", "192.0.2.5"]}]), {"192.0.2.1-192.0.2.5": None}),
            (an("set", type=CONCATENATED, elem=[service]), {WEB: "shop/web"}),
            (an("set", type=CONCATENATED, elem=[{"concat": ["203.0.113.10", "132", 80]}]), {"203.0.113.10 . sctp . 80": None}),
            (an("set", type=CONCATENATED, elem=[{"concat": ["203.0.113.10", "47", 80]}]), {"203.0.113.10 . 47 . 80": None}),
            (an("set", type="ipv4_addr"), {}),
            (an("map", type="ipv4_addr", map="verdict", elem=[["192.0.2.1", {"accept": None}], ["192.0.2.2", {"jump": {"target": "a"}}]]),
             {"192.0.2.1": ": accept", "192.0.2.2": ": jump a"}),
            (an("map", type="ipv4_addr", map="limit", elem=[["192.0.2.1", "a"]]), {"192.0.2.1": ': "a"'}),
        ]:
            (inner,) = body.values()
            inner["name"] = "filled"
            with self.subTest(body):
                self.assertEqual({"filled": want}, read(body).elements)


class Drops(unittest.TestCase):
    def test_of_the_named_counters(self):
        found = read(an("counter", name="no_service", packets=2, bytes=120, handle=7), an("counter", name="theirs", packets=1, bytes=1))
        self.assertEqual([{"reason": "no_service", "packets": 2, "bytes": 120}], found.drops)


if __name__ == "__main__":
    unittest.main()

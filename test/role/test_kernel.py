import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils import nft_kernel


def chain_rule(**more):
    rule = {"family": "inet", "table": "nft_operator", "chain": "input", "handle": 4}
    rule.update(more)
    return {"rule": rule}


class StructureOf(unittest.TestCase):
    managed = {"open4": {}}

    def same(self, one, other):
        self.assertEqual(nft_kernel.structure_of(one, self.managed), nft_kernel.structure_of(other, self.managed))

    def differ(self, one, other):
        self.assertNotEqual(nft_kernel.structure_of(one, self.managed), nft_kernel.structure_of(other, self.managed))

    def test_no_table(self):
        self.assertIsNone(nft_kernel.structure_of(None, self.managed))
        self.differ(None, [])

    def test_what_only_time_changes_is_left_out(self):
        for name, one, other in [
            ("version of nft", [{"metainfo": {"version": "1.0.6"}}], []),
            ("handle", [chain_rule(handle=4)], [chain_rule(handle=9)]),
            ("a rule's counter", [chain_rule(expr=[{"counter": {"packets": 1, "bytes": 2}}])],
             [chain_rule(expr=[{"counter": {"packets": 3, "bytes": 4}}])]),
            ("a named counter", [{"counter": {"name": "no_service", "packets": 1, "bytes": 2}}],
             [{"counter": {"name": "no_service", "packets": 0, "bytes": 0}}]),
            ("an element of a managed set", [{"set": {"name": "open4", "elem": ["192.0.2.1"]}}], [{"set": {"name": "open4"}}]),
            ("what packets add", [{"set": {"name": "drops4", "flags": ["dynamic", "timeout"], "elem": ["192.0.2.1"]}}],
             [{"set": {"name": "drops4", "flags": ["dynamic", "timeout"]}}]),
        ]:
            with self.subTest(name):
                self.same(one, other)

    def test_what_a_person_changes_stays(self):
        for name, one, other in [
            ("another expression", [chain_rule(expr=[{"accept": None}])], [chain_rule(expr=[{"drop": None}])]),
            ("one rule more", [chain_rule()], [chain_rule(), chain_rule()]),
            ("the order", [chain_rule(comment="a"), chain_rule(comment="b")], [chain_rule(comment="b"), chain_rule(comment="a")]),
            ("a chain's policy", [{"chain": {"name": "input", "policy": "accept"}}], [{"chain": {"name": "input", "policy": "drop"}}]),
            ("a set of the local chain", [{"set": {"name": "theirs", "elem": ["192.0.2.1"]}}], [{"set": {"name": "theirs"}}]),
            ("flags of a managed set", [{"set": {"name": "open4", "flags": ["interval"]}}], [{"set": {"name": "open4"}}]),
            ("rate of a limit", [chain_rule(expr=[{"limit": {"rate": 1}}])], [chain_rule(expr=[{"limit": {"rate": 2}}])]),
        ]:
            with self.subTest(name):
                self.differ(one, other)


class CountsOf(unittest.TestCase):
    def test_table(self):
        counter = {"counter": {"name": "no_service", "packets": 2, "bytes": 120, "handle": 7}}
        self.assertEqual([], nft_kernel.counts_of(None))
        self.assertEqual([{"reason": "no_service", "packets": 2, "bytes": 120}], nft_kernel.counts_of([chain_rule(), counter]))


if __name__ == "__main__":
    unittest.main()

import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import intent, limits, listing


def declared(text):
    return {"declared": text, "rules": []}


def table(*elements):
    """A text with a map of two interfaces, as the template writes it."""
    return "\n".join(
        ["table inet nft_operator_limits", "delete table inet nft_operator_limits", "", "table inet nft_operator_limits {", "\tmap ingress_rates {", "\t\telements = {"]
        + ["\t\t\t%s," % element for element in elements] + ["\t\t}", "\t}", "}", ""])


ETH0, VETH1 = '"eth0" : "ingress-eth0"', '"veth1@if2" : "ingress-veth1/at/if2"'


class Rebuilt(unittest.TestCase):
    def test_only_what_leads_to_another_bucket_is_taken_off(self):
        asked = intent.taken_apart(table(ETH0, VETH1))
        structure = {"limit ingress-eth0": declared("1"), "limit ingress-veth1/at/if2": declared("1"), "map ingress_rates": declared("")}
        held = listing.Listing(structure, asked.elements, {}, [])
        wanted = dict(structure, **{"limit ingress-veth1/at/if2": declared("2")})
        self.assertEqual(
            "flush table inet nft_operator_limits\n"
            "delete element inet nft_operator_limits ingress_rates {\n\t\"veth1@if2\",\n}\n\n"
            "delete limit inet nft_operator_limits ingress-veth1/at/if2\n"
            + asked.structure.replace("delete table inet nft_operator_limits\n", "") +
            "add element inet nft_operator_limits ingress_rates {\n\t" + VETH1 + ",\n}\n",
            limits._rebuilt(held, wanted, asked))


class InterfacesOver(unittest.TestCase):
    def test_those_with_packets_are_told_by_name_and_direction(self):
        table_of = limits.Limits.__new__(limits.Limits)
        table_of.held = listing.Listing({}, {}, {
            "ingress_over": {'"eth1"': (3, 180), '"eth0"': (0, 0)}, "egress_over": {'"eth1"': (1, 60), '"eth0"': (2, 120)}}, [])
        self.assertEqual([
            {"name": "eth0", "direction": "egress", "packets": 2, "bytes": 120},
            {"name": "eth1", "direction": "egress", "packets": 1, "bytes": 60},
            {"name": "eth1", "direction": "ingress", "packets": 3, "bytes": 180},
        ], table_of.interfaces_over())
        table_of.held = None
        self.assertEqual([], table_of.interfaces_over())


if __name__ == "__main__":
    unittest.main()

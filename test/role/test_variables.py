import copy
import json
import os
import unittest

from role_modules import TEMPLATES, action_plugin

with open(os.path.join(os.path.dirname(__file__), "testdata", "source-ranges", "vars.json"), encoding="utf-8") as file:
    GOOD = json.load(file)
GOOD.update(nft_hold=False, nft_retry=False, nft_confirm_timeout=30, nft_fence={"epoch": 0, "sequence": 0})
GOOD.update(nft_host="gw1", nft_ssh_port=22, nft_revision="5c" * 32, nft_structure="3d" * 32, nft_public_interfaces=["eth0"])
GOOD["nft_limits"] = {"engine": "auto", "mode": "police", "services": [{
    "service": "shop/web", "per_port": True, "connection_limit": 20,
    "rate": {"unit": "bytes", "amount": 250000, "period": "second", "burst": 65536},
    "per_source": {"unit": "packets", "amount": 400, "period": "minute", "burst": 5},
    "connection_rate": {"unit": "connections", "amount": 10, "period": "day", "burst": 5}}],
    "interfaces": [{
        "name": "eth0",
        "ingress": {"unit": "packets", "amount": 400, "period": "minute", "burst": 5},
        "egress": {"unit": "bytes", "amount": 250000, "period": "second", "burst": 65536}}]}

HOSTILE = [
    "{{ lookup('pipe', 'touch /canary') }}", "{% for x in y %}", "{# a #}", '"; drop', "a\nb", "a\n", "", "a b", "$x", "@x", "#x", "\u0661", 1, None, True, [], {},
]

LIMITED = ("nft_limits", "services", 0)
HELD = ("nft_limits", "interfaces", 0)


def put(variables, path, value):
    for step in path[:-1]:
        variables = variables[step]
    variables[path[-1]] = value


class Checked(unittest.TestCase):
    def problems(self, *path_and_value):
        variables = copy.deepcopy(GOOD)
        if path_and_value:
            put(variables, path_and_value[:-1], path_and_value[-1])
        return action_plugin.checked(variables)[1]

    def test_good(self):
        self.assertEqual([], self.problems())
        for path_and_value in [
            ("nft_public_interfaces", ["bond0.100", "eth0:1"]),
            ("nft_exposures", "ipv4", 0, "address", "255.255.255.255"),
            ("nft_exposures", "ipv6", 0, "sources", ["2001:db8::/32", "::1"]),
            ("nft_firewall", "management", "ipv4", ["0.0.0.0/0"]),
            LIMITED + ("per_port", False), LIMITED + ("rate", "amount", 86_400_000_000_000), ("nft_limits", "engine", "nftables"),
            ("nft_limits", "engine", "traffic_control"), ("nft_limits", "mode", "shape"), ("nft_limits", "interfaces", []), HELD + ("name", "veth1@if2"),
            ("nft_limits", "interfaces", [{"name": "eth0", "egress": GOOD["nft_limits"]["interfaces"][0]["egress"]}]),
            ("nft_hold", True), ("nft_retry", False), ("nft_confirm_timeout", 5), ("nft_fence", {"epoch": 1, "sequence": 0}),
        ]:
            with self.subTest(path_and_value):
                self.assertEqual([], self.problems(*path_and_value))

    def test_hostile_strings_anywhere_are_refused(self):
        for path in [
            ("nft_gateway",), ("nft_host",), ("nft_revision",), ("nft_structure",), ("nft_schema",),
            ("nft_hold",), ("nft_retry",), ("nft_confirm_timeout",), ("nft_fence",), ("nft_fence", "epoch"), ("nft_fence", "sequence"),
             ("nft_ssh_port",),
            ("nft_public_interfaces",), ("nft_public_interfaces", 0),
            ("nft_firewall",), ("nft_firewall", "default_action"), ("nft_firewall", "echo_per_second"),
            ("nft_firewall", "management", "ipv4"), ("nft_firewall", "management", "ipv4", 0),
            ("nft_exposures",), ("nft_exposures", "ipv4"), ("nft_exposures", "ipv4", 0),
            ("nft_exposures", "ipv4", 0, "service"), ("nft_exposures", "ipv4", 0, "address"), ("nft_exposures", "ipv4", 0, "protocol"),
            ("nft_exposures", "ipv4", 0, "port"), ("nft_exposures", "ipv4", 0, "sources"), ("nft_exposures", "ipv4", 0, "sources", 0),
            ("nft_limits",), ("nft_limits", "engine"), ("nft_limits", "mode"), ("nft_limits", "services"), LIMITED,
            LIMITED + ("service",), LIMITED + ("per_port",), LIMITED + ("connection_limit",), LIMITED + ("rate",),
            LIMITED + ("rate", "unit"), LIMITED + ("rate", "amount"), LIMITED + ("rate", "period"), LIMITED + ("rate", "burst"),
            LIMITED + ("per_source",), LIMITED + ("connection_rate",),
            ("nft_limits", "interfaces"), HELD, HELD + ("name",), HELD + ("ingress",), HELD + ("egress", "unit"), HELD + ("egress", "burst"),
        ]:
            for value in HOSTILE:
                if (path[-1], value) in [("nft_hold", True), ("nft_hold", 1), ("nft_retry", True), ("nft_retry", 1), ("epoch", 1), ("sequence", 1), ("nft_ssh_port", 1), ("echo_per_second", 1), ("port", 1), ("ipv4", []),
                                         ("services", []), ("interfaces", []), ("per_port", True), ("connection_limit", 1), ("amount", 1), ("burst", 1)]:
                    continue  # these are right there
                with self.subTest(path=path, value=value):
                    self.assertNotEqual([], self.problems(*path, value))

    def test_values_out_of_their_range_are_refused(self):
        exposure = ("nft_exposures", "ipv4", 0)
        for path_and_value in [
            ("nft_schema", 1), ("nft_confirm_timeout", 4), ("nft_confirm_timeout", 601), ("nft_fence", {"epoch": -1, "sequence": 0}), ("nft_ssh_port", 0), ("nft_ssh_port", 65536), ("nft_public_interfaces", ["sixteenletters00"]),
            ("nft_public_interfaces", ["eth{0}"]), ("nft_revision", "5C" * 32), ("nft_gateway", "edge"), ("nft_gateway", "a/b/c"),
            exposure + ("service", "shop"), exposure + ("service", "Shop/web"), exposure + ("service", "shop/" + "a" * 64),
            exposure + ("address", "203.0.113.256"), exposure + ("address", "203.0.113.010"), exposure + ("address", "2001:db8::1"),
            exposure + ("protocol", "icmp"), exposure + ("protocol", "TCP"), exposure + ("port", 65536), exposure + ("port", "443"),
            exposure + ("sources", ["198.51.100.1/24"]), exposure + ("sources", ["198.51.100.1/32"]), exposure + ("sources", ["198.51.100.0/33"]),
            exposure + ("sources", ["2001:db8::/32"]), exposure + ("another", "key"),
            ("nft_limits", "engine", "tc"), ("nft_limits", "mode", "queue"), LIMITED + ("connection_limit", 0), LIMITED + ("another", 1),
            LIMITED + ("rate", "period", "minute"), LIMITED + ("rate", "unit", "connections"), LIMITED + ("rate", "amount", 0),
            LIMITED + ("connection_rate", "unit", "packets"), LIMITED + ("per_source", "burst", 1 << 32), ("nft_limits", "services", [{"service": "shop/web"}]),
            ("nft_limits", "services", 2 * [{"service": "shop/web", "connection_limit": 1}]),
            ("nft_limits", dict(GOOD["nft_limits"], engine="nftables", mode="shape")), ("nft_limits", "another", []),
            ("nft_limits", "interfaces", 2 * GOOD["nft_limits"]["interfaces"]), ("nft_limits", "interfaces", [{"name": "eth0"}]),
            HELD + ("name", "eth*"), HELD + ("name", "sixteenletters00"), HELD + ("another", 1), HELD + ("ingress", "unit", "connections"), HELD + ("egress", "period", "minute"),
            ("nft_firewall", "default_action", "Accept"), ("nft_firewall", "echo_per_second", 0), ("nft_firewall", "another", "key"),
        ]:
            with self.subTest(path_and_value):
                self.assertNotEqual([], self.problems(*path_and_value))

    def test_what_is_missing_is_refused(self):
        for path in [(name,) for name, option in action_plugin.SPEC.items() if option.get("required")] + [("nft_firewall", name) for name in action_plugin.SPEC["nft_firewall"]["options"]] + [
                ("nft_fence", "epoch"), ("nft_firewall", "management", "ipv6"), ("nft_exposures", "ipv6"), ("nft_exposures", "ipv4", 0, "port"),
                ("nft_limits", "mode"), ("nft_limits", "interfaces"), HELD + ("name",), HELD + ("egress", "amount"), LIMITED + ("service",), LIMITED + ("rate", "burst")]:
            variables = copy.deepcopy(GOOD)
            holder = variables
            for step in path[:-1]:
                holder = holder[step]
            del holder[path[-1]]
            with self.subTest(path):
                self.assertNotEqual([], action_plugin.checked(variables)[1])

    def test_other_variables_do_not_reach_the_templates(self):
        self.assertNotIn("another", action_plugin.checked(dict(GOOD, another="{{ x }}"))[0])


class Rendered(unittest.TestCase):
    def test_a_value_is_never_a_template(self):
        rendered = action_plugin.texts.conf(TEMPLATES, dict(GOOD, nft_gateway="{{ nft_host }}"))
        self.assertIn("# Gateway {{ nft_host }}, host gw1\n", rendered)

    def test_a_missing_value_is_no_empty_text(self):
        variables = dict(GOOD)
        del variables["nft_ssh_port"]
        with self.assertRaises(Exception):
            action_plugin.texts.conf(TEMPLATES, variables)


if __name__ == "__main__":
    unittest.main()

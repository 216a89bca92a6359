"""Prints what every scenario of testdata renders to, as one JSON object:
scenario → file → text.

It checks and renders with the functions of the role's action plugin.
"""

import json
import os
import sys

import yaml

from role_modules import ROLE, TEMPLATES, action_plugin

TESTDATA = os.path.join(os.path.dirname(__file__), "testdata")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return yaml.safe_load(file)


def main():
    spec = read(ROLE, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]
    group = read(TESTDATA, "inventory.yml")["gateways"]
    rendered = {}
    for scenario, host in group["hosts"].items():
        given = {**group["vars"], **(host or {}), **read(TESTDATA, scenario, "vars.json")}
        variables, problems = action_plugin.checked(given, spec)
        if problems:
            sys.exit("%s: %s" % (scenario, "; ".join(problems)))
        texts = {"nftables.conf": action_plugin.rendered(TEMPLATES, "nftables.conf.j2", variables)}
        services = variables["nft_limits"]["services"]
        limits = {
            "limits.nft": action_plugin.limits_text(TEMPLATES, variables, services),
            "limits-besides-tc.nft": action_plugin.limits_text(TEMPLATES, variables, action_plugin.besides_tc(services)),
        }
        limits.update(("limits-%s.tc" % way, text) for way, text in action_plugin.for_tc(TEMPLATES, variables)["texts"].items())
        texts.update((name, text) for name, text in limits.items() if text)
        rendered[scenario] = texts
    json.dump(rendered, sys.stdout)


if __name__ == "__main__":
    main()

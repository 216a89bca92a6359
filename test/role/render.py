"""Prints what every scenario of testdata renders to, as one JSON object:
scenario → file → text.

It checks and renders with the functions of the role's action plugin.
"""

import json
import os
import sys

import yaml

from role_modules import TEMPLATES, action_plugin

TESTDATA = os.path.join(os.path.dirname(__file__), "testdata")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return yaml.safe_load(file)


def main():
    group = read(TESTDATA, "inventory.yml")["gateways"]
    rendered = {}
    for scenario, host in group["hosts"].items():
        given = {**group["vars"], **(host or {}), **read(TESTDATA, scenario, "vars.json")}
        variables, problems = action_plugin.checked(given)
        if problems:
            sys.exit("%s: %s" % (scenario, "; ".join(problems)))
        texts = action_plugin.texts.for_host(TEMPLATES, variables)
        files = {"nftables.conf": texts["conf"], "limits.nft": texts["limits"], "limits-besides-tc.nft": texts["limits_besides_tc"]}
        files.update(("limits-%s.tc" % way, text) for way, text in texts["tc"]["texts"].items())
        rendered[scenario] = {name: text for name, text in files.items() if text}
    json.dump(rendered, sys.stdout)


if __name__ == "__main__":
    main()

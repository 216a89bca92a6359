"""Lets tests import the role's Python as Ansible does.

Import it first: ansible.module_utils then has the role's package as well, and
action_plugin is the controller's half.
"""

import importlib.util
import os
import sys

import ansible.module_utils

sys.dont_write_bytecode = True  # the role's folder is not the tests' to write to

PROJECT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
ROLE = os.path.join(PROJECT, "roles", "nft")
TEMPLATES = os.path.join(PROJECT, "templates")

ansible.module_utils.__path__.append(os.path.join(ROLE, "module_utils"))


def _load(name, *path):
    spec = importlib.util.spec_from_file_location(name, os.path.join(ROLE, *path))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


# Plugin and module have one file name, so they cannot both be imported by it.
action_plugin = _load("nft_ruleset_action", "action_plugins", "nft_ruleset.py")

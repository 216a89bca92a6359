"""Lets tests import the role's Python as Ansible does on a gateway.

Import it first: ansible.module_utils then has the role's files as well.
"""

import os
import sys

import ansible.module_utils

sys.dont_write_bytecode = True  # the role's folder is not the tests' to write to

ROLE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "roles", "nft"))

ansible.module_utils.__path__.append(os.path.join(ROLE, "module_utils"))
sys.path.append(os.path.join(ROLE, "library"))

#!/usr/bin/python3
"""Keeps a change that nft_ruleset made. See DOCUMENTATION below."""

DOCUMENTATION = r"""
module: nft_confirm
short_description: Keep a change of the ruleset that would be taken back otherwise
description:
  - Having come in by a new connection is the proof that the change left the way
    in open. The change stays, and the files that were staged for it are put in place.
  - The action plugin nft_ruleset alone calls this module.
options:
  token:
    description: The token of the change.
    type: str
    required: true
  revision:
    description: The revision that the change is to bring.
    type: str
    required: true
  lock_wait:
    description: For how many seconds to wait for an apply to end.
    type: int
    default: 20
author:
  - The nft-operator authors
"""

RETURN = r"""
reason:
  description: In one word, why the change is not kept.
  type: str
  returned: failure
"""

EXAMPLES = r"""
- name: Keep the change
  nft_confirm:
    token: 5f1d7a84db00d2fce00b31a7fc73224f
    revision: 3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.nft_operator import commit, files
from ansible.module_utils.nft_operator.failure import Failure


def confirm(paths, params):
    """Keep the change and return what nft_ruleset had to answer."""
    with files.locked(paths.lock, params["lock_wait"]):
        change = commit.find(paths)
        if change is None or change.token != params["token"] or change.content["note"]["revision"] != params["revision"]:
            raise Failure("NotConfirmed", "nobody could come in by a new connection in time, so the change was taken back; see that managementCIDRs and publicInterfaces are right")
        if change.content["answer"] is None:
            raise Failure("NotConfirmed", "the change was not made")
        return change.confirm(paths)


def main():
    module = AnsibleModule(argument_spec={
        "token": {"type": "str", "required": True, "no_log": False},
        "revision": {"type": "str", "required": True},
        "lock_wait": {"type": "int", "default": 20},
    })
    try:
        result = confirm(files.Paths(), module.params)
    except Failure as failure:
        module.fail_json(msg=failure.message, reason=failure.reason)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Takes what nft-operator made off a gateway. See DOCUMENTATION below."""

DOCUMENTATION = r"""
module: nft_removal
short_description: Take nft-operator's ruleset off a gateway
description:
  - Deletes C(table inet nft_operator), puts back the C(/etc/nftables.conf) that
    was there before, and removes the operator's own files.
  - C(/etc/nftables.d/local-chain.nft) is the administrator's and stays, and so
    does a C(/etc/nftables.conf) that is not the operator's.
options:
  fence:
    description: Orders the runs of operators. Left out, the run is not ordered.
    type: dict
    suboptions:
      epoch:
        description: Grows with each operator that takes over.
        type: int
        required: true
      sequence:
        description: Grows with each run of that operator.
        type: int
        required: true
  lock_wait:
    description: For how many seconds to wait for an apply to end.
    type: int
    default: 20
author:
  - The nft-operator authors
"""

RETURN = r"""
removed:
  description: What went, as paths and the name of the table.
  type: list
  returned: success
restored:
  description: Whether the C(/etc/nftables.conf) from before came back.
  type: bool
  returned: success
reason:
  description: In one word, why the host was left as it is.
  type: str
  returned: failure
"""

EXAMPLES = r"""
- name: Take nft-operator's ruleset away
  nft_removal:
"""

import contextlib
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.nft_operator import commit, fence, files, limits, state, traffic_control, versions
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import Nft, Rejected
from ansible.module_utils.nft_operator.tc import Refused, Tc

# Limits go last: what is still open keeps its limit.
TABLES = ("nft_operator", limits.TABLE)
MARK = "# Written by nft-operator"


def remove(program, paths, check):
    """Remove what is there and return the module's result."""
    conf, before = files.read(paths.conf), files.read(paths.backup)
    ours = conf is not None and MARK in conf[:200]
    tables = [one for one in (Nft(program.path, name) for name in TABLES) if one.table() is not None]
    # Where somebody else wrote nftables.conf since, what was there before us is theirs to keep.
    made = (paths.boot_wanted, paths.boot_unit, paths.boot, paths.limits, paths.accepted, paths.rolled_back, paths.state) + ((paths.backup,) if ours else ())
    leftovers = [path for path in made if os.path.lexists(path)]
    of_tc = by_tc(paths, check=True)
    result = {
        "changed": bool(tables) or ours or bool(leftovers) or bool(of_tc),
        "removed": ["table inet " + table.name for table in tables] + ([paths.conf] if ours else []) + leftovers + of_tc,
        "restored": ours and before is not None,
    }
    if check:
        return result
    waiting = commit.find(paths)
    if waiting is not None:
        waiting.drop()  # nothing is left to be taken back to
    # The kernel first: as long as it fails, the files say that there is something to remove.
    for table in tables:
        unload(table)
    by_tc(paths, check=False)
    if ours and before is not None:
        files.write(paths.conf, before)
    elif ours:
        files.remove(paths.conf)
    for path in leftovers + [paths.seen, paths.code]:
        files.remove(path)
    for path in (paths.accepted, paths.state):
        with contextlib.suppress(OSError):  # somebody else's file in it keeps a folder
            os.rmdir(os.path.dirname(path))
    return result


def by_tc(paths, check):
    """Take away what tc does for us, and return what it was."""
    try:
        return traffic_control.remove(Tc(), paths, check)
    except Refused as refused:
        raise Failure("RulesetRejected", "limits of Services by tc cannot be taken away: %s" % refused) from None


def unload(table):
    """Delete a table. What counts is whether the kernel still has it."""
    try:
        table.load("delete table inet %s\n" % table.name)
    except Rejected as rejected:
        refusal = str(rejected)
    else:
        refusal = "nft reported success"
    if table.table() is not None:
        raise Failure("RulesetRejected", "table inet %s is still in the kernel: %s" % (table.name, refusal))


def main():
    module = AnsibleModule(argument_spec={
        "fence": {"type": "dict", "options": {"epoch": {"type": "int", "required": True}, "sequence": {"type": "int", "required": True}}},
        "lock_wait": {"type": "int", "default": 20},
    }, supports_check_mode=True)
    try:
        if os.geteuid() != 0:
            raise Failure("NotRoot", "only root may remove a ruleset; log in as root, or set become: Sudo")
        path = module.get_bin_path("nft")
        if path is None:
            raise Failure("NftMissing", "the gateway has no nft, and so no ruleset to remove; install the package nftables")
        paths = files.Paths()
        with files.locked(paths.lock, module.params["lock_wait"], shared=module.check_mode):
            versions.require_known(paths)
            if not module.check_mode:
                fence.admit(paths, fence.of(module.params["fence"]), state.read(paths).epoch)
            result = remove(Nft(path), paths, module.check_mode)
    except Failure as failure:
        module.fail_json(msg=failure.message, reason=failure.reason)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

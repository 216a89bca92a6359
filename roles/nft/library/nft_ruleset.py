#!/usr/bin/python3
"""Brings the gateway's ruleset to its intent. See DOCUMENTATION below."""

DOCUMENTATION = r"""
module: nft_ruleset
short_description: Bring a gateway's nftables ruleset to its intent
description:
  - Compares what the kernel holds in C(table inet nft_operator) with the
    rendered ruleset, and brings it there by the smallest single transaction.
    Other tables are never touched.
  - Reads the kernel back, and only then replaces C(/etc/nftables.conf), so
    that the gateway boots with what was seen to work.
  - Takes a change of more than what Services open back after a time, unless
    M(nft_confirm) comes by a new connection.
  - Takes C(/etc/nftables.d/local-chain.nft) in if it loads, and keeps the last
    one that did if it does not. Makes it from a template once, where absent.
  - An action plugin of the same name checks the variables and renders the
    templates; it alone calls this module.
options:
  conf:
    description: The rendered C(nftables.conf.j2).
    type: str
    required: true
  limits:
    description: The rendered C(limits.nft.j2), empty where nothing is limited.
    type: str
    required: true
  local_chain:
    description: The rendered C(local-chain.nft.j2), for gateways that have none.
    type: str
    required: true
  public_interfaces:
    description: The interfaces that face the outside. They must exist.
    type: list
    elements: str
    required: true
  limited_interfaces:
    description: The interfaces that are held to a rate. They must exist.
    type: list
    elements: str
    required: true
  revision:
    description: Hash of the intent.
    type: str
    required: true
  structure:
    description: Hash of the intent without what Services open.
    type: str
    required: true
  ssh_port:
    description: The port of the SSH server, which the ruleset keeps open. Something must listen there.
    type: int
    required: true
  hold:
    description: Leave everything as it is but what Services open.
    type: bool
    default: false
  retry:
    description: Try again what the gateway took back before.
    type: bool
    default: false
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
  confirm_timeout:
    description: Seconds after which a change that could cut the way in is taken back, unless M(nft_confirm) was run.
    type: int
    default: 30
  token:
    description: What M(nft_confirm) must name.
    type: str
    required: true
  lock_wait:
    description: For how many seconds to wait for another apply to end.
    type: int
    default: 20
author:
  - The nft-operator authors
"""

RETURN = r"""
revision:
  description: The revision that the gateway enforces, as it was given.
  type: str
  returned: success
structure:
  description: The structure that the gateway enforces, as it was given.
  type: str
  returned: success
action:
  description: >-
    What the kernel needed: V(none), V(elements) for some elements of sets,
    V(rules) for other rules with sets and counters left in place, V(created) or
    V(replaced) for the whole table. V(files) where the kernel was right and only
    files had to be written.
  type: str
  returned: success
pending:
  description: Token and seconds. Unless M(nft_confirm) is run in time, all is taken back.
  type: dict
  returned: where the change could cut the way in
held:
  description: V(Asked) or V(RolledBack) where only openings were changed, else empty.
  type: str
  returned: success
drift:
  description: What somebody else had changed since the last run, in words.
  type: list
  returned: success
rolled_back:
  description: Revision, structure and time of the last change that the gateway took back, until all is well again.
  type: dict
  returned: success
boot:
  description: V(Unit) where systemd loads the ruleset before the network, V(NoSystemd) where something else has to.
  type: str
  returned: success
elements:
  description: How many elements were added and deleted.
  type: dict
  returned: success
versions:
  description: Of nft, kernel, python and the operating system.
  type: dict
  returned: always, as far as known
local_chain:
  description: State V(Accepted), V(Created) or V(Broken), with nft's message and line, and whether a rule in force drops all.
  type: dict
  returned: success
limits:
  description: The engine that holds Services to their rates and why it does, the action in its table, and who was over a limit.
  type: dict
  returned: success
backup:
  description: Where a foreign C(/etc/nftables.conf) was kept in this run, or empty.
  type: str
  returned: success
drops:
  description: Packets and bytes dropped since the table was made, by reason.
  type: list
  returned: success
reason:
  description: In one word, why nothing is enforced. The role's README lists them.
  type: str
  returned: failure
"""

EXAMPLES = r"""
- name: Bring the ruleset to its intent
  nft_ruleset:
    templates: "{{ role_path }}/../../templates"
"""

import gc
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.nft_operator import files, host
from ansible.module_utils.nft_operator.apply import Apply
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import Nft

def main():
    gc.disable()  # a short life with many long lists, and no cycles worth looking for
    module = AnsibleModule(
        argument_spec={
            "conf": {"type": "str", "required": True},
            "limits": {"type": "str", "required": True},
            "limits_besides_tc": {"type": "str", "required": True},
            "tc": {"type": "dict", "required": True, "options": {
                "engine": {"type": "str", "required": True}, "mode": {"type": "str", "required": True}, "texts": {"type": "dict", "required": True}}},
            "local_chain": {"type": "str", "required": True},
            "public_interfaces": {"type": "list", "elements": "str", "required": True},
            "limited_interfaces": {"type": "list", "elements": "str", "required": True},
            "revision": {"type": "str", "required": True},
            "structure": {"type": "str", "required": True},
            "ssh_port": {"type": "int", "required": True},
            "hold": {"type": "bool", "default": False},
            "retry": {"type": "bool", "default": False},
            "fence": {"type": "dict", "options": {"epoch": {"type": "int", "required": True}, "sequence": {"type": "int", "required": True}}},
            "confirm_timeout": {"type": "int", "default": 30},
            "token": {"type": "str", "required": True},
            "lock_wait": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    # The arguments are not sent back: they are long, and known.
    known = {"invocation": {"module_args": {"revision": module.params["revision"]}}}
    try:
        if os.geteuid() != 0:
            raise Failure("NotRoot", "the module runs as user %d, and only root may load a ruleset; log in as root, or set become: Sudo" % os.geteuid())
        path = module.get_bin_path("nft")
        if path is None:
            raise Failure("NftMissing", "the gateway has no nft; install the package nftables")
        program = Nft(path)
        known["versions"] = host.versions(program.version())
        host.require_versions(known["versions"])
        host.require_interfaces(module.params["public_interfaces"], "publicInterfaces")
        host.require_interfaces(module.params["limited_interfaces"], "spec.rateLimiting.interfaces")
        host.require_sshd(module.params["ssh_port"])
        result = Apply(program, known["versions"], module.params, files.Paths(), module.check_mode, module._diff).run()
    except Failure as failure:
        module.fail_json(msg=failure.message, reason=failure.reason, **known)
    module.exit_json(**dict(known, **result))


if __name__ == "__main__":
    main()

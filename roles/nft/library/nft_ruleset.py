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
  - Takes C(/etc/nftables.d/local-chain.nft) in if it loads, and keeps the last
    one that did if it does not. Makes it from a template once, where absent.
  - An action plugin of the same name checks the variables and renders the
    templates; it alone calls this module.
options:
  conf:
    description: The rendered C(nftables.conf.j2).
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
    What the kernel needed: V(none), V(created) or V(replaced) for the whole
    table, V(elements) for some of its elements. V(files) where the kernel was
    right and only files had to be written.
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
  description: State V(Accepted), V(Created) or V(Broken), with nft's message and line.
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
import json
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.nft_operator import changes, differences, files, host, listing, local_chain
from ansible.module_utils.nft_operator import intent as intents
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import Nft, Rejected, in_scratch_namespace

HEADER = "# Written by nft-operator:"  # the second line of our nftables.conf


class Apply:
    """One apply, or in check mode the question what it would do."""

    def __init__(self, program, params, paths, check=False, diff=False):
        self.program = program
        self.paths = paths
        self.check = check
        self.diff = diff
        self.revision = params["revision"]
        self.structure = params["structure"]
        self.lock_wait = params["lock_wait"]
        self.template = params["local_chain"]
        self.intent = intents.read(params["conf"])
        self.differences = []

    def run(self):
        """Apply and return the module's result."""
        with files.locked(self.paths.lock, self.lock_wait, shared=self.check):
            found = local_chain.find(self.paths.local_chain)
            accepted = local_chain.find(self.paths.accepted)
            verdict = local_chain.judge(self.program, self.intent, found, accepted, self.template)
            held = self.read_kernel()
            action, change = self.decide(held, verdict)
            if action != "none":
                action, held = self.bring(action, change, held, verdict)
            wrote, backup, verdict = self.persist(verdict, accepted.text)
        if action == "none" and wrote:
            action = "files"
        return {
            "changed": action != "none",
            "revision": self.revision,
            "structure": self.structure,
            "action": action,
            "elements": {"added": change.additions, "deleted": change.deletions},
            "local_chain": {"state": verdict.state, "message": verdict.message, "line": verdict.line},
            "backup": backup,
            "drops": held.drops if held else [],
            "diff": differences.as_ansible_wants(self.differences),
        }

    def read_kernel(self):
        """What the kernel holds, or None where it has no such table."""
        objects = self.program.table()
        return None if objects is None else listing.read(objects, self.intent.elements, self.intent.counters)

    def decide(self, held, verdict):
        """The smallest action that brings the kernel there, and what it does to elements."""
        if held is None:
            return "created", changes.between({}, self.intent.elements)
        change = changes.between(held.elements, self.intent.elements)
        if held.structure != verdict.structure:
            return "replaced", change
        return ("elements" if change.additions or change.deletions else "none"), change

    def bring(self, action, change, held, verdict):
        """Bring the kernel there and read it back. Where elements alone will
        not do it, the whole table is replaced."""
        self.describe(action, change, verdict)
        if action == "elements":
            try:
                return action, self.transact(changes.script(change), verdict) or held
            except Failure as failure:
                if failure.reason not in ("RulesetRejected", "ReadBackMismatch"):
                    raise
                action = "replaced"
        return action, self.transact(intents.with_local_chain(self.intent.text, verdict.text).text, verdict) or held

    def transact(self, text, verdict):
        """Check a text, load it and read the kernel back. In check mode only the
        first, and None is returned."""
        try:
            self.program.check(text)
        except Rejected as rejected:
            raise Failure("RulesetRejected", "nft refuses the ruleset, nothing was changed: %s" % rejected) from None
        if self.check:
            return None
        refusal = None
        try:
            self.program.load(text)
        except Rejected as rejected:
            refusal = rejected
        # nft can fail after the kernel took the transaction, and the reverse
        # was seen too. What the kernel holds is what counts.
        held = self.read_kernel()
        action, _ = self.decide(held, verdict)
        if action == "none":
            return held
        if refusal is not None:
            raise Failure("RulesetRejected", "nft could not load the ruleset: %s" % refusal)
        raise Failure("ReadBackMismatch", "nft reported success, but the kernel holds something else; see whether another program changes table inet nft_operator")

    def persist(self, verdict, accepted):
        """Write the files that differ. Return whether any did, the backup made,
        and the verdict, which changes where the local chain cannot be made."""
        wrote, backup = False, ""
        if verdict.state == "Created":
            verdict, wrote = self.create_local_chain(verdict)
        if accepted != (verdict.text or None):
            wrote = True
            self.replace(self.paths.accepted, accepted, verdict.text or None, shown=verdict.state != "Created")
        current = files.read(self.paths.conf)
        if current != self.intent.text:
            wrote = True
            if current is not None and HEADER not in current[:200] and files.read(self.paths.backup) is None:
                backup = self.paths.backup
                self.replace(backup, None, current, shown=False)
            self.replace(self.paths.conf, current, self.intent.text)
        state = json.dumps({"schema": 1, "revision": self.revision}) + "\n"
        if files.read(self.paths.state) != state:
            wrote = True
            self.replace(self.paths.state, None, state, shown=False, mode=0o600, directory_mode=0o700)
        return wrote, backup, verdict

    def create_local_chain(self, verdict):
        """Make the administrator's file. That it cannot be made is told of it
        alone, and keeps nothing else back."""
        try:
            self.replace(self.paths.local_chain, None, verdict.text)
        except Failure as failure:
            return verdict._replace(state="Broken", message=failure.message), False
        return verdict, True

    def replace(self, path, before, after, shown=True, **modes):
        """Write or remove one file, or in check mode show that it would be."""
        if shown and self.diff:
            self.differences.append(differences.of_text(path, before, after))
        if self.check:
            return
        if after is None:
            files.remove(path)
        else:
            files.write(path, after, **modes)

    def describe(self, action, change, verdict):
        """Show what changes in the kernel."""
        if not self.diff:
            return
        if action == "created":
            self.differences.append("The kernel has no table inet nft_operator. It will hold what %s says." % self.paths.conf)
            return
        if action == "replaced":
            spliced = intents.with_local_chain(self.intent.structure, verdict.text).text
            intended = in_scratch_namespace(lambda: self.program.load(spliced) or self.program.readable_structure())
            self.differences.append(differences.of_text("table inet nft_operator in the kernel", self.program.readable_structure(), intended))
        self.differences.append(differences.of_elements(change))


def main():
    gc.disable()  # a short life with many long lists, and no cycles worth looking for
    module = AnsibleModule(
        argument_spec={
            "conf": {"type": "str", "required": True},
            "local_chain": {"type": "str", "required": True},
            "public_interfaces": {"type": "list", "elements": "str", "required": True},
            "revision": {"type": "str", "required": True},
            "structure": {"type": "str", "required": True},
            "ssh_port": {"type": "int", "required": True},
            "lock_wait": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
        no_log=True,  # the arguments are no secret, but too long for the gateway's system log
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
        host.require_interfaces(module.params["public_interfaces"])
        host.require_sshd(module.params["ssh_port"])
        apply = Apply(program, module.params, files.Paths(), module.check_mode, module._diff)
        result = apply.run()
    except Failure as failure:
        module.fail_json(msg=failure.message, reason=failure.reason, **known)
    module.exit_json(**result, **known)


if __name__ == "__main__":
    main()

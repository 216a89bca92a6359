#!/usr/bin/python3
"""Ansible module: bring a gateway's ruleset to its intent."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = """
module: nft_ruleset
short_description: Bring the table inet nft_operator to its intent
description:
  - Compares the kernel with a rendered ruleset, brings it there in one
    transaction, reads it back, and then writes the files that do the same at boot.
  - Where only elements of sets differ, only elements are changed, so that
    counters and flows survive.
options:
  conf:
    description: The full text of /etc/nftables.conf.
    type: str
    required: true
  local_chain:
    description: The text of a new local-chain.nft, for a host that has none.
    type: str
    required: true
  public_interfaces:
    description: Interfaces that must be there.
    type: list
    elements: str
    required: true
  revision:
    description: Name of the intent, given back once it was read back.
    type: str
    required: true
"""

RETURN = """
revision: {description: The revision that the kernel was seen to hold., type: str, returned: success}
action: {description: "none, files, elements, replaced or created", type: str, returned: success}
elements: {description: Elements added and deleted., type: dict, returned: success}
versions: {description: "nft, kernel, python, os", type: dict, returned: always}
local_chain: {description: "state, message and line of the administrator's file", type: dict, returned: success}
backup: {description: Where somebody else's nftables.conf was kept., type: str, returned: success}
drops: {description: Counts of dropped packets by reason., type: list, returned: success}
reason: {description: Why the host was left as it is., type: str, returned: failure}
"""

import json
import os
import platform

from ansible.module_utils import nft_elements, nft_files, nft_kernel, nft_local_chain
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.nft_errors import Refused

CONF = "/etc/nftables.conf"
BACKUP = "/etc/nftables.conf.before-nft-operator"
ADMINISTRATORS = "/etc/nftables.d/local-chain.nft"
ACCEPTED = "/etc/nft-operator/local-chain.nft"
INCLUDE = "/etc/nft-operator/local-chain*.nft"
STATE = "/var/lib/nft-operator/state.json"
LOCK = "/run/nft-operator/lock"
LOCK_PATIENCE = 30
MARK = "# Written by nft-operator"


class Host(object):
    """What one run finds on the host, and what it makes of it."""

    def __init__(self, conf, local_chain, nft):
        self.conf, self.initial, self.nft = conf, local_chain, nft
        self.structure_text, self.desired = nft_elements.split(conf)

    def look(self, stage):
        """Find out what is in force and what should be, changing nothing."""
        self.listing = self.nft.listing()
        self.local = nft_local_chain.resolve(
            ADMINISTRATORS, ACCEPTED, self.initial,
            lambda content: stage.told(self.nft.problem_of(stage.script(self.conf, content))))
        self.script = stage.script(self.conf, self.local.content)
        structure = self.nft.listing_of(stage.script(self.structure_text, self.local.content))
        self.wanted_structure = nft_kernel.structure_of(structure, self.desired)
        self.compare(self.listing)

    def compare(self, listing):
        """Say in what a listing differs from the intent."""
        self.structure = nft_kernel.structure_of(listing, self.desired)
        self.deletions, self.additions = nft_elements.differences(
            nft_elements.listed(listing or [], self.desired), self.desired)

    @property
    def same_structure(self):
        return self.structure == self.wanted_structure

    @property
    def as_intended(self):
        return self.same_structure and not self.deletions and not self.additions

    def enforce(self):
        """Bring the kernel to the intent in one transaction; return the action taken."""
        if self.as_intended:
            return "none"
        had_table, same_structure = self.structure is not None, self.same_structure
        changes = self.deletions, self.additions
        if same_structure and self._load(nft_elements.transaction(*changes)):
            return "elements"
        # Another structure, or nft would not take the elements by themselves.
        if self._load(self.script):
            return "replaced" if had_table else "created"
        raise Refused("RulesetRejected" if self.complaint else "ReadBackMismatch",
                      self.complaint or "nft reported success, but the kernel does not hold the ruleset; it is tried again")

    def _load(self, script):
        """Check and load a script. What counts is what the kernel holds then, whatever nft said."""
        self.complaint = self.nft.problem_of(script) or self.nft.load(script)
        self.listing = self.nft.listing()
        self.compare(self.listing)
        return self.as_intended

    def diff(self):
        """Tell a person in what the kernel differs from the intent."""
        before, after = self.nft.texts(self.script)
        return {"before_header": "kernel", "after_header": "kernel", "before": before, "after": after}


class Files(object):
    """The files that bring the host to the same intent at boot."""

    def __init__(self, conf, local, revision):
        state = json.dumps({"schema": 1, "revision": revision}) + "\n"
        # The conf comes last: only when it is there does the rest matter.
        self.wanted = [(ACCEPTED, local.content, 0o644), (STATE, state, 0o600), (CONF, conf, 0o755)]
        if local.state == "Created":
            self.wanted.insert(0, (ADMINISTRATORS, local.content, 0o644))
        self.found = {path: _or_other(path) for path, _text, _mode in self.wanted}

    def outdated(self):
        return [(path, text, mode) for path, text, mode in self.wanted if text is not None and self.found[path] != text]

    def foreign(self):
        """Somebody else's nftables.conf, which has not been kept yet; None where there is none."""
        text = self.found[CONF]
        return text if text and MARK not in text and not os.path.exists(BACKUP) else None

    def write(self):
        """Write what is outdated; return where somebody else's nftables.conf was kept."""
        foreign = self.foreign()
        if foreign is not None:
            nft_files.write(BACKUP, foreign, 0o644)
        for path, text, mode in self.outdated():
            nft_files.write(path, text, mode)
        return BACKUP if foreign is not None else ""

    def diffs(self):
        return [{"before_header": path, "after_header": path, "before": self.found[path] or "", "after": text}
                for path, text, _mode in self.outdated()]


def _or_other(path):
    try:
        return nft_files.read(path)
    except ValueError:
        return "(no text)\n"


def preflight(interfaces):
    """Return nft, or raise Refused where this host cannot be worked on."""
    if os.geteuid() != 0:
        raise Refused("NotRoot", "only root may change the ruleset: set spec.ssh.become to Sudo, or log in as root; nothing was changed")
    nft = nft_kernel.Nft()
    nft.refuse_unsupported()
    missing = [name for name in interfaces if not os.path.exists(os.path.join("/sys/class/net", name))]
    if missing:
        raise Refused("InterfaceNotFound", "this host has no interface %s, it has %s: correct publicInterfaces; nothing was changed" % (
            ", ".join(missing), ", ".join(sorted(os.listdir("/sys/class/net")))))
    return nft


def versions(nft):
    found = {"kernel": os.uname().release, "python": platform.python_version(), "os": _distribution()}
    if nft is not None:
        found["nft"] = nft_kernel.dotted(nft.version)
    return found


def _distribution():
    for line in (_or_other("/etc/os-release") or "").split("\n"):
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return ""


def run(module, nft):
    """Look, and unless this is a check, change what differs. Return the module's result."""
    parameters = module.params
    host = Host(parameters["conf"], parameters["local_chain"], nft)
    with nft_local_chain.Stage(INCLUDE, ADMINISTRATORS) as stage:
        host.look(stage)
        files = Files(parameters["conf"], host.local, parameters["revision"])
        result = {
            "changed": bool(files.outdated()) or not host.as_intended,
            "revision": parameters["revision"],
            "elements": {"added": len(host.additions), "deleted": len(host.deletions)},
            "local_chain": host.local.result(), "versions": versions(nft), "backup": "",
            "drops": nft_kernel.counts_of(host.listing),
        }
        if module._diff:
            result["diff"] = ([] if host.as_intended else [host.diff()]) + files.diffs()
        if module.check_mode:
            complaint = None if host.as_intended else nft.problem_of(host.script)
            if complaint:
                raise Refused("RulesetRejected", complaint)
            return result
        result["action"] = host.enforce()
    if result["action"] == "none" and files.outdated():
        result["action"] = "files"
    result["backup"] = files.write()
    result["drops"] = nft_kernel.counts_of(host.listing)
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "conf": {"type": "str", "required": True},
            "local_chain": {"type": "str", "required": True},
            "public_interfaces": {"type": "list", "elements": "str", "required": True},
            "revision": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    nft = None
    try:
        nft = preflight(module.params["public_interfaces"])
        if module.check_mode:
            result = run(module, nft)
        else:
            with nft_files.locked(LOCK, LOCK_PATIENCE):
                result = run(module, nft)
    except Refused as refused:
        module.fail_json(msg=str(refused), reason=refused.reason, versions=versions(nft))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

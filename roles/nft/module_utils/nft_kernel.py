"""The gateway's nft: what the kernel holds, and what it is asked to hold."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import re
import subprocess

from ansible.module_utils.nft_errors import Refused

FAMILY, TABLE = "inet", "nft_operator"
OLDEST_NFT = (1, 0, 1)
OLDEST_KERNEL = (5, 13)

_LIST = ["list", "table", FAMILY, TABLE]

# Both programs in one namespace: the listing is of what the first one loaded.
_LOAD_AND_LIST = '"$0" -f - && exec "$0" "$@"'


class Nft(object):
    """Runs nft. Nothing of a ruleset is ever an argument: it goes in by standard input."""

    def __init__(self, program="nft", timeout=120):
        self.timeout = timeout
        self.program = _find(program)
        self.version = self._version()

    def _version(self):
        match = re.search(r"v(\d+)\.(\d+)\.?(\d*)", self._run([self.program, "--version"]).stdout)
        if not match:
            raise Refused("NftMissing", "%s does not say its version; reinstall the package nftables" % self.program)
        return tuple(int(part or 0) for part in match.groups())

    def refuse_unsupported(self):
        """Raise Refused where nft or the kernel is too old for what the templates write."""
        kernel = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
        if self.version < OLDEST_NFT or kernel < OLDEST_KERNEL:
            raise Refused("Unsupported", "nft %s on Linux %s is too old: nft %s and Linux %s are the oldest that do; nothing was changed" % (
                dotted(self.version), os.uname().release, dotted(OLDEST_NFT), dotted(OLDEST_KERNEL)))

    def listing(self):
        """List our table as nft's JSON objects; None where there is no such table."""
        result = self._run([self.program, "-j"] + _LIST)
        if result.returncode != 0:
            if "No such file or directory" in result.stderr:
                return None
            raise Refused("RulesetRejected", "nft cannot list our table: %s" % result.stderr.strip())
        return json.loads(result.stdout)["nftables"]

    def listing_of(self, script):
        """List what a script would make of an empty kernel, in a network namespace of its own.

        It is this host's nft and kernel that say so, so the answer can be
        compared with a listing of the real one to the letter.
        """
        return json.loads(self._in_scratch(script, ["-j"]))["nftables"]

    def texts(self, script):
        """Return our table as people read it: as it is, and as a script would make it."""
        return self._run([self.program, "-s"] + _LIST).stdout, self._in_scratch(script, ["-s"])

    def _in_scratch(self, script, form):
        result = self._run(["unshare", "--net", "--", "/bin/sh", "-ec", _LOAD_AND_LIST, self.program] + form + _LIST, script)
        if result.returncode != 0:
            raise Refused("RulesetRejected", "nft refuses the ruleset: %s" % result.stderr.strip())
        return result.stdout

    def problem_of(self, script):
        """Check a script against the running kernel; None when nft would take it, else what it says."""
        result = self._run([self.program, "-c", "-f", "-"], script)
        return None if result.returncode == 0 else (result.stderr.strip() or "nft ended with status %d" % result.returncode)

    def load(self, script):
        """Load a script in one transaction. Return what nft complains of, None when it does not.

        Whether the kernel took it is another question, which only a listing answers.
        """
        result = self._run([self.program, "-f", "-"], script)
        return None if result.returncode == 0 else (result.stderr.strip() or "nft ended with status %d" % result.returncode)

    def _run(self, command, stdin=""):
        environment = dict(os.environ, LC_ALL="C")
        try:
            process = subprocess.Popen(command, env=environment, universal_newlines=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise Refused("NftMissing", "%s cannot be started: %s" % (command[0], error.strerror))
        try:
            stdout, stderr = process.communicate(stdin, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Refused("RulesetRejected", "nft did not end within %d seconds" % self.timeout)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _find(program):
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin", "/usr/local/sbin"]:
        path = os.path.join(folder, program)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise Refused("NftMissing", "nft is not there: install the package nftables; nothing was changed")


def dotted(version):
    return ".".join(str(part) for part in version)


def structure_of(objects, managed):
    """Reduce a listing to what only a person or a new ruleset changes.

    Left out are handles, counts, what packets add to sets, and the elements of
    the managed sets, which are compared one by one. The result can be compared
    by ==; None (no table) stays None.
    """
    if objects is None:
        return None
    return [_reduced(item, managed) for item in objects if "metainfo" not in item]


_STATE = ("handle", "packets", "bytes", "used")


def _reduced(item, managed):
    (kind, body), = item.items()
    if kind in ("set", "map") and (body["name"] in managed or _filled_by_packets(body)):
        body = {k: v for k, v in body.items() if k != "elem"}
    return {kind: _without_state(body)}


def _filled_by_packets(body):
    return bool({"timeout", "dynamic"} & set(body.get("flags", [])))


def _without_state(value):
    if isinstance(value, dict):
        return {k: _without_state(v) for k, v in value.items() if k not in _STATE}
    if isinstance(value, list):
        return [_without_state(v) for v in value]
    return value


def counts_of(objects):
    """Return what our named counters count, as [{"reason", "packets", "bytes"}]."""
    return [{"reason": item["counter"]["name"], "packets": item["counter"]["packets"], "bytes": item["counter"]["bytes"]}
            for item in objects or [] if "counter" in item]

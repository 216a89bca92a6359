"""Running the host's own tc and ip, in the host's network namespace or in a
scratch one."""

import re
import shutil
import subprocess
import time
from typing import Dict, List, Optional, Set

from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import said

TIMEOUT = 60  # seconds
_ATTEMPTS, _PAUSE = 100, 0.02  # seconds
PREFERENCES = ("20038", "20039")
SHAPER = "nftop-shape"  # the ifb in which packets wait
_INDEX = "20038"  # the first digits of our policers' indexes, five follow

_POLICER = re.compile(r"police (0x[0-9a-f]+|[0-9]+) ")
_PLACES = tuple(zip(PREFERENCES, ("ip", "ipv6"), ("4", "6")))
_REDIRECT = re.compile(r"\bindex %s\b" % _INDEX)
_TABLES = ("06", "11", "84")  # of u32, by the number of the protocol
_TABLE = re.compile(r"fh [46](?:%s): ht divisor 256" % "|".join(_TABLES))
_ADDRESS = re.compile(r" inet6? ([0-9a-f.:]+)")
_DROPPED = re.compile(r"\(dropped ([0-9]+),")
_QUEUE = re.compile(r"qdisc \S+ ([0-9a-f]+): [^\n]*parent 1:[^\n]*\n[^\n]*\(dropped ([0-9]+),")
# How many share an action depends on the number of interfaces, and whether a
# card does the work on the card.
_BESIDES = re.compile(r"\bref [0-9]+ bind [0-9]+|\b(?:not_)?in_hw(?:_count [0-9]+)?\b")
_DIRECT = re.compile(r"direct_packets_stat [0-9]+")
_ROOT_TABLE = re.compile(r"fh ([0-9a-f]+): ht divisor 1 ")


class Refused(Exception):
    """tc or ip refused something. The text is its own."""


class Tc:
    """The programs tc and ip. No shell is involved."""

    def __init__(self):
        search = "/usr/sbin:/usr/bin:/sbin:/bin"
        self.path, self.ip_path = shutil.which("tc", path=search), shutil.which("ip", path=search)

    def batch(self, lines: List[str]) -> None:
        """Have tc do one line after the other. Refused at the first that it cannot
        do: those before it are done."""
        answer = self._run(self.path, "-batch", "-", text="\n".join(lines) + "\n")
        if answer.returncode:
            raise Refused("%s%s" % (said(answer), _culprit(answer, lines)))

    def filters(self, interface: str) -> str:
        """Our filters of what comes in by an interface; empty where there are none."""
        return self._filters("dev", interface, "ingress")

    def shaper(self) -> str:
        """The queues in which packets wait; empty where there are none."""
        if not self.has(SHAPER):
            return ""
        queues = _DIRECT.sub("", self._shown("qdisc", "show", "dev", SHAPER) + self._shown("class", "show", "dev", SHAPER))
        up = ",UP" in self._ip("-oneline", "link", "show", "dev", SHAPER)  # nothing passes where it is not
        return "%s\n%s\n%s" % ("\n".join(sorted(queues.split("\n"))), self._filters("dev", SHAPER, "parent", "1:"), "up" if up else "down")

    def has_ingress(self, interface: str) -> bool:
        """Whether something can be attached to what comes in by an interface."""
        return self._has_queue(interface, "clsact|ingress")

    def has_unused_clsact(self, interface: str) -> bool:
        """Whether there is a clsact to which nobody has attached anything."""
        return self._has_queue(interface, "clsact") and not any(
            self._shown("filter", "show", "dev", interface, way).strip() for way in ("ingress", "egress"))

    def _has_queue(self, interface, kinds):
        return re.search(r"^qdisc (?:%s) " % kinds, self._shown("qdisc", "show", "dev", interface), re.MULTILINE) is not None

    def has(self, interface: str) -> bool:
        """Whether there is such an interface."""
        return self._run(self.ip_path, "link", "show", "dev", interface).returncode == 0

    def make_shaper(self) -> None:
        """Make the interface in which packets wait. Refused."""
        self._ip("link", "add", SHAPER, "type", "ifb")
        self._ip("link", "set", "dev", SHAPER, "up", "txqueuelen", "1000")

    def remove_shaper(self) -> None:
        """Remove it, with all that waits in it. Refused."""
        self._ip("link", "delete", SHAPER)

    def remove_filters(self, interface: str) -> None:
        """Remove our filters of what comes in by an interface. Refused.

        Their hash tables stay where others have filters of u32 too, and then only
        a filter at the same preference leads to them.
        """
        for preference, protocol, table in _PLACES:
            place = "dev %s ingress protocol %s pref %s" % (interface, protocol, preference)
            lead = "%s handle ::1 u32" % place
            self._try(["filter delete " + place, "filter add %s match u32 0 0" % lead] + [
                "filter delete %s handle %s%s: u32" % (place, table, number) for number in _TABLES] + ["filter delete " + place])
        if self.filters(interface):
            raise Refused("the filters of %s cannot be deleted" % interface)

    def await_no_redirect(self) -> None:
        """Wait until the kernel has let go of what led to the shaper, which it does a
        little after the filters are gone: a new filter would be given the old
        redirection, to an interface that may have been deleted."""
        for _ in range(_ATTEMPTS):
            if not _REDIRECT.search(self._shown("actions", "list", "action", "mirred")):
                return
            time.sleep(_PAUSE)

    def _try(self, lines):
        """Have tc do lines of which some fail, whatever there is, but for tables that
        are in use: the kernel forgets what led to them a little later."""
        for _ in range(_ATTEMPTS):
            if "in-use" not in self._run(self.path, "-force", "-batch", "-", text="\n".join(lines) + "\n").stderr:
                return
            time.sleep(_PAUSE)

    @staticmethod
    def is_ours(shown: str) -> bool:
        """Whether what tc showed of the filters at our preferences is of us."""
        return SHAPER in shown or any(mark.search(shown) for mark in (_TABLE, _REDIRECT)) or any(_is_ours(int(number, 0)) for number in _POLICER.findall(shown))

    def local_addresses(self) -> Set[str]:
        """The gateway's own addresses."""
        return set(_ADDRESS.findall(self._ip("-oneline", "address", "show")))

    def policers(self) -> List[str]:
        """The indexes of our policers."""
        found = (int(number, 0) for number in _POLICER.findall(self._shown("actions", "list", "action", "police")))
        return [str(number) for number in found if _is_ours(number)]

    def dropped_by_policers(self) -> Dict[int, int]:
        """Packets that were over the limit, by the number of the bucket."""
        counts = {}
        for shown in self._shown("-statistics", "actions", "list", "action", "police").split("action order"):
            policer, dropped = _POLICER.search(shown), _DROPPED.search(shown)
            if policer and dropped and _is_ours(int(policer.group(1), 0)):
                counts[int(str(int(policer.group(1), 0))[len(_INDEX):])] = int(dropped.group(1))
        return counts

    def dropped_by_shaper(self) -> Dict[int, int]:
        """Packets that did not fit into their queue, by the number of the bucket."""
        if not self.has(SHAPER):
            return {}
        return {int(number, 16): int(dropped) for number, dropped in _QUEUE.findall(self._shown("-statistics", "qdisc", "show", "dev", SHAPER))}

    def _filters(self, *where):
        # u32 numbers its root tables itself, and others may have some.
        return "".join(_BESIDES.sub("", _with_root_named(self._shown("filter", "show", *where, "pref", preference))) for preference in PREFERENCES)

    def _shown(self, *arguments):
        """What tc shows; nothing where there is nothing to be shown of."""
        answer = self._run(self.path, *arguments)
        return "" if answer.returncode else answer.stdout

    def _ip(self, *arguments):
        answer = self._run(self.ip_path, *arguments)
        if answer.returncode:
            raise Refused(said(answer))
        return answer.stdout

    @staticmethod
    def _run(path: Optional[str], *arguments, text=""):
        if path is None:
            raise Refused("tc or ip is missing; install the package iproute2")
        try:
            return subprocess.run(
                [path] + list(arguments), input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False,
                encoding="utf-8", errors="surrogateescape", env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        except subprocess.TimeoutExpired:
            raise Failure("Busy", "%s did not end within %d seconds; see what holds it" % (" ".join([path] + list(arguments)), TIMEOUT)) from None


def _with_root_named(shown):
    found = _ROOT_TABLE.search(shown)
    return re.sub(r"(?<=fh )%s(?=:)|(?<=key ht )%s(?= )" % (found.group(1), found.group(1)), "root", shown) if found else shown


def _is_ours(index):
    return len(str(index)) == len(_INDEX) + 5 and str(index).startswith(_INDEX)


def _culprit(answer, lines):
    found = re.search(r"Command failed -:([0-9]+)", answer.stderr)
    return ": " + lines[int(found.group(1)) - 1] if found and int(found.group(1)) <= len(lines) else ""

"""Services that tc holds to their rates of bytes.

What was loaded is written down with the numbers of everything, and a hash of
what tc then showed. As long as that is what tc shows, only what differs is
changed; otherwise all of ours is taken off and made anew. Filters and policers
of others are never touched: ours are at preferences and indexes of our own.
"""

import contextlib
import json
import os
import socket
from typing import Any, Dict, List, NamedTuple

from ansible.module_utils.nft_operator import differences, engine as engines, files, state, tc_boot, tc_lines, versions
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import in_scratch_namespace
from ansible.module_utils.nft_operator.tc import PREFERENCES, SHAPER, Refused, Tc



class Record(NamedTuple):
    """What was loaded last. All is empty where nothing is."""

    way: str = ""
    interfaces: List[str] = []
    # Interfaces to which we gave the place where filters are attached.
    prepared: List[str] = []
    numbers: tc_lines.Numbers = {}
    lines: List[str] = []
    # A hash of what tc showed then.
    shown: str = ""


class TrafficControl:
    """What Services are held to by tc."""

    def __init__(self, tc: Tc, engine: engines.Engine, texts: Dict[str, str], interfaces: List[str], paths):
        """texts are the rendered lines, by the way that tc takes; empty where tc
        has nothing to do."""
        self.tc = tc
        self.paths = paths
        self.record = read(paths)
        # Something is there, and its numbers are not known any more.
        self.lost = not self.record.way and bool(tc_boot.present(paths) or os.path.lexists(paths.tc_record))
        if self.record.way and tc.path is None:
            raise Failure("LimitsUnsupported", "the gateway has no tc any more, which holds Services to their rates; install the package iproute2")
        text = tc_lines.without(texts.get(engine.way, ""), tc.local_addresses() if texts.get(engine.way) else ())
        self.symbolic, self.numbers = tc_lines.numbered(text, self.record.numbers)
        self.way = engine.way if self.symbolic else ""
        self.interfaces = sorted(interfaces) if self.symbolic else []
        self.lines = tc_lines.on(self.symbolic, self.interfaces)
        self.shown = self._shown(self.record.way, self.record.interfaces)
        self.prepared = list(self.record.prepared)
        self.action, self.wanted = "none", ""

    def drift(self) -> List[str]:
        """What somebody else changed since the last run."""
        found = []
        if self.lost:
            found.append("%s was %s" % (self.paths.tc_record, "edited" if os.path.lexists(self.paths.tc_record) else "deleted"))
        if self.shown != self.record.shown:
            found.append("what tc does at %s was changed" % " and ".join(self.record.interfaces))
        return found + tc_boot.drift(self.paths, self.record, self.tc)

    def describe(self) -> List[str]:
        """What changes, for people."""
        name = "tc at the public interfaces"
        return [differences.of_text(name, "\n".join(self.record.lines) if self.record.way else None, "\n".join(self.lines) if self.way else None)]

    def prepare(self) -> None:
        """See what is to be done. Failure LimitsUnsupported where this host cannot
        keep such limits."""
        left = self.shown == self.record.shown and not self.lost
        if left and (self.way, self.lines) == (self.record.way, self.record.lines):
            if tc_boot.drift(self.paths, self.record, self.tc):
                self.action = "files"
        elif not self.way:
            self.action = "deleted"
        else:
            self.action = "elements" if left and self.way == self.record.way else "replaced"
        if self.action != "none":
            self.wanted = self._expected()

    def bring(self) -> None:
        """Bring tc there. Failure ReadBackMismatch where it does something else."""
        if self.action == "none":
            return
        try:
            if self.action != "files":
                self._change(self.wanted)
            self._keep(self.wanted)
        except Refused as refused:
            raise Failure("ReadBackMismatch", "what tc did before cannot be taken off: %s" % refused) from None

    def over(self) -> List[Dict[str, Any]]:
        """Packets that were dropped, by Service."""
        if not self.record.way:
            return []
        counts = self.tc.dropped_by_policers() if self.record.way == "police" else self.tc.dropped_by_shaper()
        totals: Dict[str, int] = {}
        for name, number in self.record.numbers.get("bucket", {}).items():
            service = name.partition(".")[0]
            totals[service] = totals.get(service, 0) + counts.get(number, 0)
        return [{"service": service, "packets": packets, "bytes": 0} for service, packets in totals.items() if packets]

    # What tc shows.

    def _shown(self, way: str, interfaces: List[str]) -> str:
        """A hash of what tc shows of ours."""
        if not way:
            return ""
        return _digest(way, {name: self.tc.filters(name) for name in interfaces}, self.tc.shaper() if way != "police" else "")

    def _expected(self) -> str:
        """A hash of what tc will show, as an empty namespace tells."""
        if not self.way:
            return ""
        try:
            shown = in_scratch_namespace(lambda: engines.scratch(self.tc, self.symbolic, self.way))
        except Refused as refused:
            raise Failure("LimitsUnsupported", "this gateway's tc cannot keep the limits that are asked for, nothing was opened: %s" % refused) from None
        return _digest(self.way, {name: shown["public"] for name in self.interfaces}, shown["shaper"])

    # How it gets there.

    def _change(self, wanted: str) -> None:
        if self.action == "elements":
            try:
                self._make_place()
                self.tc.batch(tc_lines.between(self.record.lines, self.lines))
            except Refused:
                pass
            if self._shown(self.way, self.interfaces) == wanted:
                return
            self.action = "replaced"
        refusal = "tc reported success"
        try:
            self._replace()
        except Refused as refused:
            refusal = str(refused)
        if self._shown(self.way, self.interfaces) != wanted:
            raise Failure("ReadBackMismatch", "tc does not hold Services to their limits: %s; see whether another program changes what tc does at %s" % (
                refusal, " and ".join(self.interfaces)))

    def _replace(self) -> None:
        """Take all of ours off, and make what is wanted. Refused. Policers stay, with
        their counts."""
        refuse_others(self.tc, self.interfaces)
        take_off(self.tc)
        if self.way:
            self._make_place()
            if self.way != "police":
                self.tc.make_shaper()
            self.tc.batch(tc_lines.anew(self.lines))
        remove_policers(self.tc, self.lines)

    def _make_place(self) -> None:
        """Give each interface the place where filters are attached. Refused."""
        for name in self.interfaces:
            if not self.tc.has_ingress(name):
                self.tc.batch(["qdisc add dev %s clsact" % name])
                self.prepared.append(name)

    def _keep(self, wanted: str) -> None:
        """Write down what is loaded, for the next run and for the next boot."""
        prepared = sorted(set(self.prepared) & set(self.interfaces))
        release(self.tc, [name for name in self.prepared if name not in prepared])
        kept = Record(self.way, self.interfaces, prepared, self.numbers, self.lines, wanted) if self.way else Record()
        tc_boot.bring(self.paths, kept, self.tc)
        if kept.way:
            files.write(self.paths.tc_record, json.dumps(versions.marked(kept._asdict(), versions.TC_RECORD)) + "\n", 0o600, 0o700)
        else:
            forget(self.paths)
        self.record = kept


def read(paths) -> Record:
    """What was written down; the empty record where that cannot be understood."""
    try:
        found = json.loads(files.read(paths.tc_record) or "")
        return Record(**{name: type(empty)(found[name]) for name, empty in Record()._asdict().items()})
    except (ValueError, KeyError, TypeError):
        return Record()


def remove(tc: Tc, paths, check: bool) -> List[str]:
    """Take all of ours off, and return what there was, in words. Refused."""
    record = read(paths)
    if tc.path is None and not record.way:
        return []
    there = ["tc filters of %s" % name for name in _with_ours(tc)] + (["interface " + SHAPER] if tc.has(SHAPER) else []) + tc_boot.present(paths)
    if os.path.lexists(paths.tc_record):
        there.append(paths.tc_record)
    if not check:
        take_off(tc)
        remove_policers(tc, [])
        release(tc, record.prepared)
        tc_boot.bring(paths, Record(), tc)
        forget(paths)
    return there


def forget(paths) -> None:
    """Write nothing down any more. Failure WriteFailed."""
    files.remove(paths.tc_record)
    with contextlib.suppress(OSError):
        os.rmdir(paths.tc_folder)


def refuse_others(tc: Tc, interfaces: List[str]) -> None:
    """Failure LimitsUnsupported where somebody else's filters are in the place of ours."""
    for name in interfaces:
        shown = tc.filters(name)
        if shown and not tc.is_ours(shown):
            raise Failure("LimitsUnsupported", "interface %s has filters of another program at tc's preferences %s, which are ours; move them" % (name, " and ".join(PREFERENCES)))


def take_off(tc: Tc) -> None:
    """Take our filters off all interfaces, and the queues away. Refused."""
    for name in _with_ours(tc):
        tc.remove_filters(name)
    tc.await_no_redirect()
    if tc.has(SHAPER):
        tc.remove_shaper()


def _with_ours(tc):
    return [name for name in _present() if tc.is_ours(tc.filters(name))]


def remove_policers(tc: Tc, lines: List[str]) -> None:
    """Remove our policers, but for those in these lines. Refused."""
    wanted = set(tc_lines.taken_apart(lines))
    gone = ["action police index %s" % index for index in tc.policers()]
    gone = ["actions delete " + what for what in gone if "actions " + what not in wanted]
    if gone:
        tc.batch(gone)


def release(tc: Tc, interfaces: List[str]) -> None:
    """Undo _make_place, where a hand did not yet and nobody else makes use of it. Refused."""
    for name in set(interfaces) & set(_present()):
        if tc.has_unused_clsact(name):
            tc.batch(["qdisc delete dev %s clsact" % name])


def _digest(way, public, shaper):
    return state.digest([way, public, shaper])


def _present():
    return [name for _, name in socket.if_nameindex()]

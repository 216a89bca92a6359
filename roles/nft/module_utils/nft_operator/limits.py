"""The table that holds Services and interfaces to their rates.

It is a table of its own: no rule in it can cut the way in, so it needs neither
a promise to take it back nor a turn in a rollout. What differs is brought there
in one transaction, in which every other bucket and count stays as it is.
"""

import re
from typing import Any, Dict, List, NamedTuple, Optional

from ansible.module_utils.nft_operator import changes, differences, files, intent as intents, listing, rebuild, state
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import Nft, Rejected, in_scratch_namespace

TABLE = "nft_operator_limits"
_DELETION = re.compile(r"^delete table inet %s\n" % TABLE, re.MULTILINE)
_REFERENCE = re.compile(r': (?:jump )?"?([^"]+)"?')  # in an element of a map


class Limits:
    """What Services and interfaces are held to, and the table in the kernel."""

    def __init__(self, program: Nft, text: str, paths):
        """text is the rendered table, empty where nothing is limited."""
        self.program = Nft(program.path, TABLE)
        self.text = text
        self.path = paths.limits
        self.intent = intents.taken_apart(text)
        # Those of before too: what was left is to be known again.
        self.filled = {**_maps_of(files.read(paths.limits) or ""), **self.intent.elements}
        self.held = self._read()
        self.action, self.script = "none", ""
        self.loads = 0  # transactions

    def drift(self, last: str) -> List[str]:
        """What somebody else changed since the last run left the table, by the
        hash of it."""
        if not last or last == self.remembered():
            return []
        return ["table inet %s was %s" % (TABLE, "gone" if self.held is None else "changed")]

    def remembered(self) -> str:
        """A hash of what the kernel holds, empty where it has no such table."""
        return state.digest([self.held.structure, self.held.elements]) if self.held else ""

    def describe(self) -> List[str]:
        """What changes, for people."""
        return [differences.of_text(self.path, files.read(self.path), self.text or None)]

    def prepare(self, last: str) -> None:
        """See what is to be done, last being the hash of how the kernel was left.
        Failure LimitsUnsupported where this host cannot keep such limits."""
        if last == self.remembered() and (files.read(self.path) or "") == self.text:
            return  # without asking nft how it would list them, which takes long for thousands
        self.action, self.script = self._needed()
        if self.action == "none":
            return
        try:
            self.program.check(self.script)
        except Rejected as rejected:
            raise Failure("LimitsUnsupported", "this gateway cannot keep the limits that are asked for, nothing was opened: %s" % rejected) from None

    def bring(self) -> None:
        """Bring the kernel there. Failure ReadBackMismatch."""
        if self.action == "none":
            return
        refusal = "nft reported success"
        try:
            self.program.load(self.script)
            self.loads += 1
        except Rejected as rejected:
            refusal = str(rejected)
        self.held = self._read()
        if self._needed()[0] != "none":
            raise Failure("ReadBackMismatch", "the kernel does not hold the limits: %s; see whether another program changes table inet %s" % (refusal, TABLE))

    def over(self) -> List[Dict[str, Any]]:
        """What was dropped over its limit, by Service."""
        totals: Dict[str, List[int]] = {}
        for name in ("over4", "over6"):
            for key, (packets, size) in (self.held.counts.get(name, {}) if self.held else {}).items():
                total = totals.setdefault(self.held.elements[name][key] or key, [0, 0])
                total[0] += packets
                total[1] += size
        return [{"service": service, "packets": packets, "bytes": size} for service, (packets, size) in totals.items() if packets]

    def interfaces_over(self) -> List[Dict[str, Any]]:
        """What was dropped over the limit of an interface, by name and direction."""
        told = []
        for direction in ("ingress", "egress"):
            for key, (packets, size) in (self.held.counts.get(direction + "_over", {}) if self.held else {}).items():
                if packets:
                    told.append({"name": key.strip('"'), "direction": direction, "packets": packets, "bytes": size})
        return sorted(told, key=lambda one: (one["name"], one["direction"]))

    def _read(self) -> Optional[listing.Listing]:
        objects = self.program.table(filled=self.filled)
        return None if objects is None else listing.read(objects, self.filled, [], TABLE)

    def _needed(self):
        """The smallest action that brings the kernel there, and its script."""
        if not self.text:
            return ("none", "") if self.held is None else ("deleted", "delete table inet %s\n" % TABLE)
        if self.held is None:
            return "created", self.text
        wanted = self._structure()
        if self.held.structure == wanted:
            change = changes.between(self.held.elements, self.intent.elements)
            return ("elements", changes.script(change, table=TABLE)) if change.additions or change.deletions else ("none", "")
        return "rules", _rebuilt(self.held, wanted, self.intent)

    def _structure(self):
        """The structure of the intent, as this nft and this kernel list it."""
        def load():
            self.program.load(self.intent.structure)
            return listing.read(self.program.table(filled=()), self.intent.elements, [], TABLE).structure

        try:
            return in_scratch_namespace(load)
        except Rejected as rejected:
            raise Failure("LimitsUnsupported", "this gateway's nft does not take the limits that are asked for, nothing was opened: %s" % rejected) from None


def _maps_of(text: str) -> intents.Elements:
    """The sets and maps that a text fills; none where it is not one of ours."""
    try:
        return intents.taken_apart(text).elements
    except Failure:
        return {}


def _rebuilt(held: listing.Listing, wanted: Dict[str, Any], intent: intents.Intent) -> str:
    """One transaction: other rules, other buckets where a rate is another, and
    other elements. What leads to a bucket or chain that goes, goes before it."""
    gone = rebuild.outdated(held.structure, wanted)
    names = {name.partition(" ")[2] for name in gone}
    loose = {name: {key: value for key, value in keys.items() if not _leads_to(value, names)} for name, keys in rebuild.staying(held.elements, gone).items()}
    first = changes.between(rebuild.staying(held.elements, gone), loose)
    then = changes.between(loose, intent.elements)
    lines = ["flush table inet %s" % TABLE, changes.script(first, table=TABLE)]
    for name in gone:
        lines.append("delete %s inet %s %s" % (name.partition(" ")[0], TABLE, name.partition(" ")[2]))
    return "\n".join(lines) + "\n" + _DELETION.sub("", intent.structure) + changes.script(then, table=TABLE)


def _leads_to(value: Optional[str], names) -> bool:
    found = _REFERENCE.fullmatch(value or "")
    return found is not None and found.group(1) in names

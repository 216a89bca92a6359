"""Openings follow their Services even where the rest of an intent has to wait."""

import re

from ansible.module_utils.nft_operator import changes, intent as intents

# What a change of Services changes. It cannot cut the way in to the gateway:
# these sets are asked for packets that pass it.
OPENINGS = frozenset(name + family for name in ("services", "limited", "sources", "service_echo") for family in "46")

_REVISION = re.compile(r"^# Revision [0-9a-f]+$", re.MULTILINE)
_SET = re.compile(r"^\tset ([a-z0-9_]+) \{\n(?:\t\t.*\n)*", re.MULTILINE)


def guarded(change: changes.Changes) -> bool:
    """Whether a change of elements is of more than openings."""
    return not OPENINGS.issuperset(change.deleted) or not OPENINGS.issuperset(change.added)


def closings(change: changes.Changes) -> changes.Changes:
    """Of a change of elements, what closes: Services that go, sources that go, and
    Services that are open for all and are to be for some sources only."""
    deleted: intents.Elements = {}
    added: intents.Elements = {}
    for family in "46":
        gone = {name: dict(change.deleted.get(name + family, {})) for name in ("services", "limited", "sources", "service_echo")}
        new = {name: change.added.get(name + family, {}) for name in gone}
        for name, keys in gone.items():
            deleted[name + family] = {key: comment for key, comment in keys.items() if key not in new[name]}
        # Open for all from now on, and not because it goes: that opens.
        widened = set(gone["limited"]).difference(deleted["services" + family], new["limited"])
        for name in ("limited", "sources"):
            deleted[name + family] = {key: comment for key, comment in deleted[name + family].items() if _door(key) not in widened}
        opened = set(new["services"]).difference(gone["services"])
        narrowed = set(new["limited"]).difference(opened, gone["limited"])
        for name in ("limited", "sources"):
            added[name + family] = {key: comment for key, comment in new[name].items() if _door(key) in narrowed}
    return changes.Changes({name: keys for name, keys in deleted.items() if keys}, {name: keys for name, keys in added.items() if keys})


def _door(key: str) -> str:
    """Address, protocol and port of an element, without its source."""
    return " . ".join(key.split(" . ")[:3])


def fits(earlier: intents.Intent, later: intents.Intent) -> bool:
    """Whether the earlier intent has the same sets for openings: a release with
    others may say by one of them that a Service is not open for all."""
    return OPENINGS.intersection(earlier.elements) == OPENINGS.intersection(later.elements)


def with_openings(earlier: intents.Intent, later: intents.Intent, revision: str) -> intents.Intent:
    """The earlier intent with the openings of the later, under its revision."""
    elements = {name: later.elements.get(name, keys) if name in OPENINGS else keys for name, keys in earlier.elements.items()}

    def filled(block):
        lines = ["\t\t\t%s,\n" % changes.written(key, comment) for key, comment in elements[block.group(1)].items()] if block.group(1) in elements else []
        return block.group(0) + ("\t\telements = {\n%s\t\t}\n" % "".join(lines) if lines else "")

    return intents.read(_SET.sub(filled, _REVISION.sub("# Revision " + revision, earlier.structure, count=1)))

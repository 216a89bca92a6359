"""Lines of tc's batch language: numbers given to names, and what changes between
two lists of lines.

Everything of ours is named by a number that is ours to choose, so a line can be
changed or deleted without asking the kernel what it made of it.
"""

import re
from typing import Dict, List, NamedTuple

from ansible.module_utils.nft_operator.failure import Failure

PUBLIC = "<public>"  # stands for each public interface

# Scope → name → number. The numbers of a bucket name HTB classes and their
# queues, of which 1 is the root; those of a table of u32 have 12 bits.
Numbers = Dict[str, Dict[str, int]]
_FIRST = {"bucket": 2}
_LAST = {"bucket": 0xFFFE, "ipv4": 0xFFFFFFFE, "ipv6": 0xFFFFFFFE}
_LAST_OF_TABLE = 0xFFE

_PLACE = re.compile(r"<([a-z0-9.]+):([0-9a-z]*) ([^<>]+)>")
_LINE = re.compile(
    r"(actions) add (action police index \S+) (.+)"
    r"|(filter) add (dev \S+ (?:ingress|parent 1:) protocol \S+ pref \d+ handle \S+) (.+)"
    r"|(class) add (dev \S+ parent 1: classid \S+) (.+)"
    r"|(qdisc) add (dev \S+ (?:root|parent \S+) handle \S+) (.+)")
_CHANGE = {"actions": "replace", "class": "change", "qdisc": "change"}


class Line(NamedTuple):
    """One line, taken apart: kind, what it is by its number, and the rest."""

    kind: str
    what: str
    rest: str

    def added(self) -> str:
        return "%s add %s %s" % self

    def changed(self) -> str:
        return "%s %s %s %s" % (self.kind, _CHANGE[self.kind], self.what, self.rest)

    def deleted(self) -> str:
        rest = " " + self.rest.split(" ", 1)[0] if self.kind == "filter" else ""
        return "%s delete %s%s" % (self.kind, self.what, rest)


def numbered(text: str, before: Numbers) -> "tuple[List[str], Numbers]":
    """The lines of a rendered text with numbers in the place of names, and the
    numbers: those that were given before, and the lowest free ones. Failure
    LimitsUnsupported where there are more names than numbers."""
    names: Dict[str, Dict[str, None]] = {}
    for scope, _, name in _PLACE.findall(text):
        names.setdefault(scope, {})[name] = None
    numbers = {scope: _given(scope, list(wanted), before.get(scope, {})) for scope, wanted in names.items()}
    done = _PLACE.sub(lambda found: format(numbers[found.group(1)][found.group(3)], found.group(2)), text)
    return [line for line in done.split("\n") if line], numbers


def _given(scope, names, before):
    given = {name: before[name] for name in names if name in before}
    taken = set(before.values())  # a number is free again in the run after its name went, with nothing left of it
    free = (number for number in range(_FIRST.get(scope, 1), _LAST.get(scope, _LAST_OF_TABLE) + 1) if number not in taken)
    for name in names:
        if name not in given:
            given[name] = next(free, 0)
    if 0 in given.values():
        raise Failure("LimitsUnsupported", "tc can name %d limits of one kind, and %d are asked for; write engine: Nftables" % (_LAST.get(scope, _LAST_OF_TABLE), len(names)))
    return given


def without(text: str, addresses) -> str:
    """The text without filters for these addresses."""
    if not addresses:
        return text
    return "\n".join(line for line in text.split("\n") if not any(name.rsplit(".", 2)[0] in addresses for scope, _, name in _PLACE.findall(line) if scope != "bucket"))


def on(lines: List[str], interfaces: List[str]) -> List[str]:
    """The lines with those of the public interfaces once for each."""
    done: List[str] = []
    for line in lines:
        done += [line.replace(PUBLIC, name) for name in interfaces] if PUBLIC in line else [line]
    return done


def anew(lines: List[str]) -> List[str]:
    """What tc is told where nothing is there, but perhaps policers."""
    return [line.changed() if line.kind == "actions" else line.added() for line in taken_apart(lines).values()]


def taken_apart(lines: List[str]) -> Dict[str, Line]:
    """The lines by what they are."""
    found = {}
    for text in lines:
        match = _LINE.fullmatch(text)
        if match is None:
            raise Failure("InvalidVars", "no line for tc: %.80r; use the templates that belong to this role" % text)
        line = Line(*(group for group in match.groups() if group is not None))
        found["%s %s" % (line.kind, line.what)] = line
    return found


def between(before: List[str], after: List[str]) -> List[str]:
    """What tc is told to get from one list of lines to another. What leads to a
    bucket comes after it, and goes before it."""
    old, new = taken_apart(before), taken_apart(after)
    gone = [line for key, line in old.items() if new.get(key) != line and (key not in new or line.kind == "filter")]
    script = [line.deleted() for line in reversed(gone) if line.kind == "filter"]
    for key, line in new.items():
        if key not in old or line.kind == "filter" and old[key] != line:
            script.append(line.added())
        elif old[key] != line:
            script.append(line.changed())
    # A queue goes with its class.
    return script + [line.deleted() for line in gone if line.kind in ("actions", "class")]

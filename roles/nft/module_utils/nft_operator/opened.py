"""Which openings differ between two rendered texts of one structure.

What both texts say is not taken apart again: lines are compared as lines, and
only those that one text has alone are read.
"""

from ansible.module_utils.nft_operator import intent as intents
from ansible.module_utils.nft_operator.changes import Changes
from ansible.module_utils.nft_operator.hold import OPENINGS

_BEGIN, _END, _SET = "\n\t\telements = {\n", "\n\t\t}\n", "\n\tset "


def between(before, after, revisions):
    """The change of elements from one text to the other, whose revisions are given.
    None where they differ in more than openings, or the later says anything twice."""
    (structure, old), (intended, new) = _apart(before), _apart(after)
    if structure.replace(revisions[0], "", 1) != intended.replace(revisions[1], "", 1):
        return None
    deleted, added = {}, {}
    for name in sorted(old.keys() | new.keys()):
        have, want = old.get(name, ""), new.get(name, "")
        if have == want:
            continue
        if name not in OPENINGS:
            return None
        lines = want.split("\n") if want else []
        having, wanting = set(have.split("\n") if have else ()), set(lines)
        if len({line.partition(" comment ")[0].rstrip(",") for line in wanting}) != len(lines):
            return None
        for elements, only in ((deleted, having - wanting), (added, wanting - having)):
            if only:
                elements[name] = dict(sorted(intents.element(line) for line in only))
    return Changes(deleted, added)


def _apart(text):
    """The text without elements, and by set the text of its elements."""
    first, *rest = text.split(_BEGIN)
    structure, elements = [first], {}
    for part in rest:
        name = structure[-1].rpartition(_SET)[2].partition(" ")[0]
        elements[name], _, after = part.partition(_END)
        structure.append(after)
    return "\n".join(structure), elements

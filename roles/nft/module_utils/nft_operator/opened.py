"""Which elements differ between two rendered texts of one structure.

What both texts say is not taken apart again: lines are compared as lines, and
only those that one text has alone are read.
"""

from ansible.module_utils.nft_operator import intent as intents
from ansible.module_utils.nft_operator.changes import Changes

_BEGIN, _END, _DECLARED = "\n\t\telements = {\n", "\n\t\t}\n", " {\n"


def between(before, after, revisions):
    """The change of elements from one text to the other, whose revisions are given.
    None where they differ in more than that, or the later names an element twice."""
    if before == after:
        return Changes({}, {})
    (structure, old), (intended, new) = _apart(before), _apart(after)
    if structure.replace(revisions[0], "", 1) != intended.replace(revisions[1], "", 1):
        return None
    deleted, added = {}, {}
    for name in sorted(old.keys() | new.keys()):
        have, want = old.get(name, ""), new.get(name, "")
        if have == want:
            continue
        lines = want.split("\n") if want else []
        having, wanting = set(have.split("\n") if have else ()), set(lines)
        if len({_key(line) for line in lines}) != len(lines):
            return None
        for elements, only in ((deleted, having - wanting), (added, wanting - having)):
            if only:
                elements[name] = dict(sorted(map(intents.element, only)))
    return Changes(deleted, added)


def _key(line):
    """The key of the element in a line, in a form that is the same for the same keys."""
    return line.partition(' comment "')[0].partition(" : ")[0].rstrip(",")


def _apart(text):
    """The text without elements, and by set or map the text of its elements."""
    first, *rest = text.split(_BEGIN)
    structure, elements = [first], {}
    for part in rest:
        # What was declared last: "set NAME {".
        name = structure[-1].rpartition(_DECLARED)[0].rpartition(" ")[2]
        elements[name], _, after = part.partition(_END)
        structure.append(after)
    return "\n".join(structure), elements

"""Other rules in the kernel, and its sets and counters left alone.

Replacing a table would begin its counters anew, and what packets add between
reading the old ones and loading the new would be lost. So the rules go and come
in one transaction, and of everything else only what is declared otherwise.
"""

import re
from typing import Any, Dict, List

from ansible.module_utils.nft_operator import changes
from ansible.module_utils.nft_operator.intent import Elements

# Sets and maps hold on to chains and objects by their elements, so they go first.
_ORDER = {"set": 0, "map": 0, "chain": 1}
_DELETION = re.compile(r"^delete table inet nft_operator\n", re.MULTILINE)


def outdated(held: Dict[str, Any], wanted: Dict[str, Any]) -> List[str]:
    """The objects that cannot stay as they are, in the order in which they can go."""
    gone = []
    for name, body in held.items():
        intended = wanted.get(name)
        if not name.startswith("table ") and (intended is None or intended["declared"] != body["declared"]):
            gone.append(name)
    return sorted(gone, key=lambda name: _ORDER.get(name.split(" ")[0], 2))


def staying(elements: Elements, gone: List[str]) -> Elements:
    """The elements that are still there when the outdated objects are gone."""
    return {name: keys for name, keys in elements.items() if not {"set " + name, "map " + name}.intersection(gone)}


def script(gone: List[str], text: str, change: changes.Changes) -> str:
    """One transaction: the rules and the outdated objects go, those of text
    come, and then the elements change. The text has no elements of ours."""
    lines = ["flush table inet nft_operator"]
    for name in gone:
        kind, _, rest = name.rpartition(" ")
        lines.append("delete %s inet nft_operator %s" % (kind, rest))
    return "\n".join(lines) + "\n" + _DELETION.sub("", text) + changes.script(change)


def replacement(text: str, elements: Elements, held) -> str:
    """One transaction that puts another table in the place of the held one,
    counters taken over as they were listed. For when the kernel or nft does not
    take the script: what packets add meanwhile is lost."""
    for drop in held.drops:
        text = text.replace("\tcounter %s {\n\t}" % drop["reason"], "\tcounter %s {\n\t\tpackets %d bytes %d\n\t}" % (
            drop["reason"], drop["packets"], drop["bytes"]), 1)
    return text + changes.script(changes.between({}, elements), held.counts)

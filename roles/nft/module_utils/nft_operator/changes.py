"""The smallest change of elements that brings a kernel to the intent."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible.module_utils.nft_operator.intent import Elements


# Set name → key → packets and bytes.
Counts = Dict[str, Dict[str, Tuple[int, int]]]
_NO_COUNTS: Counts = {}
_NONE = object()  # no comment of an element that is there


class Changes(NamedTuple):
    """Elements to delete and to add, by set. Deletions come first: an element
    whose comment changes is both."""

    deleted: Elements
    added: Elements

    @property
    def deletions(self) -> int:
        return sum(len(keys) for keys in self.deleted.values())

    @property
    def additions(self) -> int:
        return sum(len(keys) for keys in self.added.values())


def between(held: Elements, wanted: Elements) -> Changes:
    """What has to change in held, so that it is wanted."""
    deleted, added = {}, {}
    for name, want in wanted.items():
        have = held.get(name, {})
        if have == want:
            continue
        gone = {key: comment for key, comment in have.items() if want.get(key, _NONE) != comment}
        new = {key: comment for key, comment in want.items() if have.get(key, _NONE) != comment}
        _drop_spellings(gone, new)
        if gone:
            deleted[name] = gone
        if new:
            added[name] = new
    return Changes(deleted, added)


def _drop_spellings(gone: Dict[str, Optional[str]], new: Dict[str, Optional[str]]) -> None:
    """Forget pairs that are one element in two spellings. Tools do not agree
    on the text of every IPv6 address; most elements never come here."""
    if not gone or not new:
        return
    spelled = {_spelling(key): key for key in gone}
    for key in list(new):
        other = spelled.get(_spelling(key))
        if other is not None and gone[other] == new[key]:
            del gone[other], new[key]


def _spelling(key: str) -> str:
    import ipaddress  # pylint: disable=import-outside-toplevel  # hardly ever needed
    parts = []
    for part in key.split(" . "):
        try:
            part = str(ipaddress.ip_network(part)) if ":" in part else part
        except ValueError:
            pass  # an interface name with a colon
        parts.append(part)
    return " . ".join(parts)


def script(changes: Changes, counts: Counts = _NO_COUNTS, table: str = "nft_operator") -> str:
    """The changes as one transaction in nft's language. What is added to a
    counting set begins with the counts, where there are any."""
    lines: List[str] = []
    for verb, elements in (("delete", changes.deleted), ("add", changes.added)):
        for name, keys in elements.items():
            lines.append("%s element inet %s %s {" % (verb, table, name))
            if verb == "delete":
                lines.extend("\t%s," % key for key in keys)
            else:
                begin = counts.get(name, {})
                lines.extend("\t%s," % written(key, comment, begin.get(key)) for key, comment in keys.items())
            lines.append("}")
    return "\n".join(lines) + "\n"


def written(key: str, comment: Optional[str], count: Optional[Tuple[int, int]] = None) -> str:
    """An element as the template writes it, perhaps with packets and bytes."""
    if comment and comment.startswith(":"):
        return "%s %s" % (key, comment)
    return key + (" counter packets %d bytes %d" % count if count else "") + (' comment "%s"' % comment if comment else "")

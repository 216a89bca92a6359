"""What the rendered text asks for.

The text of templates/nftables.conf.j2 has one element a line, so that people
can compare two of them. The same makes it possible to read the elements here
with three regular expressions. Everything else in the text, its structure, is
never parsed by us: nft reads it, see listing.py.
"""

import re
from typing import Dict, List, NamedTuple, Optional

from ansible.module_utils.nft_operator.failure import Failure

# Set or map → key of an element, as nft writes it → its comment, or None; in a
# map, a colon and what it leads to.
Elements = Dict[str, Dict[str, Optional[str]]]

_OBJECT = re.compile(r"\t(set|map|counter) ([a-z0-9_]+) \{")
_ELEMENT = re.compile(
    r'\t\t\t("?[0-9A-Za-z_.:/@-]+"?(?: \. [0-9A-Za-z.:/-]+)*)'
    r'(?: comment "([a-z0-9./-]+)"| (: "[0-9A-Za-z_./-]+"|: jump [a-z0-9./-]+))?,'
)
_BEGIN, _END = "\t\telements = {", "\t\t}"
_FLAGS, _CLOSED = "\t\tflags ", "\t}"
_LIMITS = '\n# How much Services and interfaces get.\ninclude "/var/lib/nft-operator/limits.nf[t]"\n'
_INCLUDE = re.compile(r'^\tinclude "(/[^"]*)"$', re.MULTILINE)


class Intent(NamedTuple):
    """The rendered text, taken apart."""

    text: str
    # The text without its elements.
    structure: str
    # Of every set that is filled from the text, the empty ones too, but not of
    # those that packets fill.
    elements: Elements
    # Names of the counters of drops.
    counters: List[str]


def with_limits(text: str) -> str:
    """What is written to /etc/nftables.conf: the text, and where the limits of
    Services are. Where there are none, the pattern matches nothing, which is no error."""
    return text + _LIMITS


def without_limits(text: str) -> str:
    """What with_limits was made of."""
    return text[: -len(_LIMITS)] if text.endswith(_LIMITS) else text


def read(text: str) -> Intent:
    """Take a rendered nftables.conf apart, as rendered or as written. Failure
    InvalidVars where it is not one."""
    text = without_limits(text)
    if len(_INCLUDE.findall(text)) != 1:
        raise Failure("InvalidVars", "the rendered ruleset does not include the local chain; use the templates that belong to this role")
    return taken_apart(text)


def of_before(text: str) -> Optional[Intent]:
    """Take apart what an earlier run wrote; None where that was a release with
    another layout."""
    try:
        return read(text)
    except Failure:
        return None


def taken_apart(text: str) -> Intent:
    """Take a rendered text of one table apart. Failure InvalidVars where it is not one."""
    structure, elements, counters = [], {}, []
    name, inside = None, False
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            if line == _END:
                inside = False
                continue
            key, value = element(line, number)
            if key in elements[name]:
                raise Failure("InvalidVars", "%s holds %s twice; write each address, protocol and port once" % (name, key))
            elements[name][key] = value
            continue
        if line == _BEGIN:
            inside = True
            continue
        structure.append(line)
        if line == _CLOSED:
            name = None
        elif name in elements and line.startswith(_FLAGS) and "dynamic" in line:
            del elements[name]  # packets fill it, not we
        found = _OBJECT.fullmatch(line)
        if found is None:
            continue
        kind, name = found.groups()
        if kind == "counter":
            counters.append(name)
        else:
            elements[name] = {}
    if inside:
        raise Failure("InvalidVars", "the rendered ruleset is not whole; use the templates that belong to this role")
    return Intent(text, "\n".join(structure), elements, counters)


def element(line: str, number: int = 0) -> "tuple[str, Optional[str]]":
    """The key of the element in a line, and its comment or what it leads to.
    Failure InvalidVars where there is none in it."""
    found = _ELEMENT.fullmatch(line)
    if found is None:
        raise Failure("InvalidVars", "line %d of the rendered ruleset is not an element: %.80r" % (number, line))
    key, comment, value = found.groups()
    return key, comment or value


class Spliced(NamedTuple):
    """A text with the local chain in the place of its include statement."""

    text: str
    # Lines before the local chain, and lines of the local chain.
    before: int
    within: int


def with_local_chain(text: str, chain: str) -> Spliced:
    """Put the local chain's text where the include statement is.

    nft reads an included file as if its text stood there, so this loads what
    the file loads, from standard input and without a staged copy on disk.
    """
    found = _INCLUDE.search(text)
    before, after = text[: found.start()], text[found.end() + 1:]
    return Spliced(before + chain + after, before.count("\n"), chain.count("\n"))

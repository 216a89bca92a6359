"""Elements of sets and maps: read from text and from a listing, compared, changed.

An element is a pair: its key as nft writes it, and the rest, which is its
comment and its verdict: ("203.0.113.10 . tcp . 80", ("shop/web", "accept")).
The elements of a ruleset are a dict of dicts: {set name: {key: rest}}.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ipaddress
import re

from ansible.module_utils.nft_errors import Refused

TABLE = "inet nft_operator"

# What the templates write, and nothing else: a line of another form is not ours.
_BLOCK = re.compile(r"^\t(?:set|map) ([a-z_]+[46]?) \{$")
_KEY = r'(?:"[A-Za-z0-9_.:@-]{1,15}"|[0-9a-f.:]+(?:/[0-9]{1,3})?(?: \. (?:tcp|udp|sctp) \. [0-9]{1,5}(?: \. [0-9a-f.:]+(?:/[0-9]{1,3})?)?)?)'
_ELEMENT = re.compile(
    r'^\t\t\t(?P<key>' + _KEY + r')(?: comment "(?P<comment>[a-z0-9./-]{1,127})")?(?: : (?P<verdict>accept|goto from_sources[46]))?,$'
)
_PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}


def split(text):
    """Split a rendered ruleset into its structure (text) and its elements.

    Raises Refused for an element that is not of the form that the templates
    write, or that is there twice: nft would refuse the file at boot.
    """
    structure, elements = [], {}
    name, inside = None, False
    for line in text.split("\n"):
        if inside:
            if line == "\t\t}":
                inside = False
                continue
            key, rest = _parse(line)
            if key in elements[name]:
                raise Refused("InvalidVars", "the variables hold %s twice, in the set %s" % (key, name))
            elements[name][key] = rest
            continue
        block = _BLOCK.match(line)
        if block:
            name = block.group(1)
            elements[name] = {}
        if line == "\t\telements = {":
            inside = True
            continue
        structure.append(line)
    return "\n".join(structure), elements


def _parse(line):
    match = _ELEMENT.match(line)
    if not match:
        raise Refused("InvalidVars", "the variables hold something that is no address, port, protocol, interface or name: %s" % line.strip()[:200])
    return _spelled(match.group("key").strip('"')), (match.group("comment"), match.group("verdict"))


def _spelled(key):
    """Bring the spellings of an IPv6 address together that tools differ in."""
    if "." not in key or "::" not in key:
        return key
    return " . ".join(_address(part) if ":" in part and "." in part else part for part in key.split(" . "))


def _address(part):
    address, slash, length = part.partition("/")
    return str(ipaddress.ip_address(address)) + slash + length


def listed(objects, names):
    """Take the elements of the named sets and maps from a JSON listing."""
    elements = {}
    for item in objects:
        entry = item.get("set") or item.get("map")
        if entry and entry["name"] in names:
            types = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
            elements[entry["name"]] = dict(_of_json(e, types) for e in entry.get("elem", []))
    return elements


def _of_json(entry, types):
    verdict = None
    if isinstance(entry, list):  # of a map: [key, verdict]
        entry, verdict = entry[0], _verdict(entry[1])
    comment = None
    if isinstance(entry, dict) and "elem" in entry:
        comment = entry["elem"].get("comment")
        entry = entry["elem"]["val"]
    parts = entry["concat"] if isinstance(entry, dict) and "concat" in entry else [entry]
    return _spelled(" . ".join(_part(part, kind) for part, kind in zip(parts, types))), (comment, verdict)


def _verdict(verdict):
    (word, target), = verdict.items()
    return word if target is None else "%s %s" % (word, target["target"])


def _part(part, kind):
    if isinstance(part, dict):
        if "prefix" in part:
            return "%s/%d" % (part["prefix"]["addr"], part["prefix"]["len"])
        return "-".join(str(end) for end in part["range"])
    if kind == "inet_proto":  # a number where the host has no /etc/protocols
        return _PROTOCOLS.get(part, str(part))
    return str(part)


def differences(actual, desired):
    """Return (deletions, additions), each a list of (set, key, rest), sorted."""
    deletions, additions = [], []
    for name in sorted(desired):
        have, want = actual.get(name, {}), desired[name]
        if have == want:
            continue
        deletions += [(name, k, have[k]) for k in sorted(have) if want.get(k) != have[k]]
        additions += [(name, k, want[k]) for k in sorted(want) if have.get(k) != want[k]]
    return deletions, additions


def transaction(deletions, additions):
    """Write the changes as one nft script."""
    return "".join(
        _command("delete", name, [_quoted(name, key) for _n, key, _rest in group]) for name, group in _by_set(deletions)
    ) + "".join(
        _command("add", name, [written(name, key, rest) for _n, key, rest in group]) for name, group in _by_set(additions)
    )


def _by_set(changes):
    groups = {}
    for change in changes:
        groups.setdefault(change[0], []).append(change)
    return sorted(groups.items())


def _command(verb, name, elements):
    return "%s element %s %s {\n\t%s\n}\n" % (verb, TABLE, name, ",\n\t".join(elements))


def written(name, key, rest):
    """Write one element as nft reads it."""
    comment, verdict = rest
    return _quoted(name, key) + (' comment "%s"' % comment if comment else "") + (" : %s" % verdict if verdict else "")


def _quoted(name, key):
    return '"%s"' % key if name == "public_interfaces" else key

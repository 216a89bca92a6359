"""What a kernel holds, from nft's JSON listing.

A listing is reduced to its structure (tables, chains, rules, declarations of
sets) and the elements of the sets that the intent fills. What changes by itself
is left out: handles, counts, elements that packets made. Two structures are
equal where the rulesets do the same; nobody interprets a rule.
"""

import json
from typing import Any, Dict, List, NamedTuple

from ansible.module_utils.nft_operator.changes import Counts
from ansible.module_utils.nft_operator.intent import Elements
from ansible.module_utils.nft_operator.nft import SELF_CHANGING_FLAGS

_PROTOCOLS = {"6": "tcp", "17": "udp", "132": "sctp"}  # listed as numbers, see nft.py


class Listing(NamedTuple):
    """A ruleset as the kernel holds it."""

    # Object, for example "chain forward" → its declaration and rules.
    structure: Dict[str, Any]
    elements: Elements
    # Packets and bytes of the elements that count.
    counts: Counts
    # Counts of drops, in the order in which the intent names them.
    drops: List[Dict[str, Any]]


def read(objects: List[Dict[str, Any]], filled: Elements, counters: List[str], table: str = "nft_operator") -> Listing:
    """Reduce the list "nftables" of nft's JSON.

    filled names the sets and maps whose elements are wanted apart; all other
    sets, those of the local chain, are structure as a whole.
    """
    structure: Dict[str, Any] = {}
    elements: Elements = {}
    counts: Counts = {}
    counted: Dict[str, Any] = {}
    for entry in objects:
        for kind, body in entry.items():
            if kind == "metainfo":
                continue
            ours = (body["family"], body["name"] if kind == "table" else body["table"]) == ("inet", table)
            if kind == "rule":
                _object(structure, "chain", body, body["chain"], ours)["rules"].append(_canonical(body["expr"], body.get("comment")))
                continue
            if ours and kind in ("set", "map") and body["name"] in filled:
                elements[body["name"]], counts[body["name"]] = _elements_of(body)
                body = {key: value for key, value in body.items() if key != "elem"}
            if ours and kind == "counter" and body["name"] in counters:
                counted[body["name"]] = {"reason": body["name"], "packets": body["packets"], "bytes": body["bytes"]}
            _object(structure, kind, body, body.get("name", ""), ours)["declared"] = _canonical(body)
    return Listing(structure, elements, counts, [counted[name] for name in counters if name in counted])


def _object(structure, kind, body, name, ours):
    key = "%s %s" % (kind, name) if ours else "%s %s of %s %s" % (kind, name, body["family"], body.get("table", name))
    return structure.setdefault(key, {"rules": []})


def _canonical(body, comment=None):
    """A text that is the same for objects that do the same."""
    return json.dumps([_without_state(body), comment], sort_keys=True)


def _without_state(value):
    if isinstance(value, list):
        return [_without_state(item) for item in value]
    if not isinstance(value, dict):
        return value
    changing = SELF_CHANGING_FLAGS.intersection(value.get("flags") or ())
    kept = {}
    for key, item in value.items():
        if key in ("handle", "packets", "bytes", "used", "expires") or (key == "elem" and changing):
            continue
        item = _without_state(item)
        # The kernel lists a hash in the order of its buckets.
        if key in ("set", "elem") and isinstance(item, list):
            item = sorted(item, key=lambda i: json.dumps(i, sort_keys=True))
        kept[key] = item
    return kept


def _elements_of(body):
    quote = body.get("type") == "ifname"
    elements, counts = {}, {}
    for item in body.get("elem", ()):
        comment, counter = None, None
        if "map" in body:
            item, comment = item[0], _value(item[1])
        if isinstance(item, dict) and "elem" in item:
            comment, counter = item["elem"].get("comment"), item["elem"].get("counter")
            item = item["elem"]["val"]
        key = '"%s"' % _key(item) if quote else _key(item)
        elements[key] = comment
        if counter:
            counts[key] = (counter["packets"], counter["bytes"])
    return elements, counts


def _value(value):
    """What a key of a map leads to, as nft writes it in its own language."""
    if not isinstance(value, dict):
        return ': "%s"' % value
    verdict, body = next(iter(value.items()))
    return ": %s %s" % (verdict, body["target"]) if body else ": " + verdict


def _key(value):
    """A key as nft writes it in its own language."""
    if isinstance(value, str):
        return value
    if "concat" not in value:
        return _part(value)
    parts = [_part(part) for part in value["concat"]]
    if len(parts) > 1:
        parts[1] = _PROTOCOLS.get(parts[1], parts[1])
    return " . ".join(parts)


def _part(value):
    if isinstance(value, (str, int)):
        return str(value)
    if "prefix" in value:
        return "%s/%s" % (value["prefix"]["addr"], value["prefix"]["len"])
    if "range" in value:
        return "%s-%s" % tuple(value["range"])
    return json.dumps(value)  # made by hand; where deleting it fails, the table is replaced

"""Renders what a gateway is to load, from checked variables.

Plain Jinja has no lookups and never looks into a value. Elements of exposures
are written here: there can be thousands, and a template takes ten times as long.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import functools
import ipaddress

import jinja2

UNITS = ("rate", "per_source", "connection_rate")
WAYS = {"police": ("police",), "shape": ("shape", "shape-u32")}  # of tc, see templates/limits.tc.j2
FAMILIES = {"ipv4": "4", "ipv6": "6"}


def for_host(folder, variables):
    """The texts that the module takes, by the name of its parameter."""
    services = variables["nft_limits"]["services"]
    left = besides_tc(services)
    limits = limits_text(folder, variables, services)
    return {
        "conf": conf(folder, variables),
        "limits": limits,
        "limits_besides_tc": limits if left == services else limits_text(folder, variables, left),
        "tc": for_tc(folder, variables),
        "local_chain": rendered(folder, "local-chain.nft.j2", variables),
    }


def conf(folder, variables):
    """The ruleset."""
    return rendered(folder, "nftables.conf.j2", dict(variables, elements=elements(variables["nft_exposures"])))


def elements(exposures):
    """The lines of the sets that exposures fill, by the name of the set."""
    lines = {}
    for family, number in FAMILIES.items():
        entries = exposures[family]
        keys = ["%s . %s . %d" % (e["address"], e["protocol"], e["port"]) for e in entries]
        lines["services" + number] = _lines('%s comment "%s"' % (key, e["service"]) for key, e in zip(keys, entries))
        limited = [(key, e) for key, e in zip(keys, entries) if "sources" in e]
        lines["limited" + number] = _lines('%s comment "%s"' % (key, e["service"]) for key, e in limited)
        lines["sources" + number] = _lines('%s . %s comment "%s"' % (key, source, e["service"]) for key, e in limited for source in e["sources"])
        lines["service_echo" + number] = _lines(dict.fromkeys(e["address"] for e in entries))
    return lines


def _lines(keys):
    return "".join(["\t\t\t%s,\n" % key for key in keys])


@functools.lru_cache(maxsize=None)
def _template(folder, name):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.get_template(name)


def rendered(folder, name, variables):
    """Render one template. Nothing but the checked variables is in its reach."""
    return _template(folder, name).render(variables)


def limits_text(folder, variables, services):
    """What nft limits of these Services and of interfaces; empty where that is nothing."""
    limits = dict(variables["nft_limits"], services=services)
    return rendered(folder, "limits.nft.j2", dict(variables, nft_limits=limits)) if services or limits["interfaces"] else ""


def besides_tc(services):
    """The limits that tc does not keep: all but rates of bytes."""
    kept = ({name: value for name, value in entry.items() if name != "rate" or value["unit"] != "bytes"} for entry in services)
    return [entry for entry in kept if set(entry) & (set(UNITS) | {"connection_limit"})]


def for_tc(folder, variables):
    """What is asked of tc, with a text for each way that it may take on the host;
    the text is empty where tc has nothing to do."""
    limits = variables["nft_limits"]
    texts = dict.fromkeys(() if limits["engine"] == "nftables" else WAYS[limits["mode"]], "")
    if texts and any(entry.get("rate", {}).get("unit") == "bytes" for entry in limits["services"]):
        exposures = (entry for entries in variables["nft_exposures"].values() for entry in entries)
        last_bytes = {entry["address"]: "%x" % ipaddress.ip_address(entry["address"]).packed[-1] for entry in exposures}
        texts = {way: rendered(folder, "limits.tc.j2", dict(variables, tc_way=way, tc_last_byte=last_bytes)) for way in texts}
    return {"engine": limits["engine"], "mode": limits["mode"], "texts": texts}

"""Renders what a gateway is to load, from checked variables.

Plain Jinja has no lookups and never looks into a value. Elements of exposures
are written here: there can be thousands, and a template takes ten times as long.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import functools
import ipaddress
import os

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
        keys = [_key(e) for e in entries]
        lines["services" + number] = _lines('%s comment "%s"' % (key, e["service"]) for key, e in zip(keys, entries))
        limited = [(key, e) for key, e in zip(keys, entries) if "sources" in e]
        lines["limited" + number] = _lines('%s comment "%s"' % (key, e["service"]) for key, e in limited)
        lines["sources" + number] = _lines('%s . %s comment "%s"' % (key, source, e["service"]) for key, e in limited for source in e["sources"])
        lines["service_echo" + number] = _lines(dict.fromkeys(e["address"] for e in entries))
    return lines


def _key(exposure):
    return "%s . %s . %d" % (exposure["address"], exposure["protocol"], exposure["port"])


def _lines(keys):
    return "".join(["\t\t\t%s,\n" % key for key in keys])


@functools.lru_cache(maxsize=None)
def _template(folder, name):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.get_template(name)


def warm(folder):
    """Compile what every host needs, where there is such a folder."""
    for name in ("nftables.conf.j2", "local-chain.nft.j2"):
        if os.path.exists(os.path.join(folder, name)):
            _template(os.path.realpath(folder), name)


def rendered(folder, name, variables):
    """Render one template. Nothing but the checked variables is in its reach."""
    return _template(os.path.realpath(folder), name).render(variables)


def limits_text(folder, variables, services):
    """What nft limits of these Services and of interfaces; empty where that is nothing."""
    limits = dict(variables["nft_limits"], services=services)
    if not services and not limits["interfaces"]:
        return ""
    lines, buckets = _limit_lines(variables["nft_exposures"], services)
    return rendered(folder, "limits.nft.j2", dict(variables, nft_limits=limits, elements=lines, buckets=buckets, over=_over))


def _limit_lines(exposures, services):
    """The lines of the sets and maps that limits of Services fill, by their names,
    and the buckets of all."""
    asked, lines, buckets = {service["service"]: service for service in services}, {}, {}
    for family, number in FAMILIES.items():
        limited = [(_key(e), e, asked[e["service"]]) for e in exposures[family] if e["service"] in asked]
        rated = [(key, _bucket(service, e), service["rate"]) for key, e, service in limited if "rate" in service]
        buckets.update((name, rate) for _, name, rate in rated)
        lines["rates" + number] = _lines('%s : "%s"' % (key, name) for key, name, _ in rated)
        lines["over" + number] = _lines('%s comment "%s"' % (key, e["service"]) for key, e, _ in limited)
        lines["sources" + number] = _lines("%s : jump sources-%s" % (key, e["service"]) for key, e, service in limited if "per_source" in service)
        lines["connections" + number] = _lines(
            "%s : jump connections-%s" % (key, e["service"]) for key, e, service in limited if "connection_rate" in service or "connection_limit" in service)
    return lines, "".join("\tlimit %s {\n\t\t%s\n\t}\n\n" % (name, _over(rate)) for name, rate in sorted(buckets.items()))


def _bucket(service, exposure):
    """Both families and all ports of a Service share one, unless it asks for one a port."""
    return "rate-%s%s" % (service["service"], ".%s.%d" % (exposure["protocol"], exposure["port"]) if service.get("per_port") else "")


def _over(rate):
    """What is over a rate, in nft's language."""
    bytes_, unit = (" bytes", "bytes") if rate["unit"] == "bytes" else ("", "packets")
    return "rate over %d%s/%s burst %d %s" % (rate["amount"], bytes_, rate["period"], rate["burst"], unit)


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

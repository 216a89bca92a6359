"""What keeps the limits of Services on this gateway, and why."""

from typing import Dict, List, NamedTuple

from ansible.module_utils.nft_operator import tc_lines
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import in_scratch_namespace
from ansible.module_utils.nft_operator.tc import SHAPER, Refused, Tc

NFTABLES, TRAFFIC_CONTROL = "Nftables", "TrafficControl"

_MATCH = "protocol ip pref 20038 handle"
_FLOWER = "flower dst_ip 192.0.2.1 ip_proto tcp dst_port 1"
_HTB = ["qdisc add dev %s root handle 1: stab overhead -14 linklayer ethernet htb" % SHAPER, "class add dev %s parent 1: classid 1:2 htb rate 1mbit" % SHAPER]
_REDIRECT = "action mirred egress redirect dev %s" % SHAPER
# What a kernel must take for each way, tried in an empty namespace.
_SAMPLES = {
    "police": ["filter add dev lo ingress %s 1 %s action police rate 1mbit burst 64kb conform-exceed drop/continue" % (_MATCH, _FLOWER)],
    "shape": _HTB + ["qdisc add dev %s parent 1:2 handle 2: fq_codel" % SHAPER, "filter add dev lo ingress %s 1 %s %s" % (_MATCH, _FLOWER, _REDIRECT)],
    "shape-u32": _HTB + ["filter add dev lo ingress %s ::1 u32 match u32 0 0 %s" % (_MATCH, _REDIRECT)],
}
_GOOD = {
    "police": "its kernel has flower and police",
    "shape": "its kernel has htb, ifb, flower and fq_codel",
    "shape-u32": "its kernel has htb and ifb, and u32 for want of flower or fq_codel",
}


class Engine(NamedTuple):
    """NFTABLES or TRAFFIC_CONTROL, the way that tc takes, and a reason in words."""

    name: str
    way: str
    because: str


def choose(tc: Tc, asked: str, mode: str, ways: List[str]) -> Engine:
    """Choose by what the spec asks for, as extra-vars say it, and what this host
    has, of the ways in which tc could do it. Failure LimitsUnsupported where it
    lacks what is asked for."""
    if asked == "nftables":
        return Engine(NFTABLES, "", "spec.rateLimiting.engine asks for it")
    lack = ""
    for way in ways:
        try:
            in_scratch_namespace(lambda w=way: scratch(tc, _SAMPLES[w], w))
            return Engine(TRAFFIC_CONTROL, way, _GOOD[way])
        except Refused as refused:
            lack = str(refused).partition("\n")[0].strip()
    if asked == "auto" and mode == "police":
        return Engine(NFTABLES, "", "tc cannot do it here: %s" % lack)
    raise Failure("LimitsUnsupported", "this gateway's tc cannot %s, nothing was opened: %s. Write %s, or upgrade its kernel" % (
        mode, lack, "mode: Police" if mode == "shape" else "engine: Auto"))


def scratch(tc: Tc, lines: List[str], way: str) -> Dict[str, str]:
    """Have tc do lines in an empty namespace, where the interface lo stands for
    each public one, and return what it then shows. Refused."""
    tc.batch(["qdisc add dev lo clsact"])
    if way != "police":
        tc.make_shaper()
    tc.batch(tc_lines.on(lines, ["lo"]))
    return {"public": tc.filters("lo"), "shaper": tc.shaper()}

"""The controller's half of nft_ruleset: checks the variables, renders the
templates, and has the gateway run the module with the texts, which is the one
remote execution.

The variables are data. They are checked as they are written, before anything
could take a string in them for a template, and the templates are rendered by
plain Jinja, which has no lookups and never looks into a value.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib.util
import os
import re
import socket
import time
import uuid

import yaml
from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var

ROLE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _part(name):
    """A file of the role's controller folder, which Ansible has no name for."""
    spec = importlib.util.spec_from_file_location("nft_operator_" + name, os.path.join(ROLE, "controller", name + ".py"))
    part = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(part)
    return part


# Ansible imports this once for all hosts of a run, before it forks: what takes
# long and is the same for all is done here.
shipping, texts = _part("shipping"), _part("texts")
texts.warm(os.path.join(ROLE, "..", "..", "templates"))
with open(os.path.join(ROLE, "meta", "argument_specs.yml"), encoding="utf-8") as file:
    SPEC = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["argument_specs"]["main"]["options"]

SCHEMA = 3
CONFIRM_TIMEOUT = 30  # seconds
LOCK_WAIT = 20  # seconds
PAUSE = 0.5  # seconds between attempts to come in
SHOWN = 10  # problems in a message; there can be thousands

# No text outside of these sets of characters gets anywhere.
INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}")
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
SERVICE = re.compile(r"%s/%s" % (LABEL, LABEL))
OBJECT = re.compile(r"%s/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?" % LABEL)
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
REVISION = re.compile(r"[0-9a-f]{64}")
ADDRESS = {"ipv4": re.compile(r"[0-9.]{7,15}"), "ipv6": re.compile(r"[0-9a-f:.]{2,45}")}
LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")
FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
BITS = {"ipv4": 32, "ipv6": 128}
PROTOCOLS = ("tcp", "udp", "sctp")
RANGES = ("management", "ssh_sources", "bgp_peers", "load_balancer_ranges")
UNITS = {"rate": ("bytes", "packets"), "per_source": ("bytes", "packets"), "connection_rate": ("connections",)}
PERIODS = ("second", "minute", "hour", "day")
ENGINES = ("auto", "nftables", "traffic_control")
MODES = ("police", "shape")
LIMIT_LISTS = ("services", "interfaces")
DIRECTIONS = {"ingress", "egress"}
LIMIT_KEYS = set(UNITS) | {"service", "per_port", "connection_limit"}
EXPOSURE_KEYS = {"service", "address", "protocol", "port", "sources"}


class ActionModule(ActionBase):
    """Runs nft_ruleset on one host."""

    _VALID_ARGS = frozenset(("templates", "lock_wait"))

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        clock = Clock()
        variables, problems = checked(task_vars)
        clock.count("check")
        if problems:
            shown = "; ".join(problems[:SHOWN]) + ("; and %d more" % (len(problems) - SHOWN) if len(problems) > SHOWN else "")
            result.update(failed=True, reason="InvalidVars", msg="the variables are not what schema %d says, see docs/extra-vars.md: %s" % (SCHEMA, shown))
            return result
        parameters = dict(
            texts.for_host(self._task.args["templates"], variables),
            public_interfaces=variables["nft_public_interfaces"],
            limited_interfaces=[entry["name"] for entry in variables["nft_limits"]["interfaces"]],
            revision=variables["nft_revision"],
            structure=variables["nft_structure"],
            ssh_port=variables["nft_ssh_port"],
            hold=variables.get("nft_hold", False),
            retry=variables.get("nft_retry", False),
            fence=variables.get("nft_fence"),
            confirm_timeout=variables.get("nft_confirm_timeout", CONFIRM_TIMEOUT),
            token=uuid.uuid4().hex,
            lock_wait=self._task.args.get("lock_wait", LOCK_WAIT),
            check=self._play_context.check_mode,
            diff=self._play_context.diff,
        )
        confirmation = {"token": parameters["token"], "revision": parameters["revision"], "lock_wait": parameters["lock_wait"]}
        program = shipping.program("nft_ruleset", parameters)
        clock.count("render")
        try:
            answer = self._executed(program, task_vars)
        except AnsibleConnectionFailure as lost:
            answer = self._confirmed_all_the_same(confirmation, lost, task_vars)
        clock.count("remote")
        clock.take(answer)
        if "pending" in answer:
            confirmation["token"] = answer["pending"]["token"]
            answer = self._confirmed(confirmation, min(answer["pending"]["seconds"], parameters["confirm_timeout"]), task_vars)
            clock.count("confirm")
        # Of another machine: nothing in it is a template.
        result.update(wrap_var(answer), seconds=clock.told())
        return result

    def _executed(self, program, task_vars):
        """Have the gateway run a program, and return its answer."""
        python = self._templar.template(task_vars.get("ansible_python_interpreter", shipping.PYTHON))
        if not python.startswith("/"):  # Ansible would try several that might be there
            python = shipping.PYTHON
        # What sudo lets pass has no options, see roles/prepare.
        command = python if self._connection.become else python + " -I -S"
        return shipping.answer(self._low_level_execute_command(command, in_data=program.encode("utf-8")))

    def _confirmed_all_the_same(self, confirmation, lost, task_vars):
        """The connection broke, perhaps after the change was made. Whoever comes in
        anew may still keep it."""
        if self._play_context.check_mode or "connect to host" in str(lost):
            raise lost
        self._connect_anew()
        answer = self._executed(shipping.program("nft_confirm", confirmation), task_vars)
        if answer.get("failed"):
            raise lost
        return answer

    def _confirmed(self, confirmation, seconds, task_vars):
        """Come in anew before the time is up, or tell that nobody can."""
        deadline = time.monotonic() + seconds
        program = shipping.program("nft_confirm", confirmation)
        self._connect_anew()
        while True:
            try:
                return self._executed(program, task_vars)
            except AnsibleConnectionFailure as failure:
                if time.monotonic() > deadline - PAUSE:
                    return {"failed": True, "reason": "NotConfirmed", "msg": (
                        "the change cut the way in, so the host takes it back by itself within seconds; "
                        "see that managementCIDRs and publicInterfaces are right: %s" % failure)}
                time.sleep(PAUSE)

    def _connect_anew(self):
        """Share no connection that was there before the change: that it still
        passes proves nothing."""
        if self._connection.transport == "ssh":
            given = self._connection.get_option("ssh_extra_args") or ""
            self._connection.set_option("ssh_extra_args", (given + " -o ControlPath=none").strip())


class Clock:
    """Where the time of a run goes, in seconds, as the role's README lists it."""

    def __init__(self):
        self._began = self._last = time.monotonic()
        self._seconds = dict.fromkeys(("check", "render", "remote", "module", "list", "load", "confirm"), 0.0)
        self._seconds["began"] = time.time()

    def count(self, what):
        """What went on since the last count was this."""
        now = time.monotonic()
        self._seconds[what] = now - self._last
        self._last = now

    def take(self, answer):
        """What the gateway counted itself."""
        told = answer.pop("seconds", None)
        for what in ("module", "list", "load"):
            value = told.get(what) if isinstance(told, dict) else None
            if isinstance(value, (int, float)):
                self._seconds[what] = value

    def told(self):
        return dict(self._seconds, action=time.monotonic() - self._began)


def checked(given):
    """The variables of schema 3 among the given, and what is wrong with them.

    meta/argument_specs.yml decides on what is missing, types and choices; what is
    in a string is decided here.
    """
    variables = {name: given[name] for name in SPEC if name in given}
    schema = variables.get("nft_schema")
    if schema != SCHEMA:
        return {}, ["nft_schema is %.20r, and this role takes %d only: %s wrote the variables. Use operator, playbooks, roles and templates of one release; "
                    "docs/upgrade.md tells how" % (schema, SCHEMA, _writer_of(schema))]
    # The entries are checked below; the validator would take seconds for thousands.
    rest = {name: option for name, option in SPEC.items() if name not in ("nft_exposures", "nft_limits")}
    values = {name: value for name, value in variables.items() if name in rest}
    problems = list(_misshapen("", values, rest)) or ArgumentSpecValidator(rest).validate(values).error_messages
    return variables, problems or list(_problems(variables))


def _writer_of(schema):
    if not isinstance(schema, int):
        return "no operator"
    return "a newer release" if schema > SCHEMA else "an older release"


def _misshapen(path, values, spec):
    """What the validator would take though it is something else, or stumble over."""
    for name, value in values.items():
        option = spec.get(name, {})
        if value is None:
            yield "%s%s is empty" % (path, name)
        elif option.get("type") == "list" and not isinstance(value, list):
            yield "%s%s is not a list" % (path, name)
        elif option.get("type") == "dict" and not isinstance(value, dict):
            yield "%s%s is not a dictionary" % (path, name)
        elif "options" in option:
            for problem in _misshapen("%s%s." % (path, name), value, option["options"]):
                yield problem


def _problems(variables):
    for name, pattern in (("nft_gateway", OBJECT), ("nft_host", HOST), ("nft_revision", REVISION), ("nft_structure", REVISION)):
        if not _matches(pattern, variables[name]):
            yield "%s is malformed" % name
    for number, interface in enumerate(variables["nft_public_interfaces"]):
        if not _matches(INTERFACE, interface):
            yield "nft_public_interfaces[%d] is not the name of an interface" % number
    if not variables["nft_public_interfaces"]:
        yield "nft_public_interfaces is empty, and the gateway would be open"
    if not _between(variables["nft_ssh_port"], 1, 65535):
        yield "nft_ssh_port is not a port"
    if not _between(variables.get("nft_confirm_timeout", 30), 5, 600):
        yield "nft_confirm_timeout is not a number of seconds from 5 to 600"
    for name in ("nft_hold", "nft_retry"):
        if not isinstance(variables.get(name, False), bool):
            yield "%s is neither true nor false" % name
    fence = variables.get("nft_fence", {"epoch": 0, "sequence": 0})
    if set(fence) != {"epoch", "sequence"} or not all(_between(value, 0, 1 << 62) for value in fence.values()):
        yield "nft_fence does not hold the numbers epoch and sequence"
    firewall = variables["nft_firewall"]
    if not _between(firewall["echo_per_second"], 1, 10000):
        yield "nft_firewall.echo_per_second is not a number from 1 to 10000"
    for name in RANGES:
        for family in ADDRESS:
            for number, text in enumerate(firewall[name][family]):
                if not _is_range(family, text):
                    yield "nft_firewall.%s.%s[%d] is not an %s range in canonical form" % (name, family, number, family)
    for problem in _exposure_problems(variables.get("nft_exposures")):
        yield problem
    for problem in _limit_problems(variables.get("nft_limits")):
        yield problem


def _exposure_problems(exposures):
    if not isinstance(exposures, dict) or set(exposures) != set(ADDRESS):
        yield "nft_exposures does not hold ipv4 and ipv6"
        return
    for family, entries in exposures.items():
        if not isinstance(entries, list):
            yield "nft_exposures.%s is not a list" % family
            continue
        if _is_good(family, entries):
            continue
        for number, entry in enumerate(entries):
            for what in _entry_problems(family, entry):
                yield "nft_exposures.%s[%d] %s" % (family, number, what)


def _is_good(family, entries):
    """Whether there is nothing to be said of any entry: the same conditions as
    below, for the thousands of which that is true."""
    service, addresses, ranges = SERVICE.fullmatch, set(), set()
    try:
        for entry in entries:
            address, port = entry["address"], entry["port"]
            if (not service(entry["service"]) or entry["protocol"] not in PROTOCOLS or not isinstance(port, int) or not 1 <= port <= 65535 or port is True
                    or len(entry) != 4 and (len(entry) != 5 or not _are_good(family, entry["sources"], ranges)) or not isinstance(entry, dict)):
                return False
            if address not in addresses:
                if not _is_address(family, address):
                    return False
                addresses.add(address)
    except (KeyError, TypeError):
        return False
    return True


def _are_good(family, sources, ranges):
    """Whether sources are ranges. Those seen before are in the set ranges."""
    if not isinstance(sources, list) or not sources:
        return False
    for text in sources:
        if text not in ranges:
            if not _is_range(family, text):
                return False
            ranges.add(text)
    return True


def _entry_problems(family, entry):
    if not isinstance(entry, dict) or not set(entry) <= EXPOSURE_KEYS or len(set(entry) | {"sources"}) != len(EXPOSURE_KEYS):
        yield "does not hold service, address, protocol, port, and perhaps sources"
        return
    if not _matches(SERVICE, entry["service"]):
        yield "has a malformed service"
    if not _is_address(family, entry["address"]):
        yield "has an address that is not an %s address in canonical form" % family
    if entry["protocol"] not in PROTOCOLS:
        yield "has a protocol that is none of %s" % ", ".join(PROTOCOLS)
    if not _between(entry["port"], 1, 65535):
        yield "has a port that is not a number from 1 to 65535"
    if "sources" not in entry:
        return
    if not isinstance(entry["sources"], list) or not entry["sources"]:
        yield "has sources that are not a list with entries; leave them out for any"
        return
    for text in entry["sources"]:
        if not _is_range(family, text):
            yield "has a source that is not an %s range in canonical form" % family


def _limit_problems(limits):
    if not isinstance(limits, dict) or set(limits) != {"engine", "mode"}.union(LIMIT_LISTS) or not all(isinstance(limits[name], list) for name in LIMIT_LISTS):
        yield "nft_limits does not hold engine, mode, a list of services and one of interfaces"
        return
    if limits["engine"] not in ENGINES:
        yield "nft_limits.engine is none of %s" % ", ".join(ENGINES)
    if limits["mode"] not in MODES:
        yield "nft_limits.mode is none of %s" % ", ".join(MODES)
    if (limits["engine"], limits["mode"]) == ("nftables", "shape"):
        yield "nft_limits.mode is shape, which nftables cannot do"
    for name, key, problems in (("services", "service", _service_limit_problems), ("interfaces", "name", _interface_limit_problems)):
        for number, what in _problems_of_each(limits[name], key, problems):
            yield "nft_limits.%s[%d] %s" % (name, number, what)


def _problems_of_each(entries, key, problems):
    named = set()
    for number, entry in enumerate(entries):
        for what in problems(entry):
            yield number, what
        name = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(name, str) and name in named:
            yield number, "is about %.64r for the second time" % name
        named.add(str(name))


def _service_limit_problems(entry):
    if not isinstance(entry, dict) or not set(entry) <= LIMIT_KEYS or not set(entry) & (set(UNITS) | {"connection_limit"}):
        yield "does not hold service and a limit"
        return
    if not _matches(SERVICE, entry.get("service")):
        yield "has a malformed service"
    if not isinstance(entry.get("per_port", False), bool):
        yield "has a per_port that is neither true nor false"
    if not _between(entry.get("connection_limit", 1), 1, (1 << 32) - 1):
        yield "has a connection_limit that is not a number from 1 on"
    for name, units in UNITS.items():
        if name in entry and not _is_rate(entry[name], units):
            yield "has a %s that does not hold unit, amount, period and burst" % name


def _interface_limit_problems(entry):
    if not isinstance(entry, dict) or not set(entry) <= DIRECTIONS | {"name"} or not set(entry) & DIRECTIONS:
        yield "does not hold name and a limit"
        return
    if not _matches(INTERFACE, entry.get("name")):
        yield "has a name that is not that of an interface"
    for direction in sorted(DIRECTIONS & set(entry)):
        if not _is_rate(entry[direction], UNITS["rate"]):
            yield "has an %s that does not hold unit, amount, period and burst" % direction


def _is_rate(value, units):
    return (isinstance(value, dict) and set(value) == {"unit", "amount", "period", "burst"}
            and value["unit"] in units and value["period"] in (PERIODS if value["unit"] != "bytes" else PERIODS[:1])
            and _between(value["amount"], 1, 1 << 47) and _between(value["burst"], 1, (1 << 32) - 1))


def _matches(pattern, value):
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _between(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_address(family, value):
    return _matches(ADDRESS[family], value) and _bytes_of(family, value) is not None


def _bytes_of(family, value):
    """The bytes of an address, None where it is none."""
    try:
        found = socket.inet_pton(FAMILIES[family], value)
    except OSError:
        return None
    return found if family == "ipv6" or socket.inet_ntop(socket.AF_INET, found) == value else None


def _is_range(family, value):
    if not isinstance(value, str):
        return False
    address, slash, length = value.partition("/")
    if not slash:
        return _is_address(family, address)
    if not _is_address(family, address) or not _matches(LENGTH, length):
        return False
    host_bits = BITS[family] - int(length)
    return host_bits > 0 and not int.from_bytes(_bytes_of(family, address), "big") & ((1 << host_bits) - 1)

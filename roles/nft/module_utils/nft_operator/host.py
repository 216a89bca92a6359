"""What the gateway is, and whether the ruleset can work there at all."""

import os
import re
import sys
from _socket import if_nameindex  # socket.py takes longer to import than all else here

from ansible.module_utils.nft_operator.failure import Failure

# kube-proxy's own floor. Older nft refuses the maps, or crashes on other tables.
NFT_FLOOR = (1, 0, 1)
KERNEL_FLOOR = (5, 13)


def versions(nft_version):
    """What the gateway runs, for its status."""
    return {
        "nft": nft_version,
        "kernel": os.uname().release,
        "python": "%d.%d.%d" % sys.version_info[:3],
        "os": _os_name(),
    }


def require_versions(found):
    """Failure Unsupported where nft or the kernel is older than the floor."""
    for name, what, floor in (("nft", "nftables", NFT_FLOOR), ("kernel", "Linux", KERNEL_FLOOR)):
        if _numbers(found[name], len(floor)) < floor:
            raise Failure("Unsupported", "%s %s is too old, at least %s is needed; upgrade the gateway" % (what, found[name], ".".join(map(str, floor))))


def require_interfaces(names, field):
    """Failure InterfaceNotFound where a rule by such a name, of the field, would match nothing."""
    present = {name for _, name in if_nameindex()}
    missing = [name for name in names if name not in present]
    if not missing:
        _require_free(names, field)
        return
    raise Failure("InterfaceNotFound", "the gateway has no interface %s; it has %s. Correct %s, or bring the interface up" % (
        " and no ".join(missing), ", ".join(sorted(present)[:20]), field))


def _require_free(names, field):
    """Failure InterfaceNotFound where packets pass by the name of a master instead."""
    for name in names:
        link = "/sys/class/net/%s/master" % name
        if os.path.exists(link):
            master = os.path.basename(os.path.realpath(link))
            raise Failure("InterfaceNotFound", "%s is a port of %s, so packets pass by %s and no rule for %s would see them; write %s in %s" % (
                name, master, master, name, master, field))


def require_sshd(port, tables=("/proc/net/tcp", "/proc/net/tcp6")):
    """Failure SSHPortClosed where nothing listens on the port that is kept open for SSH.

    Behind a port forwarding the port that is connected to is another one, and
    the failsafe would keep the wrong door open.
    """
    listening = set()
    for table in tables:
        try:
            with open(table, encoding="ascii") as file:
                lines = file.readlines()[1:]
        except OSError:
            return  # no way to tell
        for line in lines:
            _, local, _, state = line.split()[:4]
            if state == "0A":
                listening.add(int(local.rpartition(":")[2], 16))
    if port not in listening:
        raise Failure("SSHPortClosed", "nothing on the gateway listens on port %d, so keeping it open would not keep SSH open; behind a port forwarding, write the port of the SSH server itself into sshdPort" % port)


def _numbers(version, length):
    found = [int(number) for number in re.findall(r"[0-9]+", version)[:length]]
    return tuple(found + [0] * (length - len(found)))


def _os_name():
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            found = re.search(r'^PRETTY_NAME="?([^"\n]*)', file.read(), re.MULTILINE)
    except OSError:
        return ""
    return found.group(1) if found else ""

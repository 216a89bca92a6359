"""The gateway has its limits by tc again as soon as an interface is there.

One unit makes what the interfaces share, and one for each interface attaches
filters when systemd sees it: at boot, and when it is plugged in again.
"""

import contextlib
import os
from typing import Dict, List

from ansible.module_utils.nft_operator import boot, files
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.tc import PREFERENCES, SHAPER

_COMMON = """\
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service
Before=shutdown.target
Conflicts=shutdown.target
"""
_SHARED = """\
# Written by nft-operator. What limits of Services by tc need at any interface.
[Unit]
Description=Limits of nft-operator
Documentation=man:tc(8)
{common}
[Service]
Type=oneshot
RemainAfterExit=yes
{commands}"""
_AT_INTERFACE = """\
# Written by nft-operator. Limits of Services by tc, at one interface.
[Unit]
Description=Limits of nft-operator at %I
Documentation=man:tc(8)
BindsTo=sys-subsystem-net-devices-%i.device
After=sys-subsystem-net-devices-%i.device
Wants={shared}
After={shared}
{common}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=-{tc} qdisc add dev %I clsact
{clear}ExecStart={tc} -batch {folder}/%I
"""


def bring(paths, record, tc) -> None:
    """Write what a boot needs to load what is recorded, and nothing else. Failure WriteFailed."""
    wanted, links = _texts(paths, record, tc), _links(paths, record)
    for path in present(paths):
        if path not in wanted and path not in links:
            files.remove(path)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(path))
    for path, text in wanted.items():
        if files.read(path) != text:
            files.write(path, text, *((0o600, 0o700) if path.startswith(paths.tc_folder) else (0o644,)))
    for path, target in links.items():
        _link(path, target)


def drift(paths, record, tc) -> List[str]:
    """What somebody else changed of it, in words."""
    wanted, links = _texts(paths, record, tc), _links(paths, record)
    found = [path for path, text in wanted.items() if files.read(path) != text] + [path for path in links if not os.path.islink(path)]
    return ["%s was %s" % (path, "edited" if os.path.lexists(path) else "deleted") for path in found]


def present(paths) -> List[str]:
    """The paths of all that bring writes, as far as it is there."""
    folder = os.path.dirname(paths.tc_unit)
    found = [path for path in (paths.tc_unit, paths.tc_interface_unit, paths.tc_shared) if os.path.lexists(path)]
    for directory in sorted(files.names(folder)):
        if directory.startswith("sys-subsystem-net-devices-") and directory.endswith(".device.wants"):
            found += [os.path.join(folder, directory, name) for name in files.names(os.path.join(folder, directory)) if name.startswith("nft-operator-limits@")]
    return found + [os.path.join(paths.tc_interfaces, name) for name in sorted(files.names(paths.tc_interfaces))]


def _texts(paths, record, tc) -> Dict[str, str]:
    if not record.way:
        return {}
    texts = {paths.tc_shared: ""}
    texts.update({os.path.join(paths.tc_interfaces, name): "" for name in record.interfaces})
    for line in record.lines:
        name = line.split(" dev ", 1)[1].split(" ", 1)[0] if line.startswith("filter add dev ") else ""
        texts[os.path.join(paths.tc_interfaces, name) if name in record.interfaces else paths.tc_shared] += line.replace("actions add ", "actions replace ") + "\n"
    if boot.possible(paths):
        texts[paths.tc_unit] = _SHARED.format(common=_COMMON, commands=_shared_commands(paths, record, tc))
        clear = "".join("ExecStartPre=-%s filter delete dev %%I ingress pref %s\n" % (tc.path, preference) for preference in PREFERENCES)
        texts[paths.tc_interface_unit] = _AT_INTERFACE.format(common=_COMMON, shared=os.path.basename(paths.tc_unit), clear=clear, tc=tc.path, folder=paths.tc_interfaces)
    return texts


def _shared_commands(paths, record, tc):
    commands = []
    if record.way != "police":
        commands = ["ExecStartPre=-%s link delete %s" % (tc.ip_path, SHAPER), "ExecStartPre=%s link add %s type ifb" % (tc.ip_path, SHAPER),
                    "ExecStartPre=%s link set dev %s up txqueuelen 1000" % (tc.ip_path, SHAPER)]
    return "".join(command + "\n" for command in commands + ["ExecStart=%s -batch %s" % (tc.path, paths.tc_shared)])


def _links(paths, record) -> Dict[str, str]:
    if not record.way or not boot.possible(paths):
        return {}
    folder = os.path.dirname(paths.tc_unit)
    return {os.path.join(folder, "sys-subsystem-net-devices-%s.device.wants" % name, "nft-operator-limits@%s.service" % name): paths.tc_interface_unit
            for name in map(escaped, record.interfaces)}


def escaped(name: str) -> str:
    """The name of an interface as systemd has it in the name of a unit."""
    return "".join(c if c.isalnum() or c in ":_" or c == "." and number else "\\x%02x" % ord(c) for number, c in enumerate(name))


def _link(path, target):
    if os.path.islink(path):
        return
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(os.path.relpath(target, os.path.dirname(path)), path)
    except OSError as error:
        raise Failure("WriteFailed", "%s cannot be made: %s" % (path, error.strerror)) from None

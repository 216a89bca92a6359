"""The gateway loads the last confirmed ruleset before its network is up.

It does so from a file of its own, in a unit of its own: a broken
/etc/nftables.conf, or one that somebody else wrote, or a distribution that does
not load it, changes nothing.
"""

import os

from ansible.module_utils.nft_operator import files
from ansible.module_utils.nft_operator.failure import Failure

_UNIT = """\
# Written by nft-operator. Loads the last ruleset that was confirmed to leave the
# way in open; nothing else runs on this host for the operator.
[Unit]
Description=Ruleset of nft-operator
Documentation=man:nft(8)
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service local-fs.target
Conflicts=shutdown.target
ConditionPathExists={boot}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={nft} -f {boot}
# Without limits rather than without a firewall.
ExecStartPost=-{nft} -f {limits}

[Install]
WantedBy=sysinit.target
"""


def unit(nft, paths):
    """The text of the unit."""
    return _UNIT.format(nft=nft, boot=paths.boot, limits=paths.limits)


def possible(paths):
    """Whether systemd boots this host."""
    return os.path.isdir(os.path.dirname(paths.boot_unit)) and any(
        os.path.exists(paths.root + path) for path in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd"))


def enable(paths):
    """What "systemctl enable" does, also where no systemd runs now; nothing where
    none boots the host. Failure WriteFailed."""
    if not possible(paths) or os.path.islink(paths.boot_wanted):
        return
    try:
        os.makedirs(os.path.dirname(paths.boot_wanted), exist_ok=True)
        os.symlink(os.path.relpath(paths.boot_unit, os.path.dirname(paths.boot_wanted)), paths.boot_wanted)
    except FileExistsError:
        pass
    except OSError as error:
        raise Failure("WriteFailed", "%s cannot be made: %s" % (paths.boot_wanted, error.strerror)) from None


def disable(paths):
    """Take the unit away. Failure WriteFailed."""
    for path in (paths.boot_wanted, paths.boot_unit):
        files.remove(path)

"""What the last run left, as it saw it, so that the next one need not look again.

The note says at which generation the kernel's rulesets were what was read back,
and which files lay beside them. While all of that is the same, nobody changed
anything. It is kept in memory and believed for a while only; see
docs/design/speed-on-the-gateway.md for why that is enough.
"""

import contextlib
import json
import os
import time

from ansible.module_utils.nft_operator import files, versions

# Seconds after a real look. A run that has a change to bring does not wait for the
# next: one that has none comes soon.
BELIEVED, BELIEVED_FOR_A_CHANGE = 300, 900

_TABLES = ("nft_operator", "nft_operator_limits")


def files_now(paths):
    """What each file is that a run compares with how it was left. Taken before a run
    reads any: an edit of a moment later is then one that the run did not see."""
    return {path: _identity(path) for path in (
        paths.conf, paths.boot, paths.state, paths.accepted, paths.local_chain, paths.limits, paths.boot_unit, paths.boot_wanted,
        paths.rolled_back, paths.rolled_back_in_memory, paths.backup, paths.tc_record)}


def note(kernel, program, params, answer, generation, looked, found):
    """What is written down, with the files as they were found; None where the kernel
    cannot tell what is needed for it."""
    taken = {
        "boot": _boot(), "namespace": kernel.namespace(), "generation": generation, "tables": [kernel.table(name) for name in _TABLES],
        "program": _identity(program), "files": found, "asked": _asked(params), "looked": looked, "path": program,
        "answer": answer,
    }
    if None in (taken["boot"], taken["namespace"], generation, taken["tables"][0], taken["program"]):
        return None
    return taken


def with_files(taken, wrote):
    """The note with the files as they are after this run wrote some."""
    return dict(taken, files={path: _identity(path) if path in wrote else found for path, found in taken["files"].items()})


def write(paths, taken):
    """Keep the note for the next run. It is in memory: nothing has to reach a disk.
    Where there is no room, the next run looks."""
    text = json.dumps(versions.marked(taken, versions.SEEN))
    with contextlib.suppress(OSError):
        descriptor = os.open(paths.seen + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        os.replace(paths.seen + ".new", paths.seen)


def read(paths):
    """The note, or None where there is none that this release wrote."""
    try:
        found = json.loads(files.read(paths.seen) or "")
        return found if (found["schema"], found["release"]) == (versions.SEEN, versions.RELEASE) else None
    except (ValueError, KeyError, TypeError):
        return None


def holds(taken, kernel, paths, params):
    """Whether everything is as it was noted, and a run is asked the same."""
    try:
        return (
            0 <= age(taken) < BELIEVED_FOR_A_CHANGE
            and taken["asked"] == _asked(params)
            and taken["generation"] == kernel.generation()
            and (taken["boot"], taken["namespace"]) == (_boot(), kernel.namespace())
            and taken["tables"] == [kernel.table(name) for name in _TABLES]
            and taken["program"] == _identity(taken["path"])
            and taken["files"] == files_now(paths)
            and not files.names(paths.pending))
    except (KeyError, TypeError):
        return False


def age(taken):
    """Seconds since somebody really looked."""
    return now() - taken["looked"]


def now():
    """Seconds since the boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _asked(params):
    """What a run is asked that a look answers for; all else is in texts."""
    asked = {name: params[name] for name in ("structure", "public_interfaces", "limited_interfaces", "ssh_port", "local_chain")}
    return dict(asked, engine=params["tc"]["engine"], mode=params["tc"]["mode"])


def _identity(path):
    """What is another as soon as anybody writes to a file or puts another in its
    place: nobody can set the time of a change."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _boot():
    """Names this boot of the kernel."""
    return (files.read("/proc/sys/kernel/random/boot_id") or "").strip() or None

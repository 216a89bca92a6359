"""Takes a change back that nobody confirmed. Runs on the gateway, without help.

The module nft_ruleset starts a copy of this file before it makes a change that
could cut the way in. It needs nothing but Python's own library, because the
module and its parts are gone by then.

    rollback.py DIRECTORY SECONDS

The directory is that of one change, and its pending.json describes it, see
commit.py. Whoever removes that file, holding the lock, has decided: the change
stays.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time

PENDING = "pending.json"
ALIVE = "alive"  # locked while this program waits
ATTEMPTS = 60
PAUSE = 1  # seconds between attempts


def main(directory, seconds):
    """Wait, and take the change back unless it was decided on. Return the exit status."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # The monotonic clock: nobody can set it.
    deadline = time.monotonic() + seconds
    lock_path = _read(directory)["lock"]
    with open(os.path.join(directory, ALIVE), "w", encoding="ascii") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        while time.monotonic() < deadline:
            if not _undecided(directory):
                return 0
            time.sleep(0.1)
        for attempt in range(ATTEMPTS):
            # Free between attempts: whoever comes in meanwhile may decide.
            with _locked(lock_path):
                if not _undecided(directory):
                    return 0
                restored = restore_kernel(directory, _read(directory), first=attempt == 0)
                if restored or attempt == ATTEMPTS - 1:
                    conclude(directory, restored)
                    return 0
            time.sleep(PAUSE)
    return 0


@contextlib.contextmanager
def _locked(path):
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def conclude(directory, restored):
    """Write down that the change was taken back, and end it. The caller holds the lock."""
    pending = _read(directory)
    for path in pending["staged"]:
        with contextlib.suppress(OSError):
            os.unlink(path)
    note = dict(pending["note"], at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), restored=restored)
    for path in pending["notes"]:
        try:
            _write(path, json.dumps(note) + "\n")
            break
        except OSError:
            continue  # a full disk: the next place is memory
    shutil.rmtree(directory, ignore_errors=True)


def restore_kernel(directory, pending, first=True):
    """Bring the kernel back, and report whether that was seen. The caller holds the lock."""
    for script in pending["scripts"]:
        _nft(pending["nft"], "--file", os.path.join(directory, script))
        # What nft says is no proof, in either direction.
        if listed(pending["nft"], pending["sets"]) == pending["listing"]:
            return True
    if first:
        # The old rules do not load. Then at least the way in.
        _nft(pending["nft"], "insert rule inet nft_operator input tcp dport %d accept" % pending["ssh_port"])
    return False


def listed(nft, sets):
    """What identifies the rules in the kernel: the sorted lines of nft's listing
    without counts, and with elements of the named sets only; none where there is
    no table. Sorted, because the order tells how a table came to be, not what it does."""
    answer = _nft(nft, "--stateless", "--terse", "list", "table", "inet", "nft_operator")
    if answer.returncode != 0:
        return []
    # Not all in one call: nft 1.0.6 then finds none of them.
    elements = [_nft(nft, "--stateless", "list", "set", "inet", "nft_operator", name).stdout for name in sets]
    return sorted("".join([answer.stdout] + elements).splitlines())


def _nft(nft, *arguments):
    return subprocess.run(
        [nft] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        encoding="utf-8", errors="surrogateescape", env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def _undecided(directory):
    return os.path.exists(os.path.join(directory, PENDING))


def _read(directory):
    with open(os.path.join(directory, PENDING), encoding="utf-8") as file:
        return json.load(file)


def _write(path, text):
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))

"""A change that could cut the way in, until somebody comes in by a new connection.

    arm → load → hold out → confirm
                          → the time is up: rollback.py takes it back

One change at a time has a folder in memory, with everything that taking it back
or keeping it needs. Whoever removes its pending.json, holding the lock, decides.
A reboot forgets it: the gateway boots with what was confirmed before.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from typing import Any, Dict, List, NamedTuple, Optional

from ansible.module_utils.nft_operator import boot, files, netlink, rollback, seen, versions
from ansible.module_utils.nft_operator.failure import Failure

UNIT = "nft-operator-rollback"
_PROGRAM = "rollback.py"
_ATTEMPTS = 3  # to bring the kernel back
_ARM_TIMEOUT = 10  # seconds; Python starts in a fraction of one


class Way(NamedTuple):
    """The way back: scripts, to be tried in this order, and what the kernel then lists."""

    scripts: Dict[str, str]
    listing: List[str]
    # Sets whose elements belong to that listing.
    sets: List[str]


class Change:
    """A change that waits to be confirmed, by its folder."""

    def __init__(self, directory: str, content: Dict[str, Any]):
        self.directory = directory
        self.content = content

    @property
    def token(self) -> str:
        """What the one who confirms must know."""
        return os.path.basename(self.directory)

    def watched(self) -> bool:
        """Whether the program that would take the change back is alive."""
        try:
            with open(os.path.join(self.directory, rollback.ALIVE), encoding="ascii") as alive:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def left(self) -> int:
        """Seconds until the change is taken back."""
        return max(0, round(self.content["deadline"] - time.monotonic()))

    def hold_out(self, answer: Dict[str, Any], noted: Optional[Dict[str, Any]]):
        """The kernel took the change: keep what to answer when it is confirmed, and
        what the next run need not look at again."""
        self.content["answer"] = answer
        self.content["seen"] = noted
        self._write()

    def confirm(self, paths) -> Dict[str, Any]:
        """The change stays. Return what to answer. Failure WriteFailed where it
        is in force but not on disk."""
        self._decide()
        for staged in self.content["files"]:
            files.finish(files.Staged(*staged))
        boot.enable(paths)
        noted = self.content.get("seen")
        if noted and noted["generation"] == netlink.Kernel().generation():
            seen.write(paths, seen.with_files(noted, [path for path, *_ in self.content["files"]] + [paths.boot_wanted]))
        return self.content["answer"]

    def undo(self) -> bool:
        """Bring the kernel back at once, because the change failed on the way. If
        that fails too, the program goes on trying."""
        for attempt in range(_ATTEMPTS):
            if rollback.restore_kernel(self.directory, self.content, first=attempt == 0):
                return True
            time.sleep(rollback.PAUSE)
        return False

    def drop(self):
        """The change was not made after all: nothing is to be taken back."""
        self._decide()
        files.unstage([files.Staged(*staged) for staged in self.content["files"]])

    def take_back(self):
        """Do what the program would do, and end the change in any case: whoever
        calls this has come in, and brings the kernel to its goal."""
        rollback.conclude(self.directory, self.undo())

    def _decide(self):
        os.unlink(os.path.join(self.directory, rollback.PENDING))
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self):
        files.write(os.path.join(self.directory, rollback.PENDING), json.dumps(self.content), mode=0o600)


def find(paths) -> Optional[Change]:
    """The change that waits, None where none does. The caller holds the lock."""
    for token in files.names(paths.pending):
        directory = os.path.join(paths.pending, token)
        try:
            return Change(directory, json.loads(files.read(os.path.join(directory, rollback.PENDING)) or ""))
        except ValueError:
            shutil.rmtree(directory, ignore_errors=True)  # killed before it was armed
    return None


def arm(paths, nft, token, seconds, way: Way, staged: List[files.Staged], ssh_port: int, note: Dict[str, Any]) -> Change:
    """Promise to take the coming change back after so many seconds. Failure
    RollbackNotArmed, and then nothing is promised. The caller holds the lock."""
    directory = os.path.join(paths.pending, token)
    change = Change(directory, versions.marked({
        "deadline": time.monotonic() + seconds,
        "lock": paths.lock,
        "nft": nft,
        "scripts": list(way.scripts),
        "listing": way.listing,
        "sets": way.sets,
        "ssh_port": ssh_port,
        "files": staged,
        "staged": [file.text for file in staged if file.text is not None],
        "note": note,
        "notes": [paths.rolled_back, paths.rolled_back_in_memory],
        "answer": None,
    }, versions.PENDING))
    try:
        for name, text in way.scripts.items():
            files.write(os.path.join(directory, name), text, mode=0o600, directory_mode=0o700)
        files.write(os.path.join(directory, _PROGRAM), rollback.__loader__.get_source(rollback.__name__), mode=0o600)
        change._write()  # pylint: disable=protected-access
        _start(directory, seconds)
        _await_watch(change)
    except Failure as failure:
        shutil.rmtree(directory, ignore_errors=True)
        raise Failure("RollbackNotArmed", "nothing was changed, because taking the change back could not be prepared: %s" % failure.message) from None
    return change


def _start(directory, seconds):
    program = [sys.executable, "-I", os.path.join(directory, _PROGRAM), directory, str(seconds)]
    if os.path.isdir("/run/systemd/system"):
        _start_unit(program)
        return
    # A session of its own: it outlives the connection.
    subprocess.Popen(  # pylint: disable=consider-using-with
        program, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def _start_unit(program):
    """A service that sleeps, not a timer: a timer may be late by a minute unless
    told otherwise, and a daemon-reload can start it anew. Its name can be taken
    only once."""
    command = ["systemd-run", "--quiet", "--collect", "--unit=" + UNIT, "--property=Type=exec",
               "--description=Takes an unconfirmed change of nft-operator back", "--"] + program
    deadline = time.monotonic() + _ARM_TIMEOUT
    while True:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, encoding="utf-8", errors="replace")
        if answer.returncode == 0:
            return
        if "already" not in answer.stdout or time.monotonic() > deadline:  # that of a change just decided is about to end
            raise Failure("RollbackNotArmed", "systemd-run says: %s" % answer.stdout.strip())
        time.sleep(0.1)


def _await_watch(change):
    deadline = time.monotonic() + _ARM_TIMEOUT
    while not change.watched():
        if time.monotonic() > deadline:
            raise Failure("RollbackNotArmed", "the program that would do it does not start")
        time.sleep(0.02)

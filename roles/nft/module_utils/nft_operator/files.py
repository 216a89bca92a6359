"""Files of the gateway: read, compared, and replaced so that a crash at any
moment leaves the old one or the new one."""

import contextlib
import fcntl
import os
import signal
from typing import List, NamedTuple, Optional

from ansible.module_utils.nft_operator.failure import Failure


class Paths(NamedTuple):
    """Where things are. The root is another one in unit tests only."""

    root: str = ""

    @property
    def conf(self):
        return self.root + "/etc/nftables.conf"

    @property
    def backup(self):
        return self.root + "/etc/nftables.conf.before-nft-operator"

    @property
    def local_chain(self):
        return self.root + "/etc/nftables.d/local-chain.nft"

    @property
    def accepted(self):
        return self.root + "/etc/nft-operator/local-chain.nft"

    @property
    def state(self):
        return self.root + "/var/lib/nft-operator/state.json"

    @property
    def rolled_back(self):
        return self.root + "/var/lib/nft-operator/rolled-back.json"

    @property
    def rolled_back_in_memory(self):
        return self.root + "/run/nft-operator/rolled-back.json"

    @property
    def boot(self):
        return self.root + "/var/lib/nft-operator/boot.nft"

    @property
    def limits(self):
        return self.root + "/var/lib/nft-operator/limits.nft"

    @property
    def tc_folder(self):
        return self.root + "/var/lib/nft-operator/tc"

    @property
    def tc_record(self):
        return self.tc_folder + "/record.json"

    @property
    def tc_shared(self):
        return self.tc_folder + "/shared"

    @property
    def tc_interfaces(self):
        return self.tc_folder + "/interfaces"

    @property
    def tc_unit(self):
        return self.root + "/etc/systemd/system/nft-operator-limits.service"

    @property
    def tc_interface_unit(self):
        return self.root + "/etc/systemd/system/nft-operator-limits@.service"

    @property
    def boot_unit(self):
        return self.root + "/etc/systemd/system/nft-operator.service"

    @property
    def boot_wanted(self):
        return self.root + "/etc/systemd/system/sysinit.target.wants/nft-operator.service"

    @property
    def lock(self):
        return self.root + "/run/nft-operator/lock"

    @property
    def fence(self):
        return self.root + "/run/nft-operator/fence.json"

    @property
    def seen(self):
        return self.root + "/run/nft-operator/seen.json"

    @property
    def code(self):
        return self.root + "/run/nft-operator/code"

    @property
    def pending(self):
        return self.root + "/run/nft-operator/pending"


def read(path) -> Optional[str]:
    """The text of a file, or None where there is none to read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return None


def names(folder) -> List[str]:
    """What is in a folder, nothing where there is none."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


class Change(NamedTuple):
    """What is to become of one file: another text, or None for no file."""

    path: str
    text: Optional[str]
    mode: int = 0o644
    directory_mode: int = 0o755


class Staged(NamedTuple):
    """A text that lies beside its place; without one, the file is to go."""

    path: str
    text: Optional[str] = None
    # The folder, where it was made for it.
    made: Optional[str] = None


def write(path, text, mode=0o644, directory_mode=0o755):
    """Replace a file atomically. Failure WriteFailed."""
    finish(stage(Change(path, text, mode, directory_mode)))


def replace(changes: List[Change]):
    """Replace files, in their order, after all of them were staged. Failure WriteFailed."""
    staged = []
    try:
        for change in changes:
            staged.append(stage(change))
    except Failure:
        unstage(staged)
        raise
    for one in staged:
        finish(one)


def stage(change: Change) -> Staged:
    """Write the text beside its place, all the way to the disk. Failure WriteFailed."""
    if change.text is None:
        return Staged(change.path)
    directory, name = os.path.split(change.path)
    # Always the same name: what a killed run left there is overwritten.
    staged = Staged(change.path, os.path.join(directory, ".nft-operator-" + name), None if os.path.isdir(directory) else directory)
    try:
        os.makedirs(directory, change.directory_mode, exist_ok=True)
        descriptor = os.open(staged.text, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(change.text)
            file.flush()
            os.fchmod(descriptor, change.mode)
            os.fsync(descriptor)
    except OSError as error:
        unstage([staged])
        raise Failure("WriteFailed", "%s cannot be written: %s; see whether the disk is full or read-only: df -h %s" % (change.path, error.strerror, directory)) from None
    return staged


def unstage(staged: List[Staged]):
    """Drop staged texts, and the folders that were made for them."""
    for one in reversed(staged):
        with contextlib.suppress(OSError):
            if one.text is not None:
                os.unlink(one.text)
        with contextlib.suppress(OSError):
            if one.made is not None:
                os.rmdir(one.made)


def finish(staged: Staged):
    """Put a staged text in its place. Failure WriteFailed."""
    if staged.text is None:
        remove(staged.path)
        return
    try:
        os.replace(staged.text, staged.path)
        _sync(os.path.dirname(staged.path))
    except OSError as error:
        unstage([staged])
        raise Failure("WriteFailed", "%s cannot be replaced: %s" % (staged.path, error.strerror)) from None


def remove(path):
    """Remove a file, if it is there. Failure WriteFailed."""
    try:
        os.unlink(path)
        _sync(os.path.dirname(path))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Failure("WriteFailed", "%s cannot be removed: %s" % (path, error.strerror)) from None


def _sync(directory):
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path, wait, shared=False):
    """Hold the gateway's lock, so that there is one writer at a time.

    Waits up to wait seconds, then Failure Busy. A shared lock is for looking
    only: it makes no file, and where there is none, nobody ever wrote.
    """
    try:
        descriptor = _open_lock(path, shared)
    except OSError as error:
        raise Failure("WriteFailed", "%s cannot be opened: %s" % (path, error.strerror)) from None
    if descriptor is None:
        yield
        return
    try:
        _take(descriptor, path, wait, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path, shared):
    if not shared:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _take(descriptor, path, wait, how):
    def give_up(_signal, _frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        fcntl.flock(descriptor, how)
    except TimeoutError:
        raise Failure("Busy", "another apply has held %s for %s seconds; the next attempt may find it free" % (path, wait)) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

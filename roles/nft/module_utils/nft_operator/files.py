"""Files of the gateway: read, compared, and replaced so that a crash at any
moment leaves the old one or the new one."""

import contextlib
import fcntl
import os
import signal
import tempfile
from typing import NamedTuple, Optional

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
    def lock(self):
        return self.root + "/run/nft-operator/lock"


def read(path) -> Optional[str]:
    """The text of a file, or None where there is none to read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return None


def write(path, text, mode=0o644, directory_mode=0o755):
    """Replace a file atomically. Failure WriteFailed."""
    directory = os.path.dirname(path)
    staged = None
    try:
        os.makedirs(directory, directory_mode, exist_ok=True)
        descriptor, staged = tempfile.mkstemp(prefix=".nft-operator-", dir=directory)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(staged, path)
        staged = None
        _sync(directory)
    except OSError as error:
        raise Failure("WriteFailed", "%s cannot be written: %s; see whether the disk is full or read-only: df -h %s" % (path, error.strerror, directory)) from None
    finally:
        if staged is not None:
            with contextlib.suppress(OSError):
                os.unlink(staged)


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

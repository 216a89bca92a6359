"""Files on the gateway: read with care, written whole or not at all."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import fcntl
import io
import os
import stat
import tempfile
import time

from ansible.module_utils.nft_errors import Refused

MEGABYTE = 1 << 20


def read(path, largest=256 * MEGABYTE):
    """Read a file as text; None where there is none.

    Raises ValueError, with a sentence, for what is no text file of a sane size.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise ValueError("%s cannot be read: %s" % (path, error.strerror))
    try:
        _refuse_odd(path, os.fstat(descriptor), largest)
    except ValueError:
        os.close(descriptor)
        raise
    with io.open(descriptor, "rb") as opened:
        try:
            return opened.read().decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("%s is not UTF-8 text" % path)


def _refuse_odd(path, info, largest):
    if not stat.S_ISREG(info.st_mode):
        raise ValueError("%s is not a file" % path)
    if info.st_size > largest:
        raise ValueError("%s is larger than %d bytes" % (path, largest))


def write(path, text, mode):
    """Write a file so that a reader sees the old or the new one, also after a power cut.

    Raises Refused where that fails; the old file is then still there.
    """
    folder = os.path.dirname(path)
    temporary = None
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        # The name starts with a dot, so that no include pattern of nft meets it.
        descriptor, temporary = tempfile.mkstemp(prefix=".nft-operator-", dir=folder)
        with io.open(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fchmod(opened.fileno(), mode)
            os.fsync(opened.fileno())
        os.rename(temporary, path)
        _sync(folder)
    except (OSError, IOError) as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise Refused("WriteFailed", "%s cannot be written: %s. The kernel is right, but would not be after a reboot" % (path, error.strerror))


def _sync(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path, patience):
    """Let one module at a time work on this host. Raises Refused after so many seconds."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Refused("WriteFailed", "%s cannot be made: %s; nothing was changed" % (path, error.strerror))
    try:
        _await_lock(descriptor, path, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _await_lock(descriptor, path, deadline):
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except (OSError, IOError) as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() > deadline:
            raise Refused("Busy", "another run holds %s; nothing was changed" % path)
        time.sleep(0.05)

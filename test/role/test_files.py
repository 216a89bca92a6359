import errno
import os
import stat
import tempfile
import unittest
from unittest import mock

import role_modules  # noqa: F401  must come first

from ansible.module_utils import nft_files
from ansible.module_utils.nft_errors import Refused


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def put(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)


class Read(InFolder):
    def test_text(self):
        self.assertEqual("über\r\n", nft_files.read(self.put("f", "über\r\n".encode())))

    def test_missing_is_none(self):
        self.assertIsNone(nft_files.read(self.path("f")))

    def test_what_is_no_text_file_is_refused(self):
        os.mkfifo(self.path("fifo"))
        os.mkdir(self.path("folder"))
        os.symlink("loop", self.path("loop"))
        for path, says in [
            (self.path("fifo"), "is not a file"),  # without waiting for a writer
            (self.path("folder"), "is not a file"),
            (self.path("loop"), "cannot be read"),
            ("/dev/zero", "is not a file"),
            (self.put("latin", b"\xfcber"), "is not UTF-8 text"),
            (self.put("huge", b"x" * 11), "is larger than 10 bytes"),
        ]:
            with self.subTest(path):
                with self.assertRaisesRegex(ValueError, says) as caught:
                    nft_files.read(path, 10)
                self.assertIn(path, str(caught.exception))


class Write(InFolder):
    def test_a_new_file_with_its_folders(self):
        path = self.path("a", "b", "f")
        nft_files.write(path, "ü\n", 0o640)
        self.assertEqual("ü\n", nft_files.read(path))
        self.assertEqual(0o640, stat.S_IMODE(os.stat(path).st_mode))

    def test_another_content_and_mode(self):
        path = self.put("f", b"old")
        nft_files.write(path, "new", 0o600)
        self.assertEqual("new", nft_files.read(path))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        self.assertEqual(["f"], os.listdir(self.folder))

    def test_a_link_is_replaced_and_not_followed(self):
        target = self.put("target", b"theirs")
        os.symlink(target, self.path("f"))
        nft_files.write(self.path("f"), "ours", 0o644)
        self.assertEqual("theirs", nft_files.read(target))
        self.assertEqual("ours", nft_files.read(self.path("f")))

    def test_failures_leave_the_old_file_and_nothing_else(self):
        path = self.put("f", b"old")
        for step in "fsync", "fchmod", "rename":
            with self.subTest(step):
                full = OSError(errno.ENOSPC, "No space left on device")
                with mock.patch.object(nft_files.os, step, side_effect=full), self.assertRaises(Refused) as caught:
                    nft_files.write(path, "new", 0o644)
                self.assertEqual("WriteFailed", caught.exception.reason)
                self.assertIn("No space left on device", str(caught.exception))
                self.assertEqual("old", nft_files.read(path))
                self.assertEqual(["f"], os.listdir(self.folder))

    def test_a_file_where_the_folder_should_be(self):
        self.put("f", b"")
        with self.assertRaises(Refused) as caught:
            nft_files.write(self.path("f", "g"), "new", 0o644)
        self.assertEqual("WriteFailed", caught.exception.reason)


class Locked(InFolder):
    def test_one_at_a_time(self):
        path = self.path("run", "lock")
        with nft_files.locked(path, 0):
            with self.assertRaises(Refused) as caught:
                with nft_files.locked(path, 0):
                    self.fail("two hold the lock")
            self.assertEqual("Busy", caught.exception.reason)
        with nft_files.locked(path, 0):
            pass


if __name__ == "__main__":
    unittest.main()

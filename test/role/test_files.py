import contextlib
import errno
import os
import stat
import tempfile
import unittest
from unittest import mock

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import files
from ansible.module_utils.nft_operator.failure import Failure


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


class Write(InFolder):
    def test_a_new_file_with_its_folders(self):
        path = self.path("a", "b", "f")
        files.write(path, "ü\n", 0o640)
        self.assertEqual("ü\n", files.read(path))
        self.assertEqual(0o640, stat.S_IMODE(os.stat(path).st_mode))

    def test_bytes_that_are_not_text_survive(self):
        files.write(self.path("g"), files.read(self.put("f", b"\xfc\r\n\xff")))
        self.assertEqual(files.read(self.path("f")), files.read(self.path("g")))

    def test_a_link_is_replaced_and_not_followed(self):
        target = self.put("target", b"theirs")
        os.symlink(target, self.path("f"))
        files.write(self.path("f"), "ours")
        self.assertEqual(("theirs", "ours"), (files.read(target), files.read(self.path("f"))))

    def test_failures_leave_the_old_file_and_nothing_else(self):
        path = self.put("f", b"old")
        for step in "fsync", "fchmod", "replace":
            with self.subTest(step):
                full = OSError(errno.ENOSPC, "No space left on device")
                with mock.patch.object(files.os, step, side_effect=full), self.assertRaises(Failure) as caught:
                    files.write(path, "new")
                self.assertEqual("WriteFailed", caught.exception.reason)
                self.assertIn("No space left on device", caught.exception.message)
                self.assertEqual("old", files.read(path))
                self.assertEqual(["f"], os.listdir(self.folder))

    def test_a_file_where_the_folder_should_be(self):
        self.put("f", b"")
        with self.assertRaises(Failure) as caught:
            files.write(self.path("f", "g"), "new")
        self.assertEqual("WriteFailed", caught.exception.reason)


class Remove(InFolder):
    def test_there_and_not(self):
        path = self.put("f", b"")
        files.remove(path)
        files.remove(path)
        self.assertEqual([], os.listdir(self.folder))


class Locked(InFolder):
    def test_who_may_be_there_together(self):
        for name, first, second, together in [
            ("two writers", False, False, False),
            ("a reader beside a writer", False, True, False),
            ("a writer beside a reader", True, False, False),
            ("two readers", True, True, True),
        ]:
            with self.subTest(name):
                path = self.put("lock", b"")
                refusal = contextlib.nullcontext() if together else self.assertRaises(Failure)
                with files.locked(path, 0.01, shared=first), refusal as caught, files.locked(path, 0.01, shared=second):
                    pass
                if not together:
                    self.assertEqual("Busy", caught.exception.reason)

    def test_a_reader_makes_nothing(self):
        with files.locked(self.path("run", "lock"), 0, shared=True):
            pass
        self.assertEqual([], os.listdir(self.folder))


if __name__ == "__main__":
    unittest.main()

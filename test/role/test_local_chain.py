import os
import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import intent, local_chain
from test_files import InFolder

SPLICED = intent.Spliced("", before=10, within=4)


class Find(InFolder):
    def test_text(self):
        for content, want in [(b"", ""), (b"a\n", "a\n"), (b"a", "a\n"), (b"\xfc\n", "\udcfc\n")]:
            with self.subTest(content):
                self.assertEqual(local_chain.Found(text=want), local_chain.find(self.put("f", content)))

    def test_none(self):
        self.assertEqual(local_chain.Found(), local_chain.find(self.path("f")))
        self.assertEqual(local_chain.Found(), local_chain.find(self.path("folder", "f")))

    def test_what_is_no_text_file_is_a_problem(self):
        os.mkfifo(self.path("fifo"))
        os.mkdir(self.path("folder"))
        os.symlink(self.put("target", b""), self.path("link"))
        for path, problem in [
            (self.path("fifo"), "not a regular file"),  # without waiting for a writer
            (self.path("folder"), "not a regular file"),
            ("/dev/zero", "not a regular file"),
            (self.path("link"), "symbolic link"),
            (self.path("target", "f"), "cannot be read"),
            (self.put("binary", b"a\0b"), "not a text file"),
            (self.put("huge", b"#" * (local_chain.LIMIT + 1)), "larger than"),
        ]:
            with self.subTest(path):
                found = local_chain.find(path)
                self.assertIsNone(found.text)
                self.assertIn(problem, found.problem)


class Located(unittest.TestCase):
    def test_lines_are_the_administrators(self):
        for said, line, told in [
            ("/dev/stdin:13:2-4: Error: x", 3, local_chain.PATH + ":3:2-4: Error: x"),
            ("/dev/stdin:11:1-1: Error: x\n/dev/stdin:12:1-1: Error: y", 1, local_chain.PATH + ":2:1-1: Error: y"),
            ("/dev/stdin:40:1-1: Error: x", 4, "a brace may be missing"),
            ("netlink: Error: x", 0, "netlink: Error: x"),
        ]:
            with self.subTest(said):
                broken = local_chain._located(said, SPLICED)
                self.assertEqual(line, broken.line)
                self.assertIn(told, broken.message)
                self.assertNotIn("stdin", broken.message)


if __name__ == "__main__":
    unittest.main()

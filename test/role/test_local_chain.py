import os
import tempfile
import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils import nft_local_chain

INITIAL = "chain local-chain {\n}\n"
COMPLAINT = "{path}:3:7-9: Error: syntax error, unexpected foo\n"


class Resolve(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.theirs = os.path.join(folder.name, "theirs.nft")
        self.accepted = os.path.join(folder.name, "accepted.nft")

    def resolve(self, theirs, accepted, complaint):
        """Resolve with these files; None is a missing one."""
        for path, content in (self.theirs, theirs), (self.accepted, accepted):
            if os.path.exists(path):
                os.unlink(path)
            if content is not None:
                with open(path, "wb") as file:
                    file.write(content)
        self.checked = []

        def check(content):
            self.checked.append(content)
            return complaint

        return nft_local_chain.resolve(self.theirs, self.accepted, INITIAL, check)

    def test_table(self):
        says = COMPLAINT.format(path=self.theirs)
        for name, theirs, accepted, complaint, state, content, checked, line in [
            ("missing", None, None, None, "Created", INITIAL, [], 0),
            ("removed by hand", None, b"old", None, "Created", INITIAL, [], 0),
            ("accepted before", b"old", b"old", "never asked", "Accepted", "old", [], 0),
            ("edited", b"new", b"old", None, "Accepted", "new", ["new"], 0),
            ("theirs before ours", b"new", None, None, "Accepted", "new", ["new"], 0),
            ("emptied", b"", b"old", None, "Accepted", "", [""], 0),
            ("broken", b"new", b"old", says, "Broken", "old", ["new"], 3),
            ("broken from the start", b"new", None, says, "Broken", None, ["new"], 3),
            ("broken elsewhere", b"new", b"old", "-:9:1-2: Error: conflict", "Broken", "old", ["new"], 0),
            ("not text", b"\xff", b"old", None, "Broken", "old", [], 0),
            ("accepted copy is not text", b"new", b"\xff", None, "Accepted", "new", ["new"], 0),
        ]:
            with self.subTest(name):
                local = self.resolve(theirs, accepted, complaint)
                self.assertEqual((state, content, line), (local.state, local.content, local.line))
                self.assertEqual(checked, self.checked)
                self.assertEqual(state == "Broken", bool(local.message))


class Stage(unittest.TestCase):
    def test_stands_in_for_the_include(self):
        with nft_local_chain.Stage("/etc/x/local-chain*.nft", "/etc/y/local-chain.nft") as stage:
            script = stage.script('before\n\tinclude "/etc/x/local-chain*.nft"\n', "content")
            self.assertEqual('before\n\tinclude "%s"\n' % stage.path, script)
            with open(stage.path, encoding="utf-8") as staged:
                self.assertEqual("content", staged.read())
            self.assertEqual(COMPLAINT.format(path="/etc/y/local-chain.nft"), stage.told(COMPLAINT.format(path=stage.path)))
            self.assertIsNone(stage.told(None))
        self.assertFalse(os.path.exists(stage.folder))


if __name__ == "__main__":
    unittest.main()

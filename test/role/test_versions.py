import json
import os
import re
import tempfile
import unittest

from role_modules import PROJECT

from ansible.module_utils.nft_operator import files, versions
from ansible.module_utils.nft_operator.failure import Failure


class Kept(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.paths = files.Paths(folder.name)
        self.known = {
            self.paths.state: versions.STATE,
            self.paths.tc_record: versions.TC_RECORD,
            self.paths.rolled_back: versions.ROLLED_BACK,
            self.paths.rolled_back_in_memory: versions.ROLLED_BACK,
            self.paths.fence: versions.FENCE,
            self.paths.pending + "/5c5c/pending.json": versions.PENDING,
        }

    def put(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def told(self):
        try:
            versions.require_known(self.paths)
        except Failure as failure:
            self.assertEqual("NewerState", failure.reason)
            return failure.message
        return ""

    def test_a_bare_gateway_is_for_everybody(self):
        self.assertEqual("", self.told())

    def test_what_is_marked_is_known(self):
        for path, known in self.known.items():
            self.put(path, json.dumps(versions.marked({}, known)))
        self.assertEqual("", self.told())

    def test_each_file_of_a_later_version_is_seen(self):
        for path, known in self.known.items():
            self.put(path, json.dumps({"schema": known + 1, "release": "0.9.0-rc.1"}))
            with self.subTest(path):
                message = self.told()
                for part in (path, "of version %d" % (known + 1), "nft-operator 0.9.0-rc.1", "nft-operator %s knows" % versions.RELEASE, "docs/upgrade.md"):
                    self.assertIn(part, message)
            os.unlink(path)

    def test_a_writer_that_does_not_name_itself_is_a_later_release(self):
        for content in [{}, {"release": 7}, {"release": "a\nb"}, {"release": ""}, {"release": "0.9.0 of " + "x" * 64}]:
            self.put(self.paths.state, json.dumps(dict(content, schema=99)))
            with self.subTest(content):
                self.assertIn("written by a later release, and", self.told())

    def test_what_cannot_be_understood_is_of_no_version(self):
        for text in ["", "{", "[]", "7", "null", '{"schema": "99"}', '{"schema": true}', '{"schema": 1e9}', '{"schema": null}']:
            for path in self.known:
                self.put(path, text)
            with self.subTest(text):
                self.assertEqual("", self.told())


class Release(unittest.TestCase):
    def test_is_that_of_the_makefile(self):
        with open(os.path.join(PROJECT, "Makefile"), encoding="utf-8") as file:
            self.assertEqual(versions.RELEASE, re.search(r"^VERSION := (\S+)$", file.read(), re.MULTILINE).group(1))


if __name__ == "__main__":
    unittest.main()

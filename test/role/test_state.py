import json
import os
import tempfile
import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import fence, files, state, versions
from ansible.module_utils.nft_operator.failure import Failure


class Remembered(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.paths = files.Paths(folder.name)

    def put(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_a_state_is_read_as_it_was_written(self):
        written = state.State(revision="ab", structure="cd", epoch=7, kernel="k", nft="1.0.6", conf="c", accepted="a", boot="b", unit="u", limits="l", limits_file="f", release=versions.RELEASE)
        self.put(self.paths.state, state.written(written))
        self.assertEqual(written, state.read(self.paths))

    def test_hashes_are_compared_only_with_those_of_the_same_release_and_nft(self):
        for release, nft, want in [(versions.RELEASE, "1.0.6", True), ("0.0.9", "1.0.6", False), ("", "1.0.6", False), (versions.RELEASE, "1.0.9", False)]:
            with self.subTest(release=release, nft=nft):
                self.assertEqual(want, state.State(nft=nft, release=release).compared("1.0.6"))

    def test_what_an_older_role_did_not_note_is_empty(self):
        written = state.State(revision="ab", structure="cd", epoch=7, kernel="k", nft="1.0.6", conf="c", accepted="a")
        self.put(self.paths.state, json.dumps(dict({name: value for name, value in written._asdict().items() if value}, schema=2)))
        self.assertEqual(written, state.read(self.paths))

    def test_what_cannot_be_understood_is_no_state(self):
        for text in ["", "{", "[]", "null", '{"schema": 1, "revision": "ab"}', '{"revision": {}}']:
            self.put(self.paths.state, text)
            self.put(self.paths.rolled_back, text)
            with self.subTest(text):
                self.assertEqual(state.State(), state.read(self.paths))
                self.assertIsNone(state.rolled_back(self.paths))

    def test_fence(self):
        for given, epoch, admitted in [((5, 7), 0, True), ((5, 7), 0, True), ((5, 6), 0, False), ((4, 9), 0, False), ((6, 0), 7, False), (None, 9, True), ((7, 0), 7, True)]:
            with self.subTest(given):
                try:
                    fence.admit(self.paths, given, epoch)
                except Failure as failure:
                    self.assertEqual(("StaleWriter", False), (failure.reason, admitted))
                else:
                    self.assertTrue(admitted)

    def test_an_unreadable_fence_lets_in(self):
        self.put(self.paths.fence, "half a l")
        fence.admit(self.paths, (1, 1), 0)


class Digest(unittest.TestCase):
    def test_no_file_is_not_an_empty_file(self):
        self.assertNotEqual(state.digest(None), state.digest(""))


if __name__ == "__main__":
    unittest.main()

import glob
import os
import re
import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import changes, hold, intent

# Beside the variables that they are rendered from; another one is there to be refused.
GOLDENS = [os.path.join(os.path.dirname(path), "nftables.conf") for path in sorted(glob.glob(os.path.join(os.path.dirname(__file__), "testdata", "*", "vars.json")))]


def golden(path):
    with open(path, encoding="utf-8") as file:
        return intent.read(file.read())


class WithOpenings(unittest.TestCase):
    def test_of_itself_is_itself(self):
        self.assertTrue(GOLDENS)
        for path in GOLDENS:
            with self.subTest(path):
                earlier = golden(path)
                held = hold.with_openings(earlier, earlier, "5c" * 32)
                self.assertEqual(earlier.text, held.text)

    def test_openings_are_the_later_ones_and_all_else_the_earlier(self):
        for earlier in map(golden, GOLDENS):
            for later in map(golden, GOLDENS):
                held = hold.with_openings(earlier, later, "ab" * 32)
                without = re.compile("^# Revision .*$", re.MULTILINE)
                self.assertEqual(without.sub("", earlier.structure), without.sub("", held.structure))
                for name, keys in held.elements.items():
                    self.assertEqual((later if name in hold.OPENINGS else earlier).elements[name], keys)
                self.assertIn("# Revision " + "ab" * 32, held.text)


class Guarded(unittest.TestCase):
    def test_table(self):
        one = {"a": None}
        for name, change, want in [
            ("nothing", changes.Changes({}, {}), False),
            ("a Service", changes.Changes({"services4": one}, {"sources6": one, "limited4": one, "service_echo4": one}), False),
            ("management", changes.Changes({}, {"management4": one}), True),
            ("an interface among Services", changes.Changes({"services4": one, "public_interfaces": one}, {}), True),
        ]:
            with self.subTest(name):
                self.assertEqual(want, hold.guarded(change))

    def test_openings_are_sets_of_the_ruleset(self):
        self.assertLessEqual(hold.OPENINGS, set(golden(GOLDENS[0]).elements))


if __name__ == "__main__":
    unittest.main()

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


class Fits(unittest.TestCase):
    def test_openings_of_one_layout_fit(self):
        for earlier in map(golden, GOLDENS):
            for later in map(golden, GOLDENS):
                self.assertTrue(hold.fits(earlier, later))

    def test_a_set_that_says_for_whom_must_be_there(self):
        whole = golden(GOLDENS[0])
        for name in sorted(hold.OPENINGS):
            fewer = whole._replace(elements={other: keys for other, keys in whole.elements.items() if other != name})
            with self.subTest(name):
                self.assertFalse(hold.fits(fewer, whole))
                self.assertFalse(hold.fits(whole, fewer))


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


class Closings(unittest.TestCase):
    def test_table(self):
        door, source, other = "203.0.113.10 . tcp . 80", "203.0.113.10 . tcp . 80 . 198.51.100.0/25", "203.0.113.10 . tcp . 80 . 192.0.2.0/24"
        ours, theirs = {door: "shop/web"}, {door: "shop/other"}
        of_all = {"services4": ours}
        of_some = {"services4": ours, "limited4": ours, "sources4": {source: "shop/web"}}
        of_others = dict(of_some, sources4={other: "shop/web"})
        nothing = {"services4": {}, "limited4": {}, "sources4": {}, "service_echo4": {}}
        for name, before, after, want in [
            ("open for all", {}, of_all, {}),
            ("open for some", {}, of_some, {}),
            ("closed for all", of_all, {}, {}),
            ("closed for some", of_some, {}, {}),
            ("narrowed", of_all, of_some, of_some),
            ("widened", of_some, of_all, of_some),
            ("other sources", of_some, of_others, {"services4": ours, "limited4": ours}),
            ("of another Service", of_all, {"services4": theirs}, of_all),
            ("of another Service, for some", of_all, {"services4": theirs, "limited4": theirs, "sources4": {source: "shop/other"}},
             {"services4": ours, "limited4": theirs, "sources4": {source: "shop/other"}}),
            ("no answer to a ping", dict(of_all, service_echo4={"203.0.113.10": None}), of_all, of_all),
            ("of the gateway itself", {"management4": {"192.0.2.1": None}}, {"management4": {}}, {"management4": {"192.0.2.1": None}}),
        ]:
            with self.subTest(name):
                before, after, want = ({**nothing, "management4": {}, **given} for given in (before, after, want))
                closing = hold.closings(changes.between(before, after))
                left = {name: {key: comment for key, comment in keys.items() if key not in closing.deleted.get(name, {})} for name, keys in before.items()}
                for name, keys in closing.added.items():
                    left[name].update(keys)
                self.assertEqual(want, left)


if __name__ == "__main__":
    unittest.main()

import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import intent, opened
from ansible.module_utils.nft_operator.changes import Changes, between
from ansible.module_utils.nft_operator.failure import Failure

WEB, API = "203.0.113.10 . tcp . 443", "203.0.113.11 . tcp . 8443"


def ruleset(revision="5c", rule="accept", **sets):
    """A ruleset of sets with these element lines, as the template writes it."""
    lines = ["# Revision %s" % revision, "table inet nft_operator {"]
    for name, elements in sets.items():
        lines += ["\tset %s {" % name, "\t\ttype t"]
        if elements:
            lines += ["\t\telements = {"] + ["\t\t\t%s," % element for element in elements] + ["\t\t}"]
        lines += ["\t}", ""]
    return "\n".join(lines + ['\tinclude "/etc/nft-operator/local-chain.nf[t]"', "\tchain c {", "\t\t" + rule, "\t}", "}", ""])


class Between(unittest.TestCase):
    def test_is_what_differs_when_both_are_taken_apart(self):
        few = [WEB + ' comment "shop/web"']
        many = few + [API + ' comment "shop/api"', '2001:db8::1 . udp . 53 comment "shop/dns"']
        for before, after in [(few, few), (few, many), (many, few), ([], many), (many, []), ([WEB], few), (few, [WEB + ' comment "shop/other"'])]:
            with self.subTest(before=before, after=after):
                old, new = ruleset("5c", services4=before, limited4=[WEB]), ruleset("3d", services4=after, limited4=[WEB])
                wanted = between(intent.read(old).elements, intent.read(new).elements)
                self.assertEqual(wanted, opened.between(old, new, ("5c", "3d")))
                self.assertEqual(before == after, wanted == Changes({}, {}))

    def test_elements_stay_with_their_set(self):
        found = opened.between(ruleset(services4=[WEB], limited4=[]), ruleset(services4=[], limited4=[WEB]), ("5c", "5c"))
        self.assertEqual(({"services4": {WEB: None}}, {"limited4": {WEB: None}}), found)

    def test_anything_else_is_not_for_it(self):
        for name, after in [
            ("another rule", ruleset(rule="drop", services4=[WEB])),
            ("another revision than it is told", ruleset("3e", services4=[WEB])),
            ("another set", ruleset(services4=[WEB], more4=[])),
            ("an element twice", ruleset(services4=[WEB, WEB])),
            ("an element under two comments", ruleset(services4=[WEB + ' comment "shop/web"', WEB + ' comment "shop/api"'])),
            ("an element with and without a comment", ruleset(services4=[WEB, WEB + ' comment "shop/api"'])),
        ]:
            with self.subTest(name):
                self.assertIsNone(opened.between(ruleset(services4=[WEB]), after, ("5c", "5c")))

    def test_a_line_that_is_no_element_is_refused(self):
        for line in ["", "203.0.113.10; drop", API + ' comment "a\\"b"', API + " }", "}"]:
            with self.subTest(line), self.assertRaises(Failure):
                opened.between(ruleset(services4=[WEB]), ruleset(services4=[WEB, line]), ("5c", "5c"))


if __name__ == "__main__":
    unittest.main()

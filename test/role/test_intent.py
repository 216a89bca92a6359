import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import intent
from ansible.module_utils.nft_operator.failure import Failure

WEB = "203.0.113.10 . tcp . 80"
INCLUDE = '\tinclude "/etc/nft-operator/local-chain*.nft"'


def ruleset(name, *lines):
    """A ruleset of one set with these element lines, as the template writes it."""
    return "\n".join(
        ["table inet nft_operator {", "\tset %s {" % name, "\t\ttype t", "\t\telements = {"]
        + ["\t\t\t%s," % line for line in lines] + ["\t\t}", "\t}", INCLUDE, "}", ""])


class Read(unittest.TestCase):
    def test_forms(self):
        for name, line, key, value in [
            ("management4", "192.0.2.0/24", "192.0.2.0/24", None),
            ("management6", "2001:db8::/32", "2001:db8::/32", None),
            ("public_interfaces", '"bond0.100"', '"bond0.100"', None),
            ("services4", WEB + ' comment "shop/web"', WEB, "shop/web"),
            ("sources4", WEB + ' . 198.51.100.0/24 comment "shop/web"', WEB + " . 198.51.100.0/24", "shop/web"),
            ("rates4", WEB + ' : "rate-shop/web.tcp.80"', WEB, ': "rate-shop/web.tcp.80"'),
            ("ingress_rates", '"0_Wan@if2" : "ingress-0_Wan/at/if2"', '"0_Wan@if2"', ': "ingress-0_Wan/at/if2"'),
        ]:
            with self.subTest(line):
                read = intent.read(ruleset(name, line))
                self.assertEqual({name: {key: value}}, read.elements)
                self.assertIn("\tset %s {\n\t\ttype t\n\t}" % name, read.structure)

    def test_sets_without_elements_and_counters_are_known(self):
        read = intent.read("\tset empty4 {\n\t\ttype ipv4_addr\n\t}\n\tcounter no_service { }\n\tcounter other {\n\t}\n" + INCLUDE)
        self.assertEqual(({"empty4": {}}, ["other"]), (read.elements, [c for c in read.counters if c == "other"]))

    def test_what_packets_fill_is_not_ours(self):
        text = "\tset %s {\n\t\ttype ipv4_addr\n\t\tflags %s\n\t}\n"
        read = intent.taken_apart(text % ("management4", "interval") + text % ("drops4", "dynamic,timeout") + text % ("per_source4-shop/web", "dynamic"))
        self.assertEqual({"management4": {}}, read.elements)

    def test_hostile_lines_are_refused(self):
        for line in [
            '"eth0"; drop',
            '"a"b"',
            '"eth0" : "ingress-eth0" ; drop',
            '"eth0" : "ingress-eth0" : "b"',
            '"eth0" : jump ingress-Eth0',
            "192.0.2.1; flush ruleset",
            "192.0.2.1 } ; chain input { policy accept",
            "$variable",
            WEB + ' comment "a" b"',
            WEB + ' comment "a\\"',
            WEB + ' comment "shop/web" : drop',
            WEB + ' comment "shop/web", 192.0.2.9 . tcp . 22',
            "{{ lookup('pipe', 'id') }}",
            "",
            "#",
        ]:
            with self.subTest(line), self.assertRaises(Failure) as caught:
                intent.read(ruleset("services4", line))
            self.assertEqual("InvalidVars", caught.exception.reason)

    def test_what_is_not_whole_is_refused(self):
        whole = ruleset("services4", WEB)
        for name, text in [
            ("one element twice", ruleset("services4", WEB + ' comment "a/b"', WEB + ' comment "c/d"')),
            ("cut short", whole[:whole.index("\t\t}")]),
            ("no include", whole.replace(INCLUDE, "")),
            ("two includes", whole + INCLUDE),
            ("nothing", ""),
        ]:
            with self.subTest(name), self.assertRaises(Failure) as caught:
                intent.read(text)
            self.assertEqual("InvalidVars", caught.exception.reason)


class WithLocalChain(unittest.TestCase):
    def test_takes_the_place_of_the_include(self):
        spliced = intent.with_local_chain("one\ntwo\n%s\nthree\n" % INCLUDE, "theirs\nmore\n")
        self.assertEqual(("one\ntwo\ntheirs\nmore\nthree\n", 2, 2), spliced)

    def test_back_references_of_regular_expressions_are_text(self):
        self.assertEqual("\\1 \\g<0>\n", intent.with_local_chain(INCLUDE + "\n", "\\1 \\g<0>\n").text)


if __name__ == "__main__":
    unittest.main()

import unittest

import role_modules  # noqa: F401  must come first

from ansible.module_utils.nft_operator import changes

WEB, API, PLAIN = "shop/web", "shop/api", None


class Between(unittest.TestCase):
    def test_table(self):
        for name, held, wanted, deleted, added in [
            ("equal", {"s": {"a": WEB}}, {"s": {"a": WEB}}, {}, {}),
            ("added", {}, {"s": {"a": WEB}}, {}, {"s": {"a": WEB}}),
            ("deleted", {"s": {"a": WEB}}, {"s": {}}, {"s": {"a": WEB}}, {}),
            ("another comment", {"s": {"a": WEB}}, {"s": {"a": API}}, {"s": {"a": WEB}}, {"s": {"a": API}}),
            ("a comment more", {"s": {"a": PLAIN}}, {"s": {"a": WEB}}, {"s": {"a": PLAIN}}, {"s": {"a": WEB}}),
            ("a set that is not filled from the text", {"t": {"a": WEB}}, {"s": {}}, {}, {}),
            ("another spelling", {"s": {"2001:db8:0:0::1 . tcp . 80": WEB}}, {"s": {"2001:db8::1 . tcp . 80": WEB}}, {}, {}),
            ("another spelling of a mapped address", {"s": {"::ffff:192.0.2.1": PLAIN}}, {"s": {"::ffff:c000:201": PLAIN}}, {}, {}),
            ("another spelling and comment", {"s": {"2001:db8:0::1": WEB}}, {"s": {"2001:db8::1": API}},
             {"s": {"2001:db8:0::1": WEB}}, {"s": {"2001:db8::1": API}}),
        ]:
            with self.subTest(name):
                self.assertEqual((deleted, added), changes.between(held, wanted))

    def test_counts(self):
        change = changes.between({"s": {"a": WEB, "b": WEB}, "t": {"c": PLAIN}}, {"s": {"d": WEB}, "t": {}})
        self.assertEqual((3, 1), (change.deletions, change.additions))


class Script(unittest.TestCase):
    def test_deletions_come_first(self):
        self.assertEqual(
            "delete element inet nft_operator services4 {\n\ta . tcp . 1,\n}\n"
            "add element inet nft_operator services4 {\n"
            '\ta . tcp . 1 comment "shop/api",\n\tb . tcp . 2 comment "shop/web",\n}\n',
            changes.script(changes.Changes({"services4": {"a . tcp . 1": WEB}}, {"services4": {"a . tcp . 1": API, "b . tcp . 2": WEB}})))


if __name__ == "__main__":
    unittest.main()

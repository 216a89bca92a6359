"""Lines for tc: the numbers in them, and what changes between two lists."""

import unittest

import role_modules  # noqa: F401  pylint: disable=unused-import
from ansible.module_utils.nft_operator import tc_lines
from ansible.module_utils.nft_operator.failure import Failure

WEB = "actions add action police index 20038<bucket:05d shop/web> rate 8bit"
API = "actions add action police index 20038<bucket:05d shop/api> rate 8bit"
WEB_FILTER = "filter add dev <public> ingress protocol ip pref 20038 handle <ipv4:d 203.0.113.10.tcp.443> flower dst_port 443 action police index 20038<bucket:05d shop/web>"
CLASS = "class add dev nftop-shape parent 1: classid 1:<bucket:x shop/web> htb rate 8bit"
QUEUE = "qdisc add dev nftop-shape parent 1:<bucket:x shop/web> handle <bucket:x shop/web>: bfifo limit 1b"


def lines(*texts, before=None):
    return tc_lines.numbered("\n".join(texts), before or {})


class NumbersTest(unittest.TestCase):
    def test_first(self):
        got, numbers = lines(API, WEB, WEB_FILTER)
        self.assertEqual(got[0], "actions add action police index 2003800002 rate 8bit")
        self.assertEqual(got[2].split(" handle ")[1], "1 flower dst_port 443 action police index 2003800003")
        self.assertEqual(numbers, {"bucket": {"shop/api": 2, "shop/web": 3}, "ipv4": {"203.0.113.10.tcp.443": 1}})

    def test_stay(self):
        _, before = lines(API, WEB)
        _, one = lines(WEB, before=before)
        self.assertEqual(one, {"bucket": {"shop/web": 3}})
        _, again = lines(API.replace("api", "new"), WEB, API, before=one)
        self.assertEqual(again, {"bucket": {"shop/web": 3, "shop/new": 2, "shop/api": 4}})

    def test_hexadecimal(self):
        got, _ = lines(CLASS, before={"bucket": {"shop/web": 255}})
        self.assertIn("classid 1:ff htb", got[0])

    def test_no_more_numbers(self):
        with self.assertRaises(Failure) as caught:
            lines(*("<406.0a:x %d>" % number for number in range(4095)))
        self.assertEqual(caught.exception.reason, "LimitsUnsupported")


class BetweenTest(unittest.TestCase):
    def between(self, before, after):
        old, numbers = lines(*before)
        new, _ = lines(*after, before=numbers)
        return tc_lines.between(tc_lines.on(old, ["eth0"]), tc_lines.on(new, ["eth0"]))

    def test_nothing(self):
        self.assertEqual(self.between([WEB, WEB_FILTER], [WEB, WEB_FILTER]), [])

    def test_a_bucket_comes_before_what_leads_to_it(self):
        self.assertEqual([line.split()[0] for line in self.between([], [WEB, WEB_FILTER])], ["actions", "filter"])

    def test_a_bucket_goes_after_what_leads_to_it(self):
        self.assertEqual(self.between([WEB, WEB_FILTER], []), [
            "filter delete dev eth0 ingress protocol ip pref 20038 handle 1 flower", "actions delete action police index 2003800002"])

    def test_another_rate_leaves_the_rest_alone(self):
        self.assertEqual(self.between([WEB, API, WEB_FILTER], [WEB.replace("8bit", "9bit"), API, WEB_FILTER]), ["actions replace action police index 2003800002 rate 9bit"])

    def test_another_bucket(self):
        self.assertEqual([line.split()[:2] for line in self.between([WEB, WEB_FILTER], [API, WEB_FILTER.replace("web", "api")])], [
            ["filter", "delete"], ["actions", "add"], ["filter", "add"], ["actions", "delete"]])

    def test_a_queue_goes_with_its_class(self):
        self.assertEqual(self.between([CLASS, QUEUE], []), ["class delete dev nftop-shape parent 1: classid 1:2"])
        self.assertEqual(self.between([CLASS, QUEUE], [CLASS.replace("8bit", "9bit"), QUEUE]), ["class change dev nftop-shape parent 1: classid 1:2 htb rate 9bit"])


class TextTest(unittest.TestCase):
    def test_addresses_of_the_gateway_itself_are_left_out(self):
        text = "\n".join([WEB, WEB_FILTER])
        self.assertEqual(tc_lines.without(text, {"203.0.113.10"}), WEB)
        self.assertEqual(tc_lines.without(text, {"203.0.113.1", "shop/web"}), text)

    def test_each_interface(self):
        self.assertEqual(tc_lines.on(["a", "b <public>"], ["eth0", "eth1"]), ["a", "b eth0", "b eth1"])

    def test_what_is_no_line(self):
        with self.assertRaises(Failure):
            tc_lines.taken_apart(["filter del dev eth0 ingress"])


if __name__ == "__main__":
    unittest.main()

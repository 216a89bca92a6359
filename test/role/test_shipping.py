import json
import os
import subprocess
import sys
import tempfile
import unittest

from role_modules import action_plugin

from ansible.module_utils.nft_operator import files

shipping = action_plugin.shipping

HOSTILE = ["'; raise SystemExit(7) #", '"""', "\\", "\\'", "\n", "{{ x }}", "\u2028é", "x" * 5000, "'\n" * 2000]


class Program(unittest.TestCase):
    def run_program(self, name, params, *options):
        return subprocess.run([sys.executable, *options], input=shipping.program(name, params).encode("utf-8"), capture_output=True, check=False)

    def test_no_text_gets_out_of_its_place(self):
        for text in HOSTILE:
            with self.subTest(text[:20]):
                program = shipping.program("echo", {"text": text, "other": 5})
                program = program.replace("\nmain(", "\ndef main(name, params, texts, *_):\n    for key, packed in texts.items():\n"
                                          "        params[key] = zlib.decompress(a2b_base64(packed)).decode('utf-8')\n    print(json.dumps(params))\nmain(")
                answer = subprocess.run([sys.executable, "-I"], input=program.encode("utf-8"), capture_output=True, check=True)
                self.assertEqual({"text": text, "other": 5}, json.loads(answer.stdout))

    def test_nothing_is_imported_from_the_folder_where_a_login_begins(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "zlib.py"), "w", encoding="utf-8") as file:
                file.write("raise SystemExit(7)\n")
            with open(os.path.join(folder, "json.py"), "w", encoding="utf-8") as file:
                file.write("raise SystemExit(7)\n")
            answer = subprocess.run([sys.executable], input=shipping.program("nothing", {}).encode("utf-8"), capture_output=True, cwd=folder, check=False)
            self.assertIn(b"KeyError: 'nothing'", answer.stderr)


    def test_code_is_kept_where_the_role_looks_for_it(self):
        self.assertEqual(files.Paths().code, shipping.KEPT)


class Answer(unittest.TestCase):
    def told(self, stdout, stderr="", status=0):
        return shipping.answer({"stdout": stdout, "stderr": stderr, "rc": status})

    def test_the_last_line_that_is_json_counts(self):
        self.assertEqual({"changed": False}, self.told('Welcome to {gw1}\n{"changed": false}\n'))

    def test_what_means_something_to_ansible_is_left_out(self):
        told = '{"changed": true, "add_host": {"host_name": "gw2"}, "ansible_facts": {}, "_ansible_notify": ["x"], "revision": "5c"}'
        self.assertEqual({"changed": True, "revision": "5c"}, self.told(told))

    def test_an_answer_that_is_no_json_of_others_is_none(self):
        for stdout in ['{"changed": NaN}', '{"seconds": {"module": Infinity}}', '{"drift": ' + "[" * 100000]:
            with self.subTest(stdout[:40]):
                self.assertTrue(self.told(stdout)["failed"])

    def test_an_end_without_an_answer_is_a_failure_with_what_was_said(self):
        for stdout in ["", "{", '{"changed": fal', "[1]"]:
            with self.subTest(stdout):
                found = self.told(stdout, "/bin/sh: 1: /usr/bin/python3: not found", 127)
                self.assertEqual((True, 127, "/bin/sh: 1: /usr/bin/python3: not found"), (found["failed"], found["rc"], found["module_stderr"]))


if __name__ == "__main__":
    unittest.main()

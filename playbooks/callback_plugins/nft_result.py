"""Writes what each host answered as one JSON line to a file, for the operator.

Ansible's own output is for people. The operator names the file in the
environment variable NFT_OPERATOR_RESULTS; by hand, nothing is written.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = """
    name: nft_result
    type: notification
    short_description: Write the result of each host as a JSON line
    description:
      - Writes one line for each host and result to the file that the
        environment variable NFT_OPERATOR_RESULTS names.
"""

import json
import os

from ansible.plugins.callback import CallbackBase

# What a result may hold besides: it is not the operator's business, and large.
LEFT_OUT = ("diff", "invocation", "exception", "_ansible_verbose_always")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "nft_result"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *args, **kwargs):
        super(CallbackModule, self).__init__(*args, **kwargs)
        self.path = os.environ.get("NFT_OPERATOR_RESULTS")
        self.disabled = not self.path

    def v2_runner_on_ok(self, result, **kwargs):
        if result._task.action in ("nft_ruleset", "nft_removal"):
            self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False, **kwargs):
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result, **kwargs):
        self._write("unreachable", result)

    def _write(self, status, result):
        answer = {k: v for k, v in result._result.items() if k not in LEFT_OUT}
        line = json.dumps({"host": result._host.get_name(), "status": status, "result": answer}, default=str)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a") as results:
            results.write(line + "\n")

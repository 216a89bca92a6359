"""Makes the program that a gateway runs, and reads its answer.

Ansible's own way to ship a module takes four times as long as the work of most
runs: it packs a part of Ansible for each, which the gateway compiles anew each
time. docs/design/speed-on-the-gateway.md has the figures.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import hashlib
import json
import marshal
import os
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ROLE = os.path.dirname(HERE)
PYTHON = "/usr/bin/python3"
KEPT = "/run/nft-operator/code"
LONG = 1024  # characters; a shorter text is not worth packing
# What the README lists.
ANSWERED = {
    "action", "backup", "boot", "changed", "diff", "drift", "drops", "elements", "failed", "held", "limits", "local_chain", "msg", "pending", "reason",
    "revision", "rolled_back", "seconds", "structure", "versions",
}
_PACKAGE = "ansible.module_utils.nft_operator"


def _refuse(constant):
    raise ValueError(constant)


def _read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def _archive():
    """The role's modules, packed, and a hash of them."""
    folder = os.path.join(ROLE, "module_utils", "nft_operator")
    sources = {"ansible": "", "ansible.module_utils": "", _PACKAGE: ""}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name != "__init__.py":
            sources["%s.%s" % (_PACKAGE, name[:-3])] = _read(folder, name)
    packed = zlib.compress(marshal.dumps(sources, 2))
    return hashlib.sha256(packed).hexdigest(), base64.b64encode(packed).decode("ascii")


# Once for all hosts of a run: Ansible imports plugins before it forks.
LOADER = _read(HERE, "loader.py")
DIGEST, ARCHIVE = _archive()


def program(name, params):
    """The text of a program that does what is asked for by name."""
    texts = {key: value for key, value in params.items() if isinstance(value, str) and len(value) > LONG}
    packed = {key: base64.b64encode(zlib.compress(text.encode("utf-8"), 1)).decode("ascii") for key, text in texts.items()}
    short = json.dumps({key: value for key, value in params.items() if key not in texts})
    # repr of a JSON text and of letters and digits: nothing in it can end the literal.
    return "%s\nimport json\nmain(%r, json.loads(%r), %r, %r, %r, %r)\n" % (LOADER, name, short, packed, DIGEST, ARCHIVE, KEPT)


def answer(result):
    """What the program answered, by the result of the command that ran it. It is of
    another machine, which may answer what it likes: nothing passes that could mean
    something to Ansible, such as add_host, or to nobody, such as not-a-number."""
    for line in reversed(result["stdout"].splitlines()):
        if line.startswith("{"):
            try:
                told = json.loads(line, parse_constant=_refuse)
            except (ValueError, RecursionError):
                break
            return {key: value for key, value in told.items() if key in ANSWERED}
    return {
        "failed": True, "rc": result["rc"], "module_stdout": result["stdout"], "module_stderr": result["stderr"],
        "msg": "MODULE FAILURE: the program on the gateway ended without an answer; see its output"}

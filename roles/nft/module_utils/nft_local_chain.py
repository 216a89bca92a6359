"""The administrator's local-chain.nft: taken up when nft accepts it, else reported."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
import shutil
import tempfile

from ansible.module_utils import nft_files


class LocalChain(object):
    """What of the administrator's file is in force.

    state is Accepted, Created or Broken; content is the text in force, None
    where there is none; message and line are nft's where it is Broken.
    """

    def __init__(self, state, content, message="", line=0):
        self.state, self.content, self.message, self.line = state, content, message, line

    def result(self):
        return {"state": self.state, "message": self.message, "line": self.line}


def resolve(administrators, accepted, initial, check):
    """Decide which local chain is in force.

    administrators and accepted are paths, initial is the text of a new file.
    check(content) returns nft's complaint about the whole ruleset with that
    content, or None.
    """
    in_force = _quietly(accepted)
    try:
        wanted = nft_files.read(administrators, nft_files.MEGABYTE)
    except ValueError as error:
        return LocalChain("Broken", in_force, str(error))
    if wanted is None:
        return LocalChain("Created", initial)
    if wanted == in_force:
        return LocalChain("Accepted", wanted)
    complaint = check(wanted)
    if complaint is None:
        return LocalChain("Accepted", wanted)
    line = re.search(re.escape(administrators) + r":(\d+):", complaint)
    return LocalChain("Broken", in_force, complaint, int(line.group(1)) if line else 0)


def _quietly(path):
    try:
        return nft_files.read(path)
    except ValueError:
        return None


class Stage(object):
    """A private folder in which a local chain stands in for the accepted one.

    script(text, content) gives the ruleset with that content included.
    """

    def __init__(self, include, administrators):
        self.include, self.administrators = include, administrators

    def __enter__(self):
        parent = "/run" if os.path.isdir("/run") else None
        self.folder = tempfile.mkdtemp(prefix="nft-operator-", dir=parent)
        self.path = os.path.join(self.folder, "local-chain.nft")
        return self

    def __exit__(self, *_error):
        shutil.rmtree(self.folder, ignore_errors=True)

    def script(self, text, content):
        with open(self.path, "w", encoding="utf-8") as staged:
            staged.write(content or "")
        return text.replace('include "%s"' % self.include, 'include "%s"' % self.path)

    def told(self, complaint):
        """Name the administrator's file where nft names the staged one."""
        return complaint and complaint.replace(self.path, self.administrators)

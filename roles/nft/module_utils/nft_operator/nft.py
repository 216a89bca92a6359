"""Running the host's own nft, in the host's network namespace or in a scratch one."""

import json
import os
import re

from ansible.module_utils.nft_operator.failure import Failure

TIMEOUT = 60  # seconds; loading 10,000 elements takes a fraction of one
_CLONE_NEWNET = 0x40000000


class Rejected(Exception):
    """nft refused a text. The text is nft's own."""


# Protocols as numbers: nft reads /etc/protocols for the name of every single
# one, which takes a third of the time of listing 10,000 elements.
_LIST_ELEMENTS = ("--json", "--numeric-protocol", "list")
_LIST = ("--json", "--numeric-protocol", "--terse", "list")

# Of sets whose elements packets add and time takes away.
SELF_CHANGING_FLAGS = {"dynamic", "timeout"}


class Nft:
    """The nft program at a path. Every text goes by standard input, and no shell is involved."""

    def __init__(self, path, name="nft_operator"):
        self.path = path
        # Of the table of family inet that is asked about.
        self.name = name
        self._version = None

    def version(self):
        """The version, for example "1.0.6"."""
        if self._version is None:
            self._version = self._asked_version()
        return self._version

    def _asked_version(self):
        answer = self._run("--version")
        found = re.search(r"\bv?([0-9]+\.[0-9]+(?:\.[0-9]+)?)\b", answer.stdout)
        if answer.returncode or found is None:
            raise Failure("NftMissing", "%s --version does not answer: %s" % (self.path, said(answer)))
        return found.group(1)

    def check(self, text):
        """Let kernel and nft check a text without loading it; Rejected if they refuse."""
        answer = self._run("--check", "--file", "-", text=text)
        if answer.returncode:
            raise Rejected(said(answer))

    def load(self, text):
        """Load a text in one transaction; Rejected if nft says that it failed.

        Neither outcome is proof: nft can fail after the kernel took the
        transaction. Read back.
        """
        answer = self._run("--file", "-", text=text)
        if answer.returncode:
            raise Rejected(said(answer))

    def table(self, filled=None):
        """The objects of our table, or None where there is no such table.

        Elements come set by set, and not those of sets that packets fill: a
        port scan fills them with tens of thousands, which would make every run
        slow. nft fetches the elements of all sets for any other listing but the
        terse one of the ruleset. Where filled is given, only the elements of
        these sets and maps come: nft 1.0.6 does not tell of every set that
        packets fill.
        """
        ours = [entry for entry in self._listed("ruleset", "inet") if self._is_ours(entry)]
        for entry in ours:
            for kind in ("set", "map"):
                if kind not in entry or filled is not None and entry[kind]["name"] not in filled:
                    continue
                if not SELF_CHANGING_FLAGS.intersection(entry[kind].get("flags") or ()):
                    entry[kind].update(self._elements(kind, entry[kind]["name"]))
        return ours or None

    def ruleset(self):
        """The objects of all tables, with the elements of ours."""
        others = [entry for entry in self._listed("ruleset") if not self._is_ours(entry)]
        return others + (self.table() or [])

    def _listed(self, *what):
        answer = self._run(*_LIST, *what)
        if answer.returncode:
            raise Failure("Unsupported", "nft cannot list the ruleset: %s" % said(answer))
        return _objects(answer)

    def _elements(self, kind, name):
        answer = self._run(*_LIST_ELEMENTS, kind, "inet", self.name, name)
        if answer.returncode:
            raise Failure("Unsupported", "nft cannot list %s %s: %s" % (kind, name, said(answer)))
        return {key: body[key] for entry in _objects(answer) for body in entry.values() for key in ("elem",) if key in body}

    def text(self, stateless, without=()):
        """Our table in nft's language, as a text that loads: without counts where
        stateless, without the elements of the sets named, and without those that
        packets add, which come again."""
        flags = ["--numeric-protocol"] + (["--stateless"] if stateless else [])
        sets = [
            (kind, entry[kind]["name"])
            for entry in self._listed("ruleset", "inet") if self._is_ours(entry) for kind in ("set", "map")
            if kind in entry and entry[kind]["name"] not in without and not SELF_CHANGING_FLAGS.intersection(entry[kind].get("flags") or ())]
        # Not all sets in one call: nft 1.0.6 then finds none of them.
        answers = [self._run(*flags, "--terse", "list", "table", "inet", self.name)]
        answers += [self._run(*flags, "list", kind, "inet", self.name, name) for kind, name in sets]
        for answer in answers:
            if answer.returncode:
                raise Failure("Unsupported", "nft cannot list the ruleset: %s" % said(answer))
        table, rest = answers[0].stdout, [answer.stdout for answer in answers[1:]]
        # A table that sleeps would be woken by the next block that names it without saying so.
        opening = re.match(r"table inet [a-z_]+ \{\n(?:\tflags .*\n)?", table).group(0)
        return table + "".join(opening + text.partition("\n")[2] for text in rest)

    def readable_structure(self):
        """Our table without elements and counts, for people."""
        return self._run("--stateless", "--terse", "list", "table", "inet", self.name).stdout

    def _is_ours(self, entry):
        for kind, body in entry.items():
            name = body.get("name") if kind == "table" else body.get("table")
            return body.get("family") == "inet" and name == self.name
        return False

    def _run(self, *arguments, text=None):
        import subprocess  # pylint: disable=import-outside-toplevel  # most runs start no program
        try:
            return subprocess.run(
                [self.path] + list(arguments),
                input="" if text is None else text,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT,
                check=False,
                encoding="utf-8",
                errors="surrogateescape",
                env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            )
        except subprocess.TimeoutExpired:
            raise Failure("Busy", "nft %s did not end within %d seconds; see what holds it: ps -C nft" % (" ".join(arguments), TIMEOUT)) from None
        except OSError as error:
            raise Failure("NftMissing", "%s cannot be run: %s" % (self.path, error.strerror)) from None


def in_scratch_namespace(work):
    """Call work in an empty network namespace and return its result.

    The namespace belongs to one thread, whose child processes inherit it, and
    ends with it. The kernel there has no tables, and only the interface lo.
    """
    import ctypes  # pylint: disable=import-outside-toplevel  # with the next, for runs that look
    import threading  # pylint: disable=import-outside-toplevel
    outcome = {}

    def run():
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
                raise Failure("Unsupported", "a network namespace for checking rulesets cannot be made: %s" % os.strerror(ctypes.get_errno()))
            outcome["result"] = work()
        except BaseException as error:  # pylint: disable=broad-except  # raised again in the caller's thread
            outcome["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


def said(answer, limit=1000):
    """What a program said, cut to a bounded length."""
    text = (answer.stderr or answer.stdout).strip() or "exit status %d" % answer.returncode
    return printable(text if len(text) <= limit else text[:limit] + " …")


def printable(text):
    """The text with everything replaced that a terminal or JSON would stumble over."""
    return "".join(c if c in "\n\t" or c.isprintable() else "?" for c in text)


def _objects(answer):
    try:
        return json.loads(answer.stdout)["nftables"]
    except (ValueError, KeyError, TypeError):
        raise Failure("Unsupported", "nft's JSON listing cannot be read; is this nft built with JSON support? %.200s" % said(answer)) from None

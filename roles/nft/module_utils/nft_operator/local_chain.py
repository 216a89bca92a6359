"""The administrator's local chain: taken into the ruleset only after it was
loaded, for trial, into an empty kernel namespace.

That is the situation at boot, when nothing but lo may exist: what loads there,
loads at boot. nft -c on the running gateway would not tell.
"""

import errno
import json
import os
import re
import stat
from typing import Any, Dict, NamedTuple, Optional

from ansible.module_utils.nft_operator import intent as intents
from ansible.module_utils.nft_operator import listing, nft
from ansible.module_utils.nft_operator.failure import Failure

PATH = "/etc/nftables.d/local-chain.nft"  # as people know it
LIMIT = 1 << 20  # bytes; a file of that size was not written by hand

_ERROR = re.compile(r"^/dev/stdin:(?=\d)", re.MULTILINE)  # before each of nft's errors
_LINE = re.compile(r"(\d+):(.*)", re.DOTALL)
_HOOK = re.compile(r'"hook": "([a-z]+)"')  # in the declaration of a base chain


class Found(NamedTuple):
    """A file in the place of the local chain. Neither text nor problem: there is none."""

    text: Optional[str] = None
    problem: Optional[str] = None


class Verdict(NamedTuple):
    """What became of the administrator's file, and what is in force."""

    state: str  # Accepted, Created or Broken
    message: str
    line: int
    # The text in force; empty: none.
    text: str
    # The structure of the intent with it, see listing.py.
    structure: Dict[str, Any]

    def drops_all(self) -> bool:
        """Whether a rule in force drops every packet that comes to it: what the
        administrator did not accept before it reaches no Service."""
        for rule in self.structure.get("chain local-chain", {}).get("rules", ()):
            kinds = {kind for statement in json.loads(rule)[0] for kind in statement}
            if kinds <= {"counter", "log", "accept", "drop", "reject", "return"}:
                verdicts = kinds - {"counter", "log"}
                if verdicts:  # no packet comes to the rules after it
                    return bool(verdicts & {"drop", "reject"})
        return False


class _Broken(Exception):
    def __init__(self, message, line=0):
        super().__init__(message)
        self.message = message
        self.line = line


def find(path) -> Found:
    """Read a file that anybody may have put anything in place of."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Found()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Found(problem="it is a symbolic link; put the file itself there")
        return Found(problem="it cannot be read: %s" % error.strerror)
    try:
        kind = os.fstat(descriptor)
        if not stat.S_ISREG(kind.st_mode):
            return Found(problem="it is not a regular file")
        if kind.st_size > LIMIT:
            return Found(problem="it is larger than %d bytes" % LIMIT)
        content = _content(descriptor)
    except OSError as error:
        return Found(problem="it cannot be read: %s" % error.strerror)
    finally:
        os.close(descriptor)
    if b"\0" in content or len(content) > LIMIT:
        return Found(problem="it is not a text file")
    return Found(text=_ended(content.decode("utf-8", "surrogateescape")))


def _content(descriptor):
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(LIMIT + 1)


def _ended(text):
    """nft refuses an included file whose last line does not end."""
    return text if not text or text.endswith("\n") else text + "\n"


def judge(program, intent, administrators: Found, accepted: Found, template: str) -> Verdict:
    """Decide what is in force: the administrator's file, else what was accepted
    before, else nothing. Only the first is not Broken."""
    return nft.in_scratch_namespace(lambda: _judge(program, intent, administrators, accepted, template))


def _judge(program, intent, administrators, accepted, template):
    try:
        own = _loaded(program, intent, "")
    except nft.Rejected as rejected:
        raise Failure("RulesetRejected", "this gateway's nft does not take the ruleset, nothing was changed: %s" % rejected) from None
    state, candidate = "Accepted", administrators
    if candidate.text is None and candidate.problem is None:
        state, candidate = "Created", Found(text=_ended(template))
    try:
        if candidate.problem is not None:
            raise _Broken(candidate.problem)
        return Verdict(state, "", 0, candidate.text, _tried(program, intent, candidate.text, own))
    except _Broken as broken:
        problem = broken
    text, structure = "", own.structure
    if accepted.text is not None and accepted.text != candidate.text:
        program.load("flush ruleset")  # of the scratch namespace: what a broken file left there
        try:
            text, structure = accepted.text, _tried(program, intent, accepted.text, own)
        except _Broken:
            pass  # edited behind our back
    return Verdict("Broken", problem.message, problem.line, text, structure)


def _tried(program, intent, text, own):
    """The structure with the local chain. _Broken where it does not load, or
    reaches beyond what belongs to it."""
    try:
        found = _loaded(program, intent, text)
    except nft.Rejected as rejected:
        raise _located(str(rejected), intents.with_local_chain(intent.structure, text)) from None
    for name, body in own.structure.items():
        same = found.structure.get(name) == body
        if name == "chain local-chain":
            same = found.structure.get(name, {}).get("declared") == body["declared"]
        if not same:
            raise _Broken("it changes %s, which is nft-operator's; use chain local-chain, and chains and sets with names of your own" % name)
    for name, elements in found.elements.items():
        if elements:
            raise _Broken("it adds elements to %s, which is nft-operator's; use a set with a name of your own" % name)
    for name, body in found.structure.items():
        if name not in own.structure:
            _require_harmless(name, body["declared"])
    return found.structure


def _require_harmless(name, declared):
    """_Broken where a new object could close the way in, or is not ours to load."""
    if " of " in name:
        raise _Broken("it defines %s; only what is inside of table inet nft_operator belongs here" % name)
    hook = _HOOK.search(declared)
    if hook is None or hook.group(1) == "forward" or (hook.group(1) == "postrouting" and '"type": "nat"' in declared):
        return
    raise _Broken("%s hooks into %s, where it could close SSH; jump to it from chain local-chain instead" % (name, hook.group(1)))


def _loaded(program, intent, text):
    program.load(intents.with_local_chain(intent.structure, text).text)
    return listing.read(program.ruleset(), intent.elements, intent.counters)


def _located(message, spliced):
    """nft's message about a spliced text, in terms of the administrator's file.

    An error after the file, a brace missing in it for example, brings others
    with it: the first is enough.
    """
    within, elsewhere = [], []
    for error in _ERROR.split(message)[1:]:
        number, rest = _LINE.match(error).groups()
        number = int(number) - spliced.before
        if 1 <= number <= spliced.within:
            within.append((number, "%s:%d:%s" % (PATH, number, rest)))
        else:
            elsewhere.append(rest.partition(": ")[2])
    if within:
        return _Broken("".join(text for _, text in within).strip(), within[0][0])
    if not elsewhere:
        return _Broken(message.strip())
    return _Broken("%s: the rules after it do not load; a brace may be missing, or chains may form a loop: %s" % (PATH, elsewhere[0].strip()), spliced.within)

"""What this release knows of what any release keeps on a gateway.

Every file that a later run reads again is a JSON object with its version and
the release that wrote it. A role leaves a gateway alone that has a file of a
later version: it would misread it, or throw away what it does not know. That
one is found at the same place and says its version in the same way is all that
releases must have in common. docs/design/upgrade.md tells when a version goes up.
"""

import json
import os
import re
from typing import Any, Dict, Iterator, Tuple

from ansible.module_utils.nft_operator import files
from ansible.module_utils.nft_operator.failure import Failure

RELEASE = "0.1.0"  # as the Makefile has it

# Version 2 may lack what was noted later, and knows of no limits.
STATE = 3
TC_RECORD = 1
ROLLED_BACK = 1
PENDING = 1
FENCE = 1
# No other release believes it, so it stops none.
SEEN = 1

_VERSION, _RELEASE = "schema", "release"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")


def marked(content: Dict[str, Any], version: int) -> Dict[str, Any]:
    """The content of a file, with its version and this release."""
    return {**content, _VERSION: version, _RELEASE: RELEASE}


def require_known(paths) -> None:
    """Failure NewerState where a later release left what this one does not
    understand. Nothing was read of it but its version, and nothing was changed.
    The caller holds the lock."""
    for path, known in _kept(paths):
        found = _read(path)
        version = found.get(_VERSION)
        if type(version) is int and version > known:  # pylint: disable=unidiomatic-typecheck
            raise Failure("NewerState", "%s is of version %d, written by %s, and nft-operator %s knows no version after %d, so nothing was changed. "
                          "Upgrade the operator and its playbooks; docs/upgrade.md tells how to go back to an older release all the same" % (
                              path, version, _writer(found.get(_RELEASE)), RELEASE, known))


def _kept(paths) -> Iterator[Tuple[str, int]]:
    """What is kept, with the version up to which it is understood."""
    yield paths.state, STATE
    yield paths.tc_record, TC_RECORD
    yield paths.rolled_back, ROLLED_BACK
    yield paths.rolled_back_in_memory, ROLLED_BACK
    yield paths.fence, FENCE
    for token in files.names(paths.pending):
        from ansible.module_utils.nft_operator import rollback  # pylint: disable=import-outside-toplevel  # costs more than all else here
        yield os.path.join(paths.pending, token, rollback.PENDING), PENDING


def _read(path) -> Dict[str, Any]:
    """A file as JSON; nothing where it is none, which is for its reader to judge."""
    try:
        found = json.loads(files.read(path) or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _writer(release) -> str:
    """The release in words, which is a text of somebody else's file."""
    known = isinstance(release, str) and _NAME.fullmatch(release)
    return "nft-operator " + release if known else "a later release"

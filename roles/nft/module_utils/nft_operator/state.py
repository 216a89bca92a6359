"""What the gateway remembers of the last run that went well."""

import json
from typing import Any, Dict, List, NamedTuple, Optional

from ansible.module_utils.nft_operator import files, versions

_LATER = ("boot", "unit", "limits", "limits_file", "release")  # that an older release did not note


class State(NamedTuple):
    """The last confirmed state. All fields are empty where there was none."""

    # As the run named them.
    revision: str = ""
    structure: str = ""
    # Of the operator that was confirmed last.
    epoch: int = 0
    # Hashes of the kernel's structure and of the files as they were left, and
    # the version of the nft that listed the structure: another words it otherwise.
    kernel: str = ""
    nft: str = ""
    conf: str = ""
    accepted: str = ""
    boot: str = ""
    unit: str = ""
    # Of the limits of Services: the kernel's, and the file's.
    limits: str = ""
    limits_file: str = ""
    # Of nft-operator, which digests what nft lists in its own way.
    release: str = ""

    def compared(self, nft: str) -> bool:
        """Whether hashes of what nft lists tell of changes: another nft or another
        release comes to others for the same."""
        return self.nft == nft and self.release == versions.RELEASE


def read(paths) -> State:
    """The state on disk; the empty one where there is none to be understood. What
    an older role did not note is empty."""
    try:
        found = json.loads(files.read(paths.state) or "")
        return State(**{name: type(empty)(found.get(name, empty) if name in _LATER else found[name]) for name, empty in State()._asdict().items()})
    except (ValueError, KeyError, TypeError):
        return State()


def written(state: State) -> str:
    """The text of the file."""
    return json.dumps(versions.marked(state._asdict(), versions.STATE)) + "\n"


def digest(value: Any) -> str:
    """A hash of a text, of None, or of what JSON can hold."""
    if not isinstance(value, str):
        value = json.dumps(value, sort_keys=True)
    import hashlib  # pylint: disable=import-outside-toplevel  # most runs have nothing to hash, and it loads OpenSSL
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()


class RolledBack(NamedTuple):
    """What the gateway took back, since the last time that all was well."""

    # Of the last change that was taken back.
    revision: str
    structure: str
    at: str
    # The operator that made it; None by hand.
    epoch: Optional[int]
    # Fingerprints of everything that was taken back and is not tried again.
    refused: List[str]

    def told(self) -> Dict[str, str]:
        """As the module's result has it."""
        return {"revision": self.revision, "structure": self.structure, "at": self.at}


def rolled_back(paths) -> Optional[RolledBack]:
    """What was taken back, None where nothing was. It was written by rollback.py."""
    for path in (paths.rolled_back, paths.rolled_back_in_memory):
        try:
            found = json.loads(files.read(path) or "")
            return RolledBack(*(found[name] for name in RolledBack._fields))
        except (ValueError, KeyError, TypeError):
            continue
    return None


def forget_rolled_back(paths):
    """All is well again. Failure WriteFailed."""
    for path in (paths.rolled_back, paths.rolled_back_in_memory):
        files.remove(path)

"""Who may write: a later operator, or a later run of the same, goes first.

Leader election keeps two operators from working at one time, most of the time. A
run of the one that was overtaken may still be under way; this gateway refuses it.
"""

import json
from typing import Any, Dict, Optional, Tuple

from ansible.module_utils.nft_operator import files, versions
from ansible.module_utils.nft_operator.failure import Failure

# Epoch of the operator, and sequence of its run.
Fence = Tuple[int, int]


def of(params: Optional[Dict[str, Any]]) -> Optional[Fence]:
    """The fence of a run; None for a run by hand, which is not ordered."""
    return (params["epoch"], params["sequence"]) if params else None


def admit(paths, fence: Optional[Fence], confirmed_epoch: int):
    """Let a run pass and remember it, or Failure StaleWriter. The caller holds
    the lock.

    The latest run is remembered in memory, which costs nothing: no run of before
    a reboot is still under way. The epoch of the last confirmed state, which is
    on disk, refuses an operator that was overtaken before the reboot.
    """
    if fence is None:
        return
    seen = max(_read(paths.fence), (confirmed_epoch, 0))
    if fence < seen:
        raise Failure("StaleWriter", "run %d of operator epoch %d came after run %d of epoch %d: another operator has taken this gateway over. "
                      "If there is none, remove %s and %s on the gateway" % (fence[1], fence[0], seen[1], seen[0], paths.fence, paths.state))
    if fence > seen:
        files.write(paths.fence, json.dumps(versions.marked({"epoch": fence[0], "sequence": fence[1]}, versions.FENCE)) + "\n", mode=0o600, directory_mode=0o700)


def _read(path) -> Fence:
    try:
        found = json.loads(files.read(path) or "")
        return int(found["epoch"]), int(found["sequence"])
    except (ValueError, KeyError, TypeError):
        return 0, 0

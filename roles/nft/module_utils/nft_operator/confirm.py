"""Having come in by a new connection is the proof that a change left the way in
open: it stays, and the files that were staged for it are put in place."""

from ansible.module_utils.nft_operator import commit
from ansible.module_utils.nft_operator.failure import Failure


def run(params, paths):
    """Keep the change and return what nft_ruleset had to answer. The caller holds the lock."""
    change = commit.find(paths)
    if change is None or change.token != params["token"] or change.content["note"]["revision"] != params["revision"]:
        raise Failure("NotConfirmed", "nobody could come in by a new connection in time, so the change was taken back; see that managementCIDRs and publicInterfaces are right")
    if change.content["answer"] is None:
        raise Failure("NotConfirmed", "the change was not made")
    return change.confirm(paths)

"""How to undo a change of rules: found, and proved, before the change is made."""

from ansible.module_utils.nft_operator import changes, files, hold, intent, listing, rebuild, rollback
from ansible.module_utils.nft_operator.commit import Way
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import Rejected, in_scratch_namespace

_CLEARED = "table inet nft_operator\ndelete table inet nft_operator\n"
_IN_PLACE, _WHOLE = "in-place.nft", "whole.nft"


def find(program, held, paths, wanted, forward) -> Way:
    """The way back from what the text forward brings to what is held, which is
    None where there is no table. Failure RollbackNotArmed.

    It is walked in an empty kernel namespace first. What nft lists is tried as
    the text of what is held, and if nft cannot read its own words, our files.
    """
    if held is None:
        return Way({_WHOLE: _CLEARED}, [], [])
    sets = sorted(name for name in held.elements if name not in hold.OPENINGS)
    now = rollback.listed(program.path, sets)
    for whole, structure in _texts(program, held, paths):
        scripts = in_scratch_namespace(lambda w=whole, s=structure: _walked(program, held, wanted, forward, w, s))
        if scripts:
            return Way(scripts, now, sets)
    raise Failure("RollbackNotArmed", "the rules in force could not be loaded again, so the change could not be taken back and was not made. "
                  "See what the kernel holds that nft does not read: nft list table inet nft_operator")


def _texts(program, held, paths):
    """Texts of what is held, each with its text without counts and our elements."""
    yield _CLEARED + program.text(stateless=False), program.text(stateless=True, without=held.elements)
    conf, accepted = files.read(paths.conf), files.read(paths.accepted) or ""
    own = intent.of_before(conf or "")
    if own is None:
        return
    yield intent.with_local_chain(own.text, accepted).text, intent.with_local_chain(own.structure, accepted).text


def _walked(program, held, wanted, forward, whole, structure):
    """The scripts that lead back, in an empty kernel; nothing where none does."""
    def kernel():
        return listing.read(program.table(), wanted.elements, wanted.counters)

    def same(now):
        change = changes.between(now.elements, held.elements)
        return now.structure == held.structure and not change.additions and not change.deletions

    try:
        program.load(whole)
        if not same(kernel()):
            return {}
    except Rejected:
        return {}
    scripts = {_WHOLE: whole}
    try:
        program.load(forward)
        now = kernel()
        gone = rebuild.outdated(now.structure, held.structure)
        back = rebuild.script(gone, structure, changes.between(rebuild.staying(now.elements, gone), held.elements))
        program.load(back)
        if same(kernel()):
            scripts = {_IN_PLACE: back, _WHOLE: whole}
    except Rejected:
        pass  # then back by replacing the table
    return scripts

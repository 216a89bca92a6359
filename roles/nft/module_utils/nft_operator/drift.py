"""What somebody else changed since the last run, in words."""

from typing import Dict, List, Optional

from ansible.module_utils.nft_operator import changes, intent, listing
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import Rejected, in_scratch_namespace
from ansible.module_utils.nft_operator.state import State, digest

SHOWN = 10  # of anything, in words


def of_kernel(program, state: State, held: Optional[listing.Listing], conf: Optional[str], accepted: Optional[str], tried: Optional[changes.Changes] = None) -> List[str]:
    """How the kernel differs from how the last run left it. The files tell how
    that was; where they are edited too, less can be told. What this run tried to
    change itself is not told."""
    if not state.kernel:
        return []  # the first run
    if held is None:
        return ["table inet nft_operator was gone"]
    trusted = conf is not None and digest(conf) == state.conf and digest(accepted) == state.accepted
    before = intent.of_before(conf) if trusted else None
    found = []
    if state.compared(program.version()) and digest(held.structure) != state.kernel:
        found += _of_structure(_loaded(program, before, accepted) if before else None, held)
    if before:
        found += _of_elements(_without(changes.between(before.elements, held.elements), tried) if tried else changes.between(before.elements, held.elements))
    return found


def _without(change: changes.Changes, tried: changes.Changes) -> changes.Changes:
    mine = [{name: set(keys) | set(tried.added.get(name, ())) for name, keys in tried.deleted.items()}, tried.added]

    def rest(elements):
        return {name: {key: comment for key, comment in keys.items() if not any(key in some.get(name, ()) for some in mine)} for name, keys in elements.items()}

    return changes.Changes(rest(change.deleted), rest(change.added))


def of_files(state: State, current: Dict[str, Optional[str]], left: Dict[str, str]) -> List[str]:
    """How files differ from how the last run left them: texts and hashes by path."""
    if not state.kernel:
        return []
    return ["%s was %s" % (path, "deleted" if text is None else "edited") for path, text in current.items() if left[path] and digest(text) != left[path]]


def _loaded(program, before, accepted):
    """The structure that the files give, None where they do not load."""
    def load():
        program.load(intent.with_local_chain(before.structure, accepted or "").text)
        return listing.read(program.table(), before.elements, before.counters).structure

    try:
        return in_scratch_namespace(load)
    except (Rejected, Failure):
        return None


def _of_structure(before, held):
    if before is None:
        return ["rules in table inet nft_operator were changed"]
    found = []
    for name in sorted(set(before) | set(held.structure)):
        if name not in before:
            found.append("%s was added" % name)
        elif name not in held.structure:
            found.append("%s was deleted" % name)
        elif before[name] != held.structure[name]:
            found.append("%s was changed" % name)
    return found[:SHOWN] or ["rules in table inet nft_operator were changed"]


def _of_elements(change):
    found = []
    for name in sorted(set(change.added) | set(change.deleted)):
        for verb, keys in (("lost", change.deleted.get(name)), ("got", change.added.get(name))):
            if keys:
                shown = ", ".join(list(keys)[:3]) + (", …" if len(keys) > 3 else "")
                found.append("%s %s %d element%s: %s" % (name, verb, len(keys), "" if len(keys) == 1 else "s", shown))
    return found[:SHOWN]

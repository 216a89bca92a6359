"""What a program on a gateway is to do, by its name."""

import gc
import json
import os
import sys
import time

from ansible.module_utils.nft_operator import files, versions
from ansible.module_utils.nft_operator.failure import Failure

_SEARCHED = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")


def main(name, params, keep, began):
    """Do it, and print the result as one line of JSON. keep is called when this
    program may write to the gateway."""
    gc.disable()  # a short life with many long lists, and no cycles worth looking for
    known = {}
    try:
        result = {"nft_ruleset": _ruleset, "nft_confirm": _confirm}[name](params, keep, known)
    except Failure as failure:
        result = dict(known, failed=True, reason=failure.reason, msg=failure.message)
    seconds = dict(result.get("seconds") or {}, module=time.monotonic() - began)
    sys.stdout.write(json.dumps(dict(result, seconds=seconds)) + "\n")


def _ruleset(params, keep, known):
    """Bring the ruleset to its intent."""
    paths, check = files.Paths(), params["check"]
    if os.geteuid() != 0:
        raise Failure("NotRoot", "the module runs as user %d, and only root may load a ruleset; log in as root, or set become: Sudo" % os.geteuid())
    with files.locked(paths.lock, params["lock_wait"], shared=check):
        versions.require_known(paths)
        glanced = None
        if not check:
            keep(paths.code)
            from ansible.module_utils.nft_operator import glance  # pylint: disable=import-outside-toplevel
            glanced = glance.Glance(params, paths)
            result = glanced.run()
            if result is not None:
                return dict(result, seconds=glanced.seconds)
        # Not imported where it is not needed: it is most of the role.
        from ansible.module_utils.nft_operator import look  # pylint: disable=import-outside-toplevel
        return look.run(params, paths, _program(), known, glanced.tried if glanced else None)


def _confirm(params, keep, _known):
    """Keep a change that would be taken back otherwise."""
    from ansible.module_utils.nft_operator import confirm  # pylint: disable=import-outside-toplevel
    paths = files.Paths()
    with files.locked(paths.lock, params["lock_wait"]):
        keep(paths.code)
        return confirm.run(params, paths)


def _program():
    """The path of nft. Failure NftMissing."""
    for folder in tuple(filter(os.path.isabs, os.environ.get("PATH", "").split(":"))) + _SEARCHED:
        path = os.path.join(folder, "nft")
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise Failure("NftMissing", "the gateway has no nft; install the package nftables")

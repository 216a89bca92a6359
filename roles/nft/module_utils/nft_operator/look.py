"""A run that looks: at the host, at what the kernel holds, and at the files."""

from ansible.module_utils.nft_operator import host
from ansible.module_utils.nft_operator.apply import Apply
from ansible.module_utils.nft_operator.nft import Nft


def run(params, paths, path, known, tried):
    """One apply; known is filled with what a failure tells too. tried is a change
    of elements that this run has loaded already, perhaps. The caller holds the lock."""
    program = Nft(path)
    known["versions"] = host.versions(program.version())
    host.require_versions(known["versions"])
    host.require_interfaces(params["public_interfaces"], "publicInterfaces")
    host.require_interfaces(params["limited_interfaces"], "spec.rateLimiting.interfaces")
    host.require_sshd(params["ssh_port"])
    return Apply(program, known["versions"], params, paths, params["check"], params["diff"], tried).run()

"""What a run changes, for people: the output of ansible-playbook --diff."""

import difflib

from ansible.module_utils.nft_operator import changes


def of_text(name, before, after):
    """A unified diff of a file, or of what stands for one."""
    return "\n".join(difflib.unified_diff(
        (before or "").splitlines(), (after or "").splitlines(),
        "%s (%s)" % (name, "absent" if before is None else "now"),
        "%s (%s)" % (name, "absent" if after is None else "intended"), lineterm="", n=3))


def of_elements(change):
    """The elements that the kernel loses and gains, as the template writes them."""
    lines = []
    for name in sorted(set(change.deleted) | set(change.added)):
        lines.append("@@ inet nft_operator %s in the kernel @@" % name)
        lines.extend("-%s" % changes.written(key, value) for key, value in change.deleted.get(name, {}).items())
        lines.extend("+%s" % changes.written(key, value) for key, value in change.added.get(name, {}).items())
    return "\n".join(lines)


def as_ansible_wants(texts):
    """The value of "diff" in a module's result."""
    return [{"prepared": text + "\n"} for text in texts if text]

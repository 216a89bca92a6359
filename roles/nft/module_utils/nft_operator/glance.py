"""A run that need not look: nobody changed anything since the last one, and only
openings are to be changed, if at all.

Whatever is not exactly so is left to a run that looks, see apply.py.
"""

from ansible.module_utils.nft_operator import changes, fence, files, hold, host, intent as intents, netlink, opened, over, seen, state
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.nft import Nft, Rejected

_LIMITS = "nft_operator_limits"
_OVER = ("over4", "over6", "ingress_over", "egress_over")  # its sets of who was over a limit


class Glance:
    """One run of that kind. The caller holds the lock."""

    def __init__(self, params, paths):
        self.params = params
        self.paths = paths
        self.seconds = {"list": 0.0, "load": 0.0}
        self.limits = ""
        # What was loaded, where it is not sure to be what the kernel holds now.
        self.tried = None

    def run(self):
        """The module's result, or None where a look is needed."""
        noted = seen.read(self.paths)
        kernel = netlink.Kernel()
        if noted is None or self.params["hold"] or not seen.holds(noted, kernel, self.paths, self.params):
            return None
        if not self._has_interfaces() or not self._is_limited_as(noted):
            return None
        before = intents.without_limits(files.read(self.paths.conf) or "")
        change = opened.between(before, self.params["conf"], (noted["answer"]["revision"], self.params["revision"]))
        if change is None or hold.guarded(change) or not change.deletions and not change.additions and seen.age(noted) > seen.BELIEVED:
            return None
        last = state.read(self.paths)
        fence.admit(self.paths, fence.of(self.params["fence"]), last.epoch)
        if change.deletions or change.additions:
            noted["generation"] = self._loaded(kernel, noted, changes.script(change))
            if noted["generation"] is None:
                self.tried = change
                return None
        counts = self._counts(kernel, noted["answer"]["drops"])
        if counts is None:
            self.tried = change
            return None
        wrote = self._write(before, last)
        noted["answer"] = self._answer(noted["answer"], counts, change, wrote)
        seen.write(self.paths, seen.with_files(noted, wrote))
        return noted["answer"]

    def _is_limited_as(self, noted):
        """Whether limits are asked for as they are in force. What tc does is looked at."""
        by_nft = noted["answer"]["limits"]["engine"] == "Nftables"
        if not by_nft and any(self.params["tc"]["texts"].values()):
            return False
        self.limits = self.params["limits" if by_nft else "limits_besides_tc"]
        return self.limits == (files.read(self.paths.limits) or "")

    def _has_interfaces(self):
        try:
            host.require_interfaces(self.params["public_interfaces"] + self.params["limited_interfaces"], "")
        except Failure:
            return False  # whoever looks says so
        return True

    def _loaded(self, kernel, noted, script):
        """The generation that the transaction made, None where it is not sure that it
        was the only one. Nobody else's came before it, and none after: then the
        kernel holds what it held, with this change."""
        began = seen.now()
        try:
            Nft(noted["path"]).load(script)
        except Rejected:
            return None
        made = kernel.generation()
        self.seconds["load"] = seen.now() - began
        return made if made == noted["generation"] + 1 else None

    def _write(self, before, last):
        """Write the files that are another now, as apply.py does, and return their paths."""
        text, epoch = self.params["conf"], max(last.epoch, (self.params["fence"] or {}).get("epoch", 0))
        if text == before and (last.revision, last.epoch) == (self.params["revision"], epoch):
            return []
        conf = intents.with_limits(text)
        boot = intents.with_local_chain(text, files.read(self.paths.accepted) or "").text
        now = last._replace(revision=self.params["revision"], epoch=epoch, conf=state.digest(conf), boot=state.digest(boot))
        wanted = [files.Change(self.paths.boot, boot, 0o600, 0o700), files.Change(self.paths.conf, conf)] if text != before else []
        wanted.append(files.Change(self.paths.state, state.written(now), 0o600, 0o700))
        files.replace(wanted)
        return [file.path for file in wanted]

    def _answer(self, last, counts, change, wrote):
        action = "elements" if change.deletions or change.additions else "files" if wrote and self.params["revision"] != last["revision"] else "none"
        return dict(
            last, limits=dict(last["limits"], action="none", tc_action="none", **counts["limits"]), changed=action != "none", action=action,
            revision=self.params["revision"], drift=[], backup="", drops=counts["drops"],
            elements={"added": change.additions, "deleted": change.deletions})

    def _counts(self, kernel, dropped):
        """What packets added to the counters, or None where the kernel does not tell."""
        drops = [dict(drop, packets=counts[0], bytes=counts[1]) for drop in dropped for counts in [kernel.counter("nft_operator", drop["reason"])] if counts]
        sets = {name: kernel.counted(_LIMITS, name) for name in _OVER} if self.limits else {}
        if len(drops) < len(dropped) or None in sets.values():
            return None
        return {"drops": drops, "limits": _over(sets) if self.limits else {}}


def _over(sets):
    """Who was over a limit, as limits.py reads it from a listing."""
    services = [{"service": comment, "packets": packets, "bytes": size} for name in ("over4", "over6") for _, comment, packets, size in sets[name]]
    interfaces = [
        {"name": key.rstrip(b"\0").decode("utf-8", "replace"), "direction": direction, "packets": packets, "bytes": size}
        for direction in ("ingress", "egress") for key, _, packets, size in sets[direction + "_over"]]
    return {"over": over.by_service(services), "interfaces_over": sorted(interfaces, key=lambda one: (one["name"], one["direction"]))}

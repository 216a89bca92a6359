"""One apply, from the rendered text to the kernel and the files."""

import contextlib
import time
from typing import Any, Dict, List, NamedTuple, Optional

from ansible.module_utils.nft_operator import (
    boot, changes, commit, differences, drift, engine, fence, files, hold, listing, local_chain, netlink, over, rebuild, seen, state, versions, way_back)
from ansible.module_utils.nft_operator import intent as intents
from ansible.module_utils.nft_operator.failure import Failure
from ansible.module_utils.nft_operator.limits import Limits
from ansible.module_utils.nft_operator.nft import Rejected, in_scratch_namespace
from ansible.module_utils.nft_operator.tc import Tc
from ansible.module_utils.nft_operator.traffic_control import TrafficControl

HEADER = "# Written by nft-operator:"  # the second line of our nftables.conf
_REFUSALS = 16  # that are remembered


class Goal(NamedTuple):
    """What the gateway is brought to: the intent, or as much of it as can be."""

    intent: intents.Intent
    verdict: local_chain.Verdict
    # Whose hash it is; with held, that of an earlier intent.
    structure: str
    # Asked, RolledBack, or empty where it is the whole intent.
    held: str = ""

    def fingerprint(self) -> str:
        """Names everything in it that could cut the way in."""
        elements = {name: keys for name, keys in self.intent.elements.items() if name not in hold.OPENINGS}
        return state.digest([self.verdict.structure, elements])


class Apply:
    """One apply, or in check mode the question what it would do."""

    def __init__(self, program, versions, params, paths, check=False, diff=False, tried: Optional[changes.Changes] = None):
        self.program = program
        self.versions = versions
        self.params = params
        self.paths = paths
        self.check = check
        self.diff = diff
        self.fence = fence.of(params["fence"])
        self.asked = intents.read(params["conf"])
        # What this run has changed before it looked: that is nobody's drift.
        self.tried = tried
        self.differences: List[str] = []
        self.kernel = netlink.Kernel()
        # The generation of what was read first and when that was, and how many
        # transactions this run has made since.
        self.generation: Optional[int] = None
        self.looked, self.loads = 0.0, 0
        self.seconds = {"list": 0.0, "load": 0.0}

    def run(self) -> Dict[str, Any]:
        """Apply and return the module's result. Where that holds "pending", the
        change is taken back unless it is confirmed in time. The caller holds the lock."""
        self.last = state.read(self.paths)
        waiting = self.admit()
        return self.bring() if waiting is None else self.pending(waiting)

    def admit(self) -> Optional[commit.Change]:
        """Refuse who comes too late, and settle a change that waits. Return it
        where it is this one: it only has to be confirmed."""
        if self.check:
            return None
        fence.admit(self.paths, self.fence, self.last.epoch)
        waiting = commit.find(self.paths)
        if waiting is None:
            return None
        if not waiting.watched() or waiting.left() == 0:
            waiting.take_back()  # nobody else would, or could until now
            return None
        if waiting.content["note"]["revision"] == self.params["revision"] and waiting.content["answer"]:
            return waiting
        raise Failure("RollbackPending", "an earlier change waits to be confirmed, and is taken back in %d seconds otherwise; try again then" % waiting.left())

    def pending(self, waiting: commit.Change) -> Dict[str, Any]:
        """The answer for a change that only has to be confirmed."""
        return dict(waiting.content["answer"], pending={"token": waiting.token, "seconds": waiting.left()})

    def bring(self) -> Dict[str, Any]:
        """Bring the kernel to the goal, and the files after it."""
        self.found = seen.files_now(self.paths)
        self.accepted = local_chain.find(self.paths.accepted)
        self.rolled_back = state.rolled_back(self.paths)
        self.goal = self.choose()
        with self.timed("list"):
            self.looked, self.generation = seen.now(), self.kernel.generation()
            held = self.read_kernel()
        action, change = self.decide(held)
        try:
            with self.timed("list"):
                self.read_limits()
                found = self.drift(held)
            self.describe(action, change)
            with self.timed("load"):
                self.bring_limits()
        except Failure:
            self.close(change)
            raise
        if not self.check and (action not in ("none", "elements") or hold.guarded(change)):
            return self.guard(action, change, held, found)
        if action != "none":
            with self.timed("load"):
                action, held = self.load(action, change, held)
        wanted = self.file_changes()
        self.persist(wanted)
        answer = self.answer(action, change, held, found, wanted)
        note = self.seen(answer)
        if note:
            seen.write(self.paths, seen.with_files(note, [file.path for file in wanted] + [self.paths.boot_wanted]))
        return answer

    @contextlib.contextmanager
    def timed(self, what: str):
        """Count the time of a part of the run."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[what] += time.monotonic() - began

    def seen(self, answer) -> Optional[Dict[str, Any]]:
        """What the next run need not look at again; None where it is to look, because
        something waits, or somebody else was at a ruleset during this run."""
        if self.check or self.goal.held or self.goal.verdict.state == "Broken" or self.traffic.way or self.generation is None:
            return None
        generation = self.generation + self.loads + self.limits.loads
        if generation != self.kernel.generation():
            return None
        known = dict(answer, diff=[], drift=[], rolled_back=None, local_chain=dict(answer["local_chain"], state="Accepted"))
        return seen.note(self.kernel, self.program.path, self.params, known, generation, self.looked, self.found)

    def close(self, change):
        """Close what is to be closed all the same: only what opens waits for limits."""
        closing = hold.closings(change)
        if not self.check and (closing.deletions or closing.additions):
            with contextlib.suppress(Rejected):  # what failed before is told
                self.program.load(changes.script(closing))

    def read_limits(self):
        """See what is to keep the limits here, and what keeps them now."""
        tc, asked = Tc(), self.params["tc"]
        self.engine = engine.choose(tc, asked["engine"], asked["mode"], list(asked["texts"]))
        # What nft alone can keep stays with it.
        self.limits_text = self.params["limits" if self.engine.name == engine.NFTABLES else "limits_besides_tc"]
        self.limits = Limits(self.program, self.limits_text, self.paths)
        self.traffic = TrafficControl(tc, self.engine, asked["texts"], self.params["public_interfaces"], self.paths)

    def bring_limits(self):
        """Bring the limits there before a Service opens without its limit: all or,
        where this host cannot keep one, none. What comes to keep them does so
        before what kept them until now is taken off."""
        self.limits.prepare(self.limits_left())
        self.traffic.prepare()
        if self.check:
            return
        for part in (self.traffic, self.limits) if self.engine.name == engine.TRAFFIC_CONTROL else (self.limits, self.traffic):
            part.bring()

    def drift(self, held) -> List[str]:
        """What somebody else changed since the last run."""
        paths, last = self.paths, self.last
        left = {paths.conf: last.conf, paths.accepted: last.accepted, paths.boot: last.boot, paths.boot_unit: last.unit, paths.limits: last.limits_file}
        current = {path: files.read(path) for path in left}
        return drift.of_kernel(self.program, last, held, current[paths.conf], current[paths.accepted], self.tried) + self.limits.drift(self.limits_left()) + self.traffic.drift() + drift.of_files(last, current, left)

    def limits_left(self) -> str:
        """A hash of how the last run left the limits, empty where it tells nothing."""
        return self.last.limits if self.last.compared(self.program.version()) else ""

    # What to bring it to.

    def choose(self) -> Goal:
        """The whole intent, unless that is to wait, or was taken back before."""
        found = local_chain.find(self.paths.local_chain)
        if self.params["hold"]:
            return self.earlier(found, "Asked")
        goal = self.goal_of(self.asked, found)
        if not self.refused(goal):
            return goal
        if goal.verdict.text != (self.accepted.text or ""):
            # It may be the local chain's fault: all else goes on without it.
            message = "nobody could log in any more while it was in force, so it was taken back at %s; correct it" % self.rolled_back.at
            spared = self.goal_of(self.asked, local_chain.Found(problem=message))
            if not self.refused(spared):
                return spared
        return self.earlier(found, "RolledBack")

    def goal_of(self, intent, found, structure=None, held="") -> Goal:
        verdict = local_chain.judge(self.program, intent, found, self.accepted, self.params["local_chain"])
        return Goal(intent, verdict, self.params["structure"] if structure is None else structure, held)

    def earlier(self, found, why) -> Goal:
        """The last confirmed intent, with the openings of this one."""
        conf = files.read(self.paths.conf)
        before = intents.of_before(conf or "") if state.digest(conf) == self.last.conf else None
        if not self.last.structure or before is None or not hold.fits(before, self.asked):
            if why == "RolledBack":
                raise Failure("RolledBack", "nobody could log in any more after this change, so it was taken back at %s; "
                              "see that managementCIDRs and publicInterfaces are right, then let it be tried again" % self.rolled_back.at)
            raise Failure("NothingToHold", "the host has no earlier ruleset, of this layout, of which only the openings could be changed")
        intent = hold.with_openings(before, self.asked, self.params["revision"])
        for chain in (found, local_chain.Found(text=self.accepted.text or "")):
            goal = self.goal_of(intent, chain, self.last.structure, why)
            if not self.refused(goal):
                return goal
        raise Failure("RolledBack", "nobody could log in any more with the rules of before either, so they were taken back at %s" % self.rolled_back.at)

    def refused(self, goal) -> bool:
        """Whether it was taken back before and nothing speaks for another try.

        A new operator tries once: the one before may have been ended before it
        could confirm.
        """
        if self.rolled_back is None or self.params["retry"] or goal.fingerprint() not in self.rolled_back.refused:
            return False
        return self.fence is None or self.rolled_back.epoch is None or self.fence[0] == self.rolled_back.epoch

    # What the kernel needs.

    def read_kernel(self) -> Optional[listing.Listing]:
        """What the kernel holds, or None where it has no such table."""
        objects = self.program.table()
        return None if objects is None else listing.read(objects, self.asked.elements, self.asked.counters)

    def decide(self, held):
        """The smallest action that brings the kernel there, and what it does to elements."""
        wanted = self.goal.intent.elements
        if held is None:
            return "created", changes.between({}, wanted)
        if held.structure != self.goal.verdict.structure:
            return "rules", changes.between(held.elements, wanted)
        change = changes.between(held.elements, wanted)
        return ("elements" if change.additions or change.deletions else "none"), change

    def script(self, action, change, held) -> str:
        """The one transaction that does it."""
        chain = self.goal.verdict.text
        if action == "elements":
            return changes.script(change)
        if action == "created":
            return intents.with_local_chain(self.goal.intent.text, chain).text
        structure = intents.with_local_chain(self.goal.intent.structure, chain).text
        if action == "rules":
            gone = rebuild.outdated(held.structure, self.goal.verdict.structure)
            return rebuild.script(gone, structure, changes.between(rebuild.staying(held.elements, gone), self.goal.intent.elements))
        return rebuild.replacement(structure, self.goal.intent.elements, held)

    def checked(self, text):
        """A text that nft and this kernel take, or Failure RulesetRejected."""
        try:
            self.program.check(text)
        except Rejected as rejected:
            raise Failure("RulesetRejected", "nft refuses the ruleset, nothing was changed: %s" % rejected) from None
        return text

    def load(self, action, change, held):
        """Bring the kernel there without a promise: openings cannot cut the way
        in, and in check mode nothing changes."""
        for attempt in range(2):
            try:
                return action, self.transact(self.checked(self.script(action, change, held))) or held
            except Failure as failure:
                if self.check or failure.reason not in ("RulesetRejected", "ReadBackMismatch"):
                    raise
            # Somebody may have been at the elements just now. A look at what is
            # there loses no count, while a replacement of the table may.
            held = self.read_kernel() or held
            again, change = self.decide(held)
            if again == "none":
                return action, held
            if attempt or again != "elements":
                break
        action, text = self.taken("replaced", change, held)
        return action, self.transact(text)

    def transact(self, text) -> Optional[listing.Listing]:
        """Load a text and read the kernel back. In check mode neither."""
        if self.check:
            return None
        refusal = None
        try:
            self.program.load(text)
            self.loads += 1
        except Rejected as rejected:
            refusal = rejected
        # nft can fail after the kernel took the transaction, and the reverse
        # was seen too. What the kernel holds is what counts.
        held = self.read_kernel()
        if self.decide(held)[0] == "none":
            return held
        if refusal is not None:
            raise Failure("RulesetRejected", "nft could not load the ruleset: %s" % refusal)
        raise Failure("ReadBackMismatch", "nft reported success, but the kernel holds something else; see whether another program changes table inet nft_operator")

    # A change that could cut the way in.

    def guard(self, action, change, held, found):
        """Make the change under a promise to take it back, and return what to
        answer for now."""
        action, forward = self.taken(action, change, held)
        way = way_back.find(self.program, held, self.paths, self.goal.intent, forward)
        wanted = self.file_changes()
        staged = self.stage(wanted)
        try:
            armed = commit.arm(self.paths, self.program.path, self.params["token"], self.params["confirm_timeout"], way, staged, self.params["ssh_port"], self.note())
        except Failure:
            files.unstage(staged)
            raise
        with self.timed("load"):
            held = self.try_under(armed, forward, held)
        answer = self.answer(action, change, held, found, wanted)
        armed.hold_out(answer, self.seen(answer))
        return self.pending(armed)

    def try_under(self, armed, forward, before):
        """Load a text, and where that fails leave neither a half of it nor a
        promise behind."""
        try:
            return self.transact(forward)
        except Failure:
            now = self.read_kernel()
            if now is None and before is None or now and before and (now.structure, now.elements) == (before.structure, before.elements) or armed.undo():
                armed.drop()
            raise

    def taken(self, action, change, held):
        """The action whose script nft takes, with the script: where other rules in
        place will not do, a replacement of the table."""
        try:
            return action, self.checked(self.script(action, change, held))
        except Failure:
            if held is None or action == "replaced":
                raise
            return "replaced", self.checked(self.script("replaced", change, held))

    def note(self) -> Dict[str, Any]:
        """What is written down if the change is taken back."""
        refused = self.rolled_back.refused if self.rolled_back else []
        return versions.marked({
            "revision": self.params["revision"],
            "structure": self.goal.structure,
            "epoch": self.fence[0] if self.fence else None,
            "refused": (refused + [self.goal.fingerprint()])[-_REFUSALS:],
        }, versions.ROLLED_BACK)

    # What stays on disk.

    def file_changes(self) -> List[files.Change]:
        """The files that are not yet as they should be, in the order in which a
        crash between two of them does least harm: the state says last that all is so."""
        paths, goal = self.paths, self.goal
        chain = goal.verdict.text
        current = files.read(paths.conf)
        wanted = []
        if current is not None and HEADER not in current[:200] and files.read(paths.backup) is None:
            wanted.append(files.Change(paths.backup, current))
        wanted.append(files.Change(paths.boot, self.boot_text(), 0o600, 0o700))
        if boot.possible(paths):
            wanted.append(files.Change(paths.boot_unit, boot.unit(self.program.path, paths)))
        if goal.verdict.state == "Created":
            wanted.append(files.Change(paths.local_chain, chain))
        wanted.append(files.Change(paths.accepted, chain or None))
        wanted.append(files.Change(paths.limits, self.limits_text or None, 0o600, 0o700))
        wanted.append(files.Change(paths.conf, intents.with_limits(goal.intent.text)))
        if not goal.held and goal.verdict.state != "Broken":  # all is well again
            wanted += [files.Change(path, None) for path in (paths.rolled_back, paths.rolled_back_in_memory)]
        wanted.append(files.Change(paths.state, state.written(self.next_state()), 0o600, 0o700))
        return [change for change in wanted if files.read(change.path) != change.text]

    def next_state(self) -> state.State:
        """What the gateway will remember of this run."""
        return state.State(
            revision=self.params["revision"],
            structure=self.goal.structure,
            epoch=max(self.last.epoch, self.fence[0] if self.fence else 0),
            kernel=state.digest(self.goal.verdict.structure),
            nft=self.program.version(),
            conf=state.digest(intents.with_limits(self.goal.intent.text)),
            accepted=state.digest(self.goal.verdict.text or None),
            boot=state.digest(self.boot_text()),
            unit=state.digest(boot.unit(self.program.path, self.paths)) if boot.possible(self.paths) else "",
            limits=self.limits.remembered(),
            limits_file=state.digest(self.limits_text or None))

    def boot_text(self) -> str:
        """The ruleset in one piece."""
        return intents.with_local_chain(self.goal.intent.text, self.goal.verdict.text).text

    def stage(self, wanted):
        """Write texts beside their places. That the administrator's file cannot be
        made is told of it alone, and keeps nothing else back."""
        staged = []
        for change in wanted:
            try:
                staged.append(files.stage(change))
            except Failure as failure:
                if change.path == self.paths.local_chain:
                    self.goal = self.goal._replace(verdict=self.goal.verdict._replace(state="Broken", message=failure.message))
                    continue
                files.unstage(staged)
                raise
        return staged

    def persist(self, wanted):
        """Write the files, or in check mode show what would become of them."""
        if self.diff:
            self.differences += [
                differences.of_text(change.path, files.read(change.path), change.text)
                for change in wanted if change.path in (self.paths.conf, self.paths.accepted, self.paths.local_chain)]
        if not self.check:
            for staged in self.stage(wanted):
                files.finish(staged)
            boot.enable(self.paths)

    # What is told.

    def answer(self, action, change, held, found, wrote) -> Dict[str, Any]:
        """The module's result."""
        verdict = self.goal.verdict
        notes = (self.paths.state, self.paths.rolled_back, self.paths.rolled_back_in_memory)
        if action == "none" and any(file.path not in notes for file in wrote):
            action = "files"
        return {
            "changed": action != "none" or self.limits.action != "none" or self.traffic.action != "none",
            "revision": self.params["revision"],
            "structure": self.goal.structure,
            "action": action,
            "elements": {"added": change.additions, "deleted": change.deletions},
            "held": self.goal.held,
            "drift": found,
            "rolled_back": self.rolled_back.told() if self.rolled_back else None,
            "versions": self.versions,
            "boot": "Unit" if boot.possible(self.paths) else "NoSystemd",
            "local_chain": {"state": verdict.state, "message": verdict.message, "line": verdict.line, "drops_all": verdict.drops_all()},
            "limits": self.limits_told(),
            "backup": next((file.path for file in wrote if file.path == self.paths.backup), ""),
            "drops": held.drops if held else [],
            "diff": differences.as_ansible_wants(self.differences),
            "seconds": self.seconds,
        }

    def limits_told(self) -> Dict[str, Any]:
        """What keeps the limits, what it changed, and who was over them."""
        return {
            "engine": self.engine.name,
            "because": self.engine.because,
            "action": self.limits.action,
            "tc_action": self.traffic.action,
            "over": over.by_service(self.limits.over() + self.traffic.over()),
            "interfaces_over": self.limits.interfaces_over(),
        }

    def describe(self, action, change):
        """Show what changes in the kernel."""
        if not self.diff:
            return
        self.differences += self.limits.describe() + self.traffic.describe()
        if action == "created":
            self.differences.append("The kernel has no table inet nft_operator. It will hold what %s says." % self.paths.conf)
            return
        if action != "elements":
            spliced = intents.with_local_chain(self.goal.intent.structure, self.goal.verdict.text).text
            intended = in_scratch_namespace(lambda: self.program.load(spliced) or self.program.readable_structure())
            self.differences.append(differences.of_text("table inet nft_operator in the kernel", self.program.readable_structure(), intended))
        self.differences.append(differences.of_elements(change))

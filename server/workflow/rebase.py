"""Conflict: a case that was decided on in two places at once becomes one case again, and loses nothing.

On a cluster each replica checks `_rev` by itself, so a case may have several live leaves, and the store's
winner need not be what somebody was told is done. `rebase` puts the winner on hold and carries out on it, in
the order of their logs, what the losing branches had decided since they parted:

* what tightens, and what was seen on site, is carried out again, by today's rules: assignments, forms,
  hazards, notices and their answers, entries, holds;
* what opens a way to the breaker was decided without knowing of the other branch and is not repeated
  (`DECIDED_ANEW`): an authorization, the end of a hold, a withdrawal, a dispute settled. A person decides
  it anew;
* what happened, happened: a breaker that was closed is closed, and what is open becomes operational;
* what cannot be carried out is named in the log as lost, with its command and the reason; of what was said
  of several items of a notice, that of an item which the winner withdrew, and nothing else.

Where branches said different things of one fact, it is unknown again; of one gate, unmet stands; of one
quarantined parcel, it waits again. The result is a function of the leaves: servers that find the same ones
write the same document. A leaf that is rebased a second time brings nothing, and one that was a result of
rebasing itself brings only what is not there yet: `covered` in the log tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.branches import REBASE, Act, Branch, Leaf, branch_of, contested, covered
from server.workflow.cause import UnknownCommand, command_of, recorded
from server.workflow.decide import carry_out, decide_again
from server.workflow.gates import find_gate
from server.workflow.handlers import cases, conflicts
from server.workflow.handlers.energization import adopt_record
from server.workflow.model import Actor, Case, Cause, Decision, Notice
from server.workflow.named_items import named_items, without_items
from server.workflow.policy import Policy
from server.workflow.refusal import Refusal

#: What is never repeated on facts that its author did not see.
DECIDED_ANEW: tuple[type[c.CommandBase], ...] = (
    c.Authorize,
    c.ReleaseHold,
    c.ConfirmWithdrawal,
    c.SettleDispute,
    c.ApproveWaiver,
    c.SettleLateBranch,
    c.DecideApproval,
    c.AuditExplanation,
)
_LOST = "conflict_lost"
#: Why an entry from before causes were kept, or from a newer version, cannot be repeated.
_NOT_RECORDED = "not_recorded"
#: Between the key of an act and the code of an item of which it was lost: what else it said was repeated.
_PART = "#"


def in_conflict(case: Case) -> bool:
    """True while the case stands on a hold that `SettleConflict` is to end."""
    hold = case.energization.hold
    return case.energization.status == "on_hold" and hold is not None and hold.cause == "conflict"


def unread(case: Case) -> bool:
    """Whether a conflict of the case left something lost that its log could not repeat."""
    return any(entry.event == _LOST and entry.data["code"] == _NOT_RECORDED for entry in case.log)


def moment_of(leaves: Sequence[Leaf]) -> datetime:
    """When a rebase of these leaves takes place: at their last entry, so that it is the same everywhere."""
    return max(leaf.case.log[-1].at for leaf in leaves)


def rebase(winner: Leaf, losers: Sequence[Leaf], *, now: datetime, actor: Actor, policy: Policy) -> Decision:
    """The winner with all that the losers had decided, on hold; the case as it is if nothing is missing.

    `now` is `moment_of` all leaves, `policy` what held then. The order of `losers` does not matter.
    """
    ordered = sorted(losers, key=lambda leaf: leaf.rev)
    return _Rebase(winner, ordered, now=now, actor=actor, policy=policy).run()


class _Rebase:
    """One rebase in the making; dropped when it is done."""

    def __init__(
        self, winner: Leaf, losers: list[Leaf], *, now: datetime, actor: Actor, policy: Policy
    ) -> None:
        self._winner = winner
        self._case = winner.case
        self._now = now
        self._actor = actor
        self._policy = policy
        self._covered = covered(winner.case)
        self._branches = [branch_of(winner.case, leaf) for leaf in losers]
        self._contested = contested([winner.case, *(leaf.case for leaf in losers)])
        self._reapplied = 0
        self._lost: list[str] = []
        self._unclear = False

    def run(self) -> Decision:
        new = [act.key for _, act in self._queue() if self._is_news(act)]
        if not new:
            return Decision(self._case)
        before = len(self._case.log)
        self._write(conflicts.hold_for_conflict)
        done = set(self._covered)
        for branch, act in self._queue():
            if self._is_news(act) and act.key not in done:
                done.add(act.key)
                self._repeat(branch, act)
            self._find_notices(branch, act)
        self._unsay_contested()
        if self._unclear:
            self._write(conflicts.keep_hold)
        self._write(self._sum_up(tuple(dict.fromkeys(new))))
        return Decision(self._case, self._case.log[before:])

    def _is_news(self, act: Act) -> bool:
        """Whether the winner knows nothing of it; nor, if a part was lost elsewhere, of the whole."""
        return act.key not in self._covered and act.key.partition(_PART)[0] not in self._covered

    def _unsay_contested(self) -> None:
        """Of what branches said differently, by whatever command, nothing stands."""
        known = self._case.facts
        names = [n for n in self._contested.facts if n in known and known[n].value is not None]
        if names:
            unsaid = c.SetFacts(facts=dict.fromkeys(sorted(names)))
            self._write(lambda draft: cases.set_facts(draft, unsaid, approved=True))

    def _queue(self) -> Iterator[tuple[Branch, Act]]:
        """Every act of every branch: each branch in the order of its log, all of them by their moments."""
        heads = {n: 0 for n, branch in enumerate(self._branches) if branch.acts}
        while heads:
            n = min(heads, key=lambda n: (*self._branches[n].acts[heads[n]].order, n))
            branch = self._branches[n]
            yield branch, branch.acts[heads[n]]
            heads[n] += 1
            if heads[n] == len(branch.acts):
                del heads[n]

    # -- one act

    def _repeat(self, branch: Branch, act: Act) -> None:
        entry, cause = act.entry, act.entry.cause
        if entry.event == "energized":
            self._adopt_record(branch, act)
            return
        if cause is None:
            self._unclear = True
            self._lose(branch, act, _NOT_RECORDED)
            return
        if entry.event == _LOST:
            self._unclear |= entry.data["code"] == _NOT_RECORDED
            self._lose(branch, act, str(entry.data["code"]), entry.data["params"])
            return
        try:
            command = command_of(cause)
        except UnknownCommand:
            self._unclear = True
            self._lose(branch, act, _NOT_RECORDED)
            return
        if isinstance(command, DECIDED_ANEW):
            self._lose(branch, act, "decided_anew")
            return
        self._carry_out(branch, act, command)

    def _carry_out(self, branch: Branch, act: Act, command: c.Command) -> None:
        given = act.entry.cause or Cause({})
        actor = Actor(act.entry.actor, given.roles, given.device)
        fitted = self._fitted(branch, command)
        if fitted is None:
            self._lose(branch, act, "contested" if _says_met(command) else "notice_differs")
            return
        fitted, withdrawn = self._without_withdrawn(fitted)
        if isinstance(fitted, c.RecordSubmission):
            self._adopt_task(branch, fitted.task_id)
        if fitted != command and isinstance(fitted, c.SetFacts | c.ReopenQuarantine):
            # Nobody said so: who said what stands in the entry that this one names as its origin.
            actor = Actor(self._actor.name, actor.roles)
        cause = replace(recorded(fitted, actor), **_origin(act))
        try:
            decision = decide_again(
                self._case, fitted, now=self._now, actor=actor, policy=self._policy, cause=cause
            )
        except Refusal as refusal:
            self._lose(branch, act, refusal.code, refusal.params)
            return
        self._case = decision.case
        self._reapplied += bool(decision.events)
        for code in withdrawn:
            params = {"n": getattr(fitted, "n", None), "item": code}
            self._lose(branch, act, "item_withdrawn", params, part=code)

    def _without_withdrawn(self, command: c.Command) -> tuple[c.Command, tuple[str, ...]]:
        """The command without the items that the winner withdrew, and their codes; whole if it names no
        other."""
        notice = self._case.notices.get(getattr(command, "n", None) or 0)
        items = [] if notice is None else [notice.item(code) for code in dict.fromkeys(named_items(command))]
        gone = tuple(item.code for item in items if item is not None and item.state == "withdrawn")
        if not gone or len(gone) == len(items):
            return command, ()
        return without_items(command, gone), gone

    def _fitted(self, branch: Branch, command: c.Command) -> c.Command | None:
        """The command in the winner's terms; None if there is nothing in the winner that it speaks of."""
        contested = self._contested
        match command:
            case c.SetFacts():
                facts = {k: None if k in contested.facts else v for k, v in command.facts.items()}
                return replace(command, facts=facts)
            case c.ProposeChange():
                said = command.change.facts
                facts = {k: v for k, v in said.items() if k not in contested.facts}
                return replace(command, change=replace(command.change, facts=facts))
            case c.RecordEntry() if _gate(command) in contested.gates and _says_met(command):
                return None
            case c.SettleQuarantine() if command.unsent_id in contested.parcels:
                return c.ReopenQuarantine(unsent_id=command.unsent_id)
            case c.RecordSubmission() | c.ReportHazard() if not self._in_quarantine(command.unsent_id):
                # The truth it brought is heard whatever became of the parcel that it came in.
                return replace(command, unsent_id=None)
        n = getattr(command, "n", None)
        if n is None:
            return command
        number = n if n <= branch.shared else branch.numbers.get(n)
        return None if number is None else replace(command, n=number)

    def _in_quarantine(self, unsent_id: str | None) -> bool:
        unsent = self._case.quarantine.get(unsent_id or "")
        return unsent is not None and unsent.state in {"accepted", "taken"}

    def _adopt_record(self, branch: Branch, act: Act) -> None:
        handle = partial(adopt_record, known=branch.leaf.case.energization)
        try:
            self._write(handle, actor=Actor(act.entry.actor), cause=_cause(act))
            self._reapplied += 1
        except Refusal as refusal:
            self._lose(branch, act, refusal.code, refusal.params)

    def _adopt_task(self, branch: Branch, task_id: str, act: Act | None = None) -> None:
        """Have the winner know the task, if only as a cancelled one: what comes of it must be heard."""
        task = branch.leaf.case.tasks.get(task_id)
        if task is None or task_id in self._case.tasks:
            return
        notice = branch.leaf.case.notices.get(task.notice or 0)
        here = None if notice is None else self._nearest(branch, notice)
        kind = "acceptance" if task.kind == "reinspection" and here is None else task.kind
        self._write(partial(conflicts.adopt_task, task=replace(task, notice=here, kind=kind)))

    def _lose(
        self, branch: Branch, act: Act, code: str, params: Mapping[str, Any] | None = None, part: str = ""
    ) -> None:
        """Name an act as lost; `part`, if it is of one item alone, and the rest was repeated."""
        entry = act.entry
        again = entry.event == _LOST
        event, by = (entry.data["lost"], entry.data["by"]) if again else (entry.event, entry.actor)
        self._lost.append(str(event))
        told = partial(conflicts.tell_lost, event=event, by=by, code=code, params=params or {})
        cause = _cause(act)
        if part:
            cause = replace(cause, origin=f"{act.key}{_PART}{part}")
        self._write(told, cause=cause)
        if event == "reinspection_scheduled" and entry.cause is not None:
            self._adopt_task(branch, str(entry.cause.command.get("task_id")))

    # -- notices

    def _find_notices(self, branch: Branch, act: Act) -> None:
        """Note where the notices that this act opened on its branch stand in the winner."""
        for entry in act.told:
            if entry.event == "notice_drafted":
                same = [n for n, notice in self._case.notices.items() if _same(notice, entry.data)]
                if same:
                    branch.numbers[entry.data["n"]] = max(same)

    def _nearest(self, branch: Branch, notice: Notice) -> int | None:
        """The winner's notice that stands for one of a branch; else one that has an item of it."""
        if notice.n <= branch.shared:
            return notice.n
        if notice.n in branch.numbers:
            return branch.numbers[notice.n]
        codes = {item.code for item in notice.items}
        near = [n for n, other in self._case.notices.items() if codes & {item.code for item in other.items}]
        return max(near, default=None)

    # -- writing

    def _write(self, handle: Any, *, actor: Actor | None = None, cause: Cause | None = None) -> None:
        self._case = carry_out(
            self._case,
            handle,
            now=self._now,
            actor=actor or self._actor,
            policy=self._policy,
            cause=cause or Cause({"command": REBASE}, self._actor.roles),
        ).case

    def _sum_up(self, new: tuple[str, ...]) -> Any:
        moved = {
            branch.leaf.rev: {str(old): number for old, number in branch.numbers.items() if old != number}
            for branch in self._branches
        }
        return lambda draft: draft.tell(
            "conflict_rebased",
            winner=self._winner.rev,
            losers=[branch.leaf.rev for branch in self._branches],
            reapplied=self._reapplied,
            lost=self._lost,
            renumbered={rev: numbers for rev, numbers in moved.items() if numbers},
            covered=list(new),
        )


def _origin(act: Act) -> dict[str, Any]:
    cause = act.entry.cause
    return {"origin": act.key, "at": cause.at if cause is not None and cause.at else act.entry.at}


def _cause(act: Act) -> Cause:
    """The act's own cause, if it has one, under its origin."""
    known = act.entry.cause or Cause({})
    return replace(known, **_origin(act))


def _gate(command: c.RecordEntry) -> str:
    gate = find_gate(command.gate)
    return command.gate if gate is None else gate.id


def _says_met(command: c.Command) -> bool:
    return isinstance(command, c.RecordEntry) and command.status != "unmet"


def _same(notice: Notice, drafted: Mapping[str, Any]) -> bool:
    if drafted["hazard"] is not None:
        return notice.hazard_id == str(drafted["hazard"])
    return notice.task_id == str(drafted["task"]) and all(map(notice.item, drafted["items"]))

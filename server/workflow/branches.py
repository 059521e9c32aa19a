"""Branches of a case by their logs: where they part, what each decided since, and what they contest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from server.workflow import commands as c
from server.workflow.cause import kind_of
from server.workflow.log import canonical
from server.workflow.model import Case, LogEntry

#: The cause of what rebasing itself writes, beside the commands it carries out.
REBASE = "Rebase"
#: Entries that a rebased branch needs no more: the next rebase says them anew.
_OWN = {REBASE, c.SettleConflict.__name__}


@dataclass(frozen=True)
class Leaf:
    """One live leaf of a case document."""

    rev: str
    case: Case


@dataclass(frozen=True)
class Act:
    """What one decision of a losing branch told: its first entry, and those that followed from it."""

    entry: LogEntry
    told: tuple[LogEntry, ...]

    @property
    def key(self) -> str:
        """The same for the same decision, however often it was carried out again on other branches."""
        cause = self.entry.cause
        return cause.origin if cause is not None and cause.origin else self.entry.hash

    @property
    def order(self) -> tuple[datetime, str]:
        return self.entry.at, self.key


@dataclass
class Branch:
    """A losing leaf, and where its notices stand in the winner: the numbers below `shared` are common."""

    leaf: Leaf
    acts: list[Act]
    shared: int
    numbers: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Contested:
    """What branches said differently since they parted."""

    facts: frozenset[str]
    gates: frozenset[str]
    parcels: frozenset[str]


def covered(case: Case) -> frozenset[str]:
    """The keys of every decision, of this branch or others, that the case knows of."""
    keys = set()
    for entry in case.log:
        keys.add(entry.hash)
        if entry.cause is not None and entry.cause.origin is not None:
            keys.add(entry.cause.origin)
        if entry.event == "conflict_rebased":
            keys.update(entry.data["covered"])
    return frozenset(keys)


def branch_of(winner: Case, leaf: Leaf) -> Branch:
    """What a losing leaf decided since it parted from the winner, without what rebasing wrote into it."""
    parted = _parted(winner.log, leaf.case.log)
    shared = sum(entry.event == "notice_drafted" for entry in leaf.case.log[:parted])
    return Branch(leaf, [act for act in _acts(leaf.case.log[parted:]) if _is_theirs(act)], shared)


def _parted(one: Sequence[LogEntry], other: Sequence[LogEntry]) -> int:
    """How many entries two logs share: by their hashes, each of which stands for all before it."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a.hash != b.hash), min(len(one), len(other)))


def _acts(entries: Sequence[LogEntry]) -> Iterator[Act]:
    told: list[LogEntry] = []
    for entry in entries:
        # An entry without a cause follows from the one before, or is older than causes are.
        if told and (entry.cause is not None or told[0].cause is None):
            yield Act(told[0], tuple(told))
            told = []
        told.append(entry)
    if told:
        yield Act(told[0], tuple(told))


def _is_theirs(act: Act) -> bool:
    return act.entry.cause is None or kind_of(act.entry.cause) not in _OWN


def contested(cases: Sequence[Case]) -> Contested:
    """What these branches of one case, two or more, said differently since the first parting of any."""
    parted = min(_parted(cases[0].log, case.log) for case in cases[1:])
    last = [_last_words(case.log[parted:]) for case in cases]
    said: dict[tuple[str, str], set[bytes]] = {}
    for words in last:
        for about, word in words.items():
            said.setdefault(about, set()).add(canonical(word))
    differing = {about: words for about, words in said.items() if len(words) > 1}
    return Contested(
        facts=frozenset(name for kind, name in differing if kind == "fact"),
        gates=frozenset(
            name
            for (kind, name), words in differing.items()
            if kind == "gate" and canonical("unmet") in words
        ),
        parcels=frozenset(name for kind, name in differing if kind == "parcel"),
    )


def _last_words(entries: Sequence[LogEntry]) -> dict[tuple[str, str], Any]:
    """What a branch said last of each fact, gate and quarantined parcel that it spoke of."""
    said: dict[tuple[str, str], Any] = {}
    for entry in entries:
        match entry.event:
            case "facts_set":
                said.update({("fact", name): value for name, value in entry.data["after"].items()})
            case "entry_recorded":
                said["gate", entry.data["gate"]] = entry.data["status"]
            case "quarantine_settled":
                said["parcel", entry.data["id"]] = entry.data["decision"]
    return said

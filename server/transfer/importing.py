"""A list of applications taken in: opened, found unchanged, reported as changed, or told what is wrong.

An application is known by its number. The same list again opens nothing twice, and what was cut off goes on
where it stood. A row that says otherwise than the case changes it only when that is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from geo.coords import Datum, to_wgs84
from server.casework.creating import AT_ONCE, Opened, create_many
from server.casework.numbers import holders_of
from server.names import new_id
from server.services import Services
from server.transfer.applications import Application, Reader
from server.transfer.columns import FACT
from server.transfer.findings import Finding, ListRefused
from server.transfer.sheets import Limits, Row, read_list
from server.workflow.commands import AmendCase, Command, OpenCase, SetFacts
from server.workflow.decide import decide
from server.workflow.model import Actor, Case
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import Site
from sync.store import NotFound

#: Findings told one by one; of further ones it is told how many there are.
TOLD = 1000
#: Headings that are named where none is known.
_NAMED = 5
_PARTS = ("process", "customer", "site", "supply", "manager", "title")
_PLACE = ("lon", "lat", "datum")
#: By how much a place may differ from itself when it was converted there and back (`geo.coords`), in degrees.
_SAME_PLACE_DEG = 1e-6


@dataclass(frozen=True)
class Wanted:
    """How a list is taken in. `reason`: what the log of each case that is changed says. `datum`: that of
    positions in rows that name none; without it such rows are refused."""

    organisation: str
    manager: str
    dry_run: bool = False
    update: bool = False
    reason: str = ""
    datum: Datum | None = None


@dataclass
class Report:
    """What became of a list. Counts are of rows; `refused` rows have findings."""

    dry_run: bool
    rows: int = 0
    opened: int = 0
    unchanged: int = 0
    changed: int = 0
    updated: int = 0
    refused: int = 0
    findings: list[Finding] = field(default_factory=list)
    findings_left_out: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    complete: bool = True

    def tell(self, finding: Finding) -> None:
        if len(self.findings) < TOLD:
            self.findings.append(finding)
        else:
            self.findings_left_out += 1

    def told(self) -> dict[str, Any]:
        """Plain values, with the words."""
        return {
            **{name: value for name, value in vars(self).items() if name != "findings"},
            "findings": [finding.told() for finding in self.findings],
        }


def import_list(
    made: Services,
    path: Path,
    wanted: Wanted,
    actor: Actor,
    limits: Limits,
    on_progress: Callable[[int], None] = lambda _rows: None,
    processes: int = 1,
) -> Report:
    """Take in the list at `path`; `on_progress` is told how many rows were read. With several `processes`,
    others decide while this one writes.

    A list that cannot be read to its end is taken in up to there, and the report says so. Raises what the
    store raises; what was done until then stands, and the same list again goes on.
    """
    return _Import(made, wanted, actor).run(path, limits, on_progress, processes)


class _Import:
    """One list under way."""

    def __init__(self, made: Services, wanted: Wanted, actor: Actor) -> None:
        self._made = made
        self._wanted = wanted
        self._actor = actor
        self._report = Report(dry_run=wanted.dry_run)
        self._seen: dict[str, int] = {}
        #: Rows whose cases are being opened, the oldest first.
        self._fresh: deque[Application] = deque()
        may_manage = lru_cache(1000)(lambda name: made.people.may_manage(name, wanted.organisation))
        self._policy = made.cases.policy(wanted.organisation)
        self._reader = Reader(wanted.organisation, self._policy, wanted.manager, may_manage, wanted.datum)

    def run(self, path: Path, limits: Limits, on_progress: Callable[[int], None], processes: int) -> Report:
        report = self._report
        commands = self._commands(path, limits, on_progress)
        if self._wanted.dry_run:
            outcomes: Iterable[Opened] = map(self._tried, commands)
        else:
            outcomes = create_many(self._made, commands, self._actor, processes=processes)
        for outcome in outcomes:
            one = self._fresh.popleft()
            if outcome.failure is None:
                report.opened += 1
            else:
                self._refuse(one, outcome.failure)
        report.findings.sort(key=lambda finding: finding.row or 0)
        report.ignored_columns = sorted(self._reader.ignored)[:TOLD]
        return report

    def _commands(self, path: Path, limits: Limits, on_progress: Callable[[int], None]) -> Iterator[OpenCase]:
        """What opens the cases that are new, in the order of `_fresh`; the other rows are seen to on the
        way."""
        report = self._report
        try:
            for batch in _batches(read_list(path, limits), AT_ONCE):
                applications = [self._reader.read(row) for row in batch]
                self._require_headings(batch[0])
                report.rows += len(batch)
                yield from self._take(applications)
                on_progress(report.rows)
        except ListRefused as refused:
            report.complete = False
            report.tell(refused.finding)

    def _require_headings(self, first: Row) -> None:
        """Refuse a list none of whose headings stands for anything, once and not row by row."""
        if not self._reader.fields and not first.findings:
            names = ", ".join(list(first.cells)[:_NAMED])
            raise ListRefused(Finding("no_heading_known", params={"headings": names}))

    def _take(self, applications: Sequence[Application]) -> Iterator[OpenCase]:
        good = [one for one in applications if self._is_good(one)]
        known = holders_of(
            self._made.store,
            self._made.names.registry,
            self._wanted.organisation,
            [one.no for one in good],
        )
        for one in good:
            assert one.command is not None  # noqa: S101  _is_good has looked
            command = replace(one.command, id=known.get(one.no) or new_id())
            case = self._existing(command.id) if one.no in known else None
            if case is None:
                self._fresh.append(one)
                yield command
            else:
                self._compare(one, command, case)

    def _is_good(self, one: Application) -> bool:
        findings = list(one.findings)
        first = self._seen.setdefault(one.no, one.row) if one.no else one.row
        if first != one.row:
            findings.append(Finding("number_twice", one.row, "no", params={"no": one.no, "first": first}))
        for finding in findings:
            self._report.tell(finding)
        self._report.refused += bool(findings)
        return not findings

    def _existing(self, case_id: str) -> Case | None:
        """The case that has the number; None if somebody was cut off before it was written."""
        try:
            return self._made.cases.load(case_id).case
        except NotFound:
            return None

    def _tried(self, command: OpenCase) -> Opened:
        """What would become of a command."""
        try:
            decide(None, command, now=self._made.clock(), actor=self._actor, policy=self._policy)
        except Refusal as refusal:
            return Opened(command, failure=refusal)
        return Opened(command)

    def _refuse(self, one: Application, failure: Exception) -> None:
        self._report.refused += 1
        if not isinstance(failure, Refusal):
            self._report.tell(Finding("number_taken", one.row, "no", params={"no": one.no}))
            return
        named = next((fact for fact in failure.facts if fact.startswith("field:")), None)
        place = named.removeprefix("field:") if named else None
        self._report.tell(Finding(f"refusal.{failure.code}", one.row, place, params=failure.params))

    def _compare(self, one: Application, command: OpenCase, case: Case) -> None:
        news = {
            part: value
            for part in _PARTS
            if part in one.said and (value := _news(command, case, part)) is not None
        }
        unknown, settled = _facts(command, case)
        names = [*news, *(FACT + name for name in (*unknown, *settled))]
        if not names:
            self._report.unchanged += 1
            return
        if not self._wanted.update:
            self._report.changed += 1
            params = {"no": case.no, "names": ", ".join(names)}
            self._report.tell(Finding("case_differs", one.row, names[0], params=params))
            return
        for name in settled:
            told = {"no": case.no, "held": case.facts[name].value, "said": command.facts[name]}
            self._report.tell(Finding("fact_settled", one.row, FACT + name, params=told))
        changes: list[Command] = [AmendCase(reason=self._wanted.reason, **news)] if news else []
        if unknown:
            facts = {name: command.facts[name] for name in unknown}
            changes.append(SetFacts(facts=facts, reason=self._wanted.reason))
        try:
            self._change(case, changes)
        except Refusal as refusal:
            self._refuse(one, refusal)
            return
        self._report.updated += bool(changes)
        self._report.changed += not changes

    def _change(self, case: Case, changes: Sequence[Command]) -> None:
        """Change a case, or see whether it could be. Raises Refusal; what was done before that stands."""
        for change in changes:
            if self._wanted.dry_run:
                now = self._made.clock()
                case = decide(case, change, now=now, actor=self._actor, policy=self._policy).case
            else:
                self._made.cases.apply(case.id, change, self._actor)


def _news(command: OpenCase, case: Case, part: str) -> Any:
    """What a row says of a part otherwise than the case; None if nothing. What it is silent on stays."""
    said, held = getattr(command, part), getattr(case, part)
    if isinstance(said, msgspec.Struct):
        defaults = {one.name: one.default for one in msgspec.structs.fields(said)}
        spoken = {name: value for name in defaults if (value := getattr(said, name)) != defaults[name]}
        if isinstance(said, Site):
            # Longitude, latitude and datum are one value: of another's datum they would be another place.
            place = {name: getattr(said, name) for name in _PLACE}
            spoken = {name: value for name, value in spoken.items() if name not in _PLACE}
            spoken |= {} if _same_place(said, held) else place
        said = replace(held, **spoken)
    return None if said in ("", held) else said


def _same_place(one: Site, other: Site) -> bool:
    """Whether two sites are one place; in one datum by every digit."""
    if one.datum == other.datum:
        return (one.lon, one.lat) == (other.lon, other.lat)
    here, there = (to_wgs84(site.lon, site.lat, site.datum) for site in (one, other))
    return max(abs(here.lon - there.lon), abs(here.lat - there.lat)) <= _SAME_PLACE_DEG


def _facts(command: OpenCase, case: Case) -> tuple[list[str], list[str]]:
    """The facts that a row tells and nobody knows yet, and those that were settled otherwise since: somebody
    has been there, and a list knows no better."""
    unknown, settled = [], []
    for name, said in sorted(command.facts.items()):
        fact = case.facts.get(name)
        if fact is None or fact.value is None:
            unknown.append(name)
        elif fact.value != said:
            settled.append(name)
    return unknown, settled


def _batches(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most so many; what came before a fault comes before it is raised."""
    batch: list[Any] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == size:
                yield batch
                batch = []
    except ListRefused:
        if batch:
            yield batch
        raise
    if batch:
        yield batch

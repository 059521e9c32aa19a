"""Moving every database of one site to another, so that it can be broken off anywhere and called again.

Nothing is deleted, on neither side, and what is called again goes on where it ended: each database is carried
by plain replication, whose checkpoints say how far it came. Then everything is compared, and only what is
found equal counts as moved.

Two things do not travel by replication. `_security` is set after the documents, so that nobody meets half
a database. And a follower's checkpoint names a sequence of the source, which means nothing at the target: a
CouchDB would refuse it, and a number that happened to fit would make the follower skip what it has not seen.
So a checkpoint is made anew, from the comparison: the target's end, if everything up to there is
something that the follower was given at the source. Otherwise none is written, and the follower begins at the
beginning: it is given everything again, which it must bear, and misses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from sync.migration.compare import Comparison, Difference, compare, foreign
from sync.replication.ancestry import BEGINNING
from sync.replication.protocol import Failure, Limits, Progress, ReplicationResult, replicate, steady
from sync.replication.replica import Pause, Replica, Site
from sync.store import BadRequest, NotFound

T = TypeVar("T")

Stage = Literal["look", "copy", "catch_up", "verify"]


@dataclass(frozen=True)
class Options:
    """How to move. `q` and `n` are for the databases made at the target, None for its own default; `jobs`
    databases are worked on at once; at most `rounds` rounds catch up with a source that is written to.

    `followers` are the local documents in which followers keep their checkpoints, as `{"seq": …}`.
    """

    q: int | None = None
    n: int | None = None
    jobs: int = 4
    rounds: int = 3
    followers: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Step:
    """What has been done so far of one stage: `done` of `total` databases, and what they held."""

    stage: Stage
    done: int
    total: int
    documents: int = 0
    attachment_bytes: int = 0


@dataclass(frozen=True)
class Foreign:
    """A database at the target with something of which the source has never heard: `revisions`, as (id,
    revision); none are named if the source has no such database at all."""

    database: str
    revisions: tuple[tuple[str, str], ...] = ()


class ForeignData(Exception):
    """The target holds data that are not the source's, so nothing was written."""

    def __init__(self, found: tuple[Foreign, ...]) -> None:
        super().__init__(", ".join(one.database for one in found))
        self.found = found


@dataclass(frozen=True)
class Report:
    """What was moved. It is whole if `differences` is empty.

    `written_meanwhile`: the source was written to while it was moved. `again`: (database, checkpoint) of
    followers that will be given everything anew. `failures` tell why something differs.
    """

    comparisons: tuple[Comparison, ...]
    differences: tuple[Difference, ...]
    failures: tuple[tuple[str, Failure], ...]
    written_meanwhile: bool
    again: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]


def migrate(
    source: Site,
    target: Site,
    wants: Callable[[str], bool],
    *,
    options: Options | None = None,
    on_step: Callable[[Step], None] | None = None,
    pause: Pause = time.sleep,
) -> Report:
    """Move every database that `wants` says is ours. `on_step` may be called from several threads.

    Raises ForeignData, and Transient, Unauthorized … if a site fails for good: call it again to go on.
    """
    return _Moving(source, target, wants, options or Options(), on_step or (lambda _: None), pause)()


class _Ended(Exception):
    """Another thread has failed; this one need not go on."""


class _Tally:
    """Adds up what several threads report of one stage."""

    def __init__(self, stage: Stage, total: int, on_step: Callable[[Step], None]) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, Progress] = {}
        self._step = Step(stage, 0, total)
        self._on_step = on_step
        on_step(self._step)

    def told(self, db: str, progress: Progress) -> None:
        with self._lock:
            before = self._told.get(db, Progress(0, 0, 0, 0))
            self._told[db] = progress
            self._add(
                documents=progress.docs_written - before.docs_written,
                attachment_bytes=progress.attachment_bytes - before.attachment_bytes,
            )

    def ended(self, documents: int = 0, attachment_bytes: int = 0) -> None:
        """One database is done; what it held, if that was not told before."""
        with self._lock:
            self._add(done=1, documents=documents, attachment_bytes=attachment_bytes)

    def _add(self, **more: int) -> None:
        counts = {name: getattr(self._step, name) + number for name, number in more.items()}
        self._step = replace(self._step, **counts)
        self._on_step(self._step)


@dataclass
class _Moving:
    """One call of `migrate`."""

    source: Site
    target: Site
    wants: Callable[[str], bool]
    options: Options
    on_step: Callable[[Step], None]
    pause: Pause
    failures: list[tuple[str, Failure]] = field(default_factory=list)
    written_meanwhile: bool = False
    #: Set when one thread has failed, or somebody has interrupted the command.
    ended: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> Report:
        self._refuse_foreign()
        self._copy("copy", self._names(self.source))
        for _ in range(self.options.rounds):
            if not self._copy("catch_up", self._names(self.source)):
                break
            self.written_meanwhile = True
        names = self._names(self.source)
        tally = _Tally("verify", len(names), self.on_step)
        settled = self._each(names, lambda db: self._settle(db, tally))
        comparisons = tuple(one for one, _ in settled if one is not None)
        return Report(
            comparisons=comparisons,
            differences=(*self._strays(), *(d for one in comparisons for d in one.differences)),
            failures=tuple(self.failures),
            written_meanwhile=self.written_meanwhile,
            again=tuple(again for _, more in settled for again in more),
            left_out=tuple(name for name in self._all(self.source) if not self.wants(name)),
        )

    def _refuse_foreign(self) -> None:
        ours, theirs = set(self._names(self.source)), self._names(self.target)
        tally = _Tally("look", len(theirs), self.on_step)

        def look(db: str) -> Foreign | None:
            if db not in ours:
                return Foreign(db)
            source, target = self.source.replica(db), self.target.replica(db)
            found = tuple(foreign(source, target, limits=self.options.limits, pause=self.pause))
            tally.ended()
            return Foreign(db, found) if found else None

        found = tuple(one for one in self._each(theirs, look) if one is not None)
        if found:
            raise ForeignData(found)

    def _copy(self, stage: Stage, names: Sequence[str]) -> bool:
        """Carry what is new in each database; whether there was anything."""
        tally = _Tally(stage, len(names), self.on_step)
        results = self._each(names, lambda db: self._carry(db, tally))
        return any(result.missing_found for result in results if result is not None)

    def _carry(self, db: str, tally: _Tally, since: str | None = None) -> ReplicationResult | None:
        """Bring one database up to date; None if the source has dropped it meanwhile."""
        try:
            limit = self._steady(lambda: self.source.revs_limit(db))
            self._steady(lambda: self.target.create(db, q=self.options.q, n=self.options.n))
            if self._steady(lambda: self.target.revs_limit(db)) != limit:
                self._steady(lambda: self.target.put_revs_limit(db, limit))
            result = replicate(
                self.source.replica(db),
                self.target.replica(db),
                since=since,
                limits=self.options.limits,
                on_progress=lambda progress: self._told(db, progress, tally),
                pause=self.pause,
            )
            security = self._steady(lambda: self.source.security(db))
            if self._steady(lambda: self.target.security(db)) != security:
                self._steady(lambda: self.target.put_security(db, security))
        except NotFound:
            if db in self._all(self.source):
                raise
            return None
        self.failures.extend((db, failure) for failure in result.failures)
        tally.ended()
        return result

    def _told(self, db: str, progress: Progress, tally: _Tally) -> None:
        if self.ended.is_set():
            raise _Ended
        tally.told(db, progress)

    def _settle(self, db: str, tally: _Tally) -> tuple[Comparison | None, list[tuple[str, str]]]:
        """Compare a database, and carry it once more from its beginning if it differs."""
        try:
            found = self._compare(db)
            if found.differences:
                # Written since the last round, or refused once and perhaps no more.
                again = self._carry(db, _Tally("catch_up", 1, lambda _: None), since=BEGINNING)
                found = self._compare(db)
                if again is not None and again.docs_written:
                    self.written_meanwhile = True
            more = [] if found.differences else self._hand_over(db, found)
        except NotFound:
            if db in self._all(self.source):
                raise
            return None, []
        tally.ended(found.documents, found.attachment_bytes)
        return found, more

    def _compare(self, db: str) -> Comparison:
        return compare(self.source, self.target, db, limits=self.options.limits, pause=self.pause)

    def _hand_over(self, db: str, equal: Comparison) -> list[tuple[str, str]]:
        """Write the checkpoints of followers that have been given everything; the names of the others.

        What the target held at `equal.target_seq` was at the source by now, and a follower behind which the
        source has nothing now has been given all of that.
        """
        source, target = self.source.replica(db), self.target.replica(db)
        behind = []
        for name in self.options.followers:
            log = self._steady(lambda: source.get_local(name))  # noqa: B023
            if log is None:
                continue
            if self._has_more(source, str(log["seq"])):
                behind.append((db, name))
            else:
                self._steady(lambda: target.put_local(name, {"seq": equal.target_seq}))  # noqa: B023
        return behind

    def _has_more(self, source: Replica, since: str) -> bool:
        try:
            return bool(self._steady(lambda: source.changes(since, 1)).results)
        except BadRequest:  # a sequence that is not the source's own: a follower would be given everything
            return True

    def _strays(self) -> list[Difference]:
        """Databases that only one side has: one that the source dropped while it was moved."""
        ours, theirs = set(self._names(self.source)), set(self._names(self.target))
        return [
            Difference(db, "database", db in ours or None, db in theirs or None)
            for db in sorted(ours ^ theirs)
        ]

    def _names(self, site: Site) -> list[str]:
        return [name for name in self._all(site) if self.wants(name)]

    def _all(self, site: Site) -> list[str]:
        return self._steady(site.names)

    def _each(self, names: Iterable[str], work: Callable[[str], T]) -> list[T]:
        """`work` on each, `jobs` at a time. The first failure ends it, and the others at their next batch."""
        with ThreadPoolExecutor(self.options.jobs, thread_name_prefix="migrate") as pool:
            futures: list[Future[T]] = [pool.submit(work, name) for name in names]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                self.ended.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return [future.result() for future in futures]

    def _steady(self, step: Callable[[], T]) -> T:
        return steady(step, self.options.limits, self.pause)

"""Moving a whole site: everything arrives, nothing of others is touched, followers skip nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sync.follow import Follower, Pace, checkpoint_id
from sync.migration.compare import compare
from sync.migration.move import Foreign, ForeignData, Options, Report, Step, migrate
from sync.replication import Replica, Transient
from sync.replication.http import HttpSite
from sync.replication.local import LocalSite
from sync.replication.replica import Site
from sync.store import ChangeBatch, DocumentStore, NotOffered
from tests.migration.conftest import NAMES, fill
from tests.peers.conftest import LiveServer
from tests.replication.faulty import Faulty, Fuse
from tests.replication.kit import (
    SMALL,
    borrowed_couchdb,
    edit,
    leaf,
    leaves,
    local_site,
    needs_couchdb,
    state,
)

OPTIONS = Options(limits=SMALL, followers=(checkpoint_id("intake"),))


def everything(_: str) -> bool:
    return True


def move(source: Site, target: Site, **more: Any) -> Report:
    return migrate(source, target, everything, options=replace(OPTIONS, **more))


def whole(source: Site, target: Site) -> None:
    for name in source.names():
        assert state(target.replica(name)) == state(source.replica(name))
        assert target.security(name) == source.security(name)
        assert target.revs_limit(name) == source.revs_limit(name)
    assert target.names() == source.names()


def test_everything_arrives_and_a_second_run_carries_nothing(source: LocalSite, target: LocalSite) -> None:
    report = move(source, target)
    assert (report.differences, report.failures, report.written_meanwhile) == ((), (), False)
    assert [one.database for one in report.comparisons] == sorted(NAMES)
    whole(source, target)
    seqs = [target.replica(name).info().update_seq for name in NAMES]
    assert move(source, target).differences == ()
    assert [target.replica(name).info().update_seq for name in NAMES] == seqs


def test_steps_tell_how_far_it_is(source: LocalSite, target: LocalSite) -> None:
    told: list[Step] = []
    migrate(source, target, everything, options=OPTIONS, on_step=told.append)
    stages = list(dict.fromkeys(step.stage for step in told))
    assert stages == ["look", "copy", "catch_up", "verify"]
    for stage in stages:
        last = [step for step in told if step.stage == stage][-1]
        assert last.done == last.total
    carried = [step for step in told if step.stage == "copy"][-1]
    assert (carried.total, carried.documents, carried.attachment_bytes) == (3, 17, 514_000)


def test_what_is_not_ours_stays_behind_and_is_named(source: LocalSite, target: LocalSite) -> None:
    report = migrate(source, target, lambda name: name != "library", options=OPTIONS)
    assert report.left_out == ("library",)
    assert report.differences == ()
    assert target.names() == ["case-1", "media-1"]


def test_nobody_gets_in_before_the_documents_are_there(source: LocalSite, target: LocalSite) -> None:
    """A database that is half there is open to administrators only, also after a break."""

    def broken(db: str) -> Callable[[str], None]:
        def before(name: str) -> None:
            if name == "put_local":
                raise Transient("gone")

        return before

    with pytest.raises(Transient):
        move(source, FaultySite(target, broken), jobs=1)
    assert target.security("case-1")["members"] == {"roles": ["_admin"]}
    move(source, target)
    assert target.security("case-1")["members"] == {"names": ["wang"], "roles": []}


def test_foreign_data_are_refused_and_nothing_is_written(source: LocalSite, target: LocalSite) -> None:
    target.create("case-1")
    rev = edit(target.replica("case-1"), "theirs")
    target.create("case-9")
    with pytest.raises(ForeignData) as refusal:
        move(source, target)
    assert refusal.value.found == (Foreign("case-1", (("theirs", rev),)), Foreign("case-9"))
    assert target.names() == ["case-1", "case-9"]
    assert leaves(target.replica("case-1")) == {"theirs": (rev,)}


def test_a_target_that_went_into_service_is_refused(source: LocalSite, target: LocalSite) -> None:
    """Moved, switched over, edited there: to move again would mix two histories."""
    move(source, target)
    replica = target.replica("case-1")
    edit(replica, "inspection:1", leaf(replica, "inspection:1", leaves(replica)["inspection:1"][0]), n=9)
    with pytest.raises(ForeignData):
        move(source, target)


def test_a_difference_that_carrying_mends_is_mended(source: LocalSite, target: LocalSite) -> None:
    """The target was set back behind its own checkpoint: it is offered everything once more."""
    move(source, target)
    log = dict(logs(target, "case-1"))
    target._store.delete_database("case-1")
    target.create("case-1")
    for name, value in log.items():
        target._store.put_local("case-1", name, value)
    report = move(source, target)
    assert report.differences == ()
    whole(source, target)


def logs(site: LocalSite, db: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("follow-intake", *replication_logs(site, db)):
        found = site._store.get_local(db, name)
        if found is not None:
            yield name, found


def replication_logs(site: LocalSite, db: str) -> list[str]:
    with site._store._io.reading() as conn:
        rows = conn.execute("SELECT id FROM local_docs").fetchall()
    return [str(doc_id).removeprefix("_local/") for (doc_id,) in rows]


def test_a_difference_that_stays_is_told(source: LocalSite, target: LocalSite) -> None:
    class Deaf(FaultySite):
        def put_security(self, db: str, security: Any) -> None: ...

    report = move(source, Deaf(target))
    assert {(found.database, found.what) for found in report.differences} == {
        (name, "security") for name in NAMES
    }


def test_a_database_dropped_meanwhile_is_told(source: LocalSite, target: LocalSite) -> None:
    """Nothing is deleted at the target by us, and nothing is passed over in silence."""
    move(source, target)

    class Dropping(FaultySite):
        def names(self) -> list[str]:
            found = super().names()
            if self.asked == 1:
                source._store.delete_database("media-1")
            self.asked += 1
            return found

    report = move(Dropping(source), target)
    assert [(found.database, found.what) for found in report.differences] == [("media-1", "database")]
    assert [one.database for one in report.comparisons] == ["case-1", "library"]


@dataclass
class FaultySite:
    """A site whose replicas fail as `faults(db)` says."""

    site: Site
    faults: Callable[[str], Callable[[str], None]] = lambda _: lambda _: None
    asked: int = 0

    @property
    def identity(self) -> str:
        return self.site.identity

    @property
    def label(self) -> str:
        return self.site.label

    def names(self) -> list[str]:
        return self.site.names()

    def create(self, db: str, *, q: int | None = None, n: int | None = None) -> None:
        self.site.create(db, q=q, n=n)

    def security(self, db: str) -> dict[str, Any]:
        return self.site.security(db)

    def put_security(self, db: str, security: Any) -> None:
        self.site.put_security(db, security)

    def revs_limit(self, db: str) -> int:
        return self.site.revs_limit(db)

    def put_revs_limit(self, db: str, limit: int) -> None:
        self.site.put_revs_limit(db, limit)

    def replica(self, db: str) -> Replica:
        return Faulty(self.site.replica(db), self.faults(db))

    def close(self) -> None: ...


def test_it_may_break_off_at_any_call_and_is_resumed(source: LocalSite, tmp_path: Path) -> None:
    class Broken(Exception):
        pass

    broke_off = 0
    for at in range(1, 60, 4):
        with local_site(tmp_path / f"target-{at}") as target:
            fuse = Fuse(at, Broken)
            try:
                move(source, FaultySite(target, lambda _, fuse=fuse: fuse), jobs=1)  # type: ignore[misc]
            except Broken:
                broke_off += 1
            assert move(source, target).differences == ()
            whole(source, target)
    assert broke_off > 10


def test_when_one_database_fails_the_others_stop_at_their_next_batch(
    source: LocalSite, target: LocalSite
) -> None:
    """Nobody waits for a large database before hearing that the line is gone."""
    for number in range(300):
        edit(source.replica("case-1"), f"more:{number}")
    failed, asked = threading.Event(), [0]

    def before(db: str) -> Callable[[str], None]:
        def fault(name: str) -> None:
            if db == "media-1" and name == "revs_diff":
                failed.set()
                raise NotOffered("not here")
            if db == "case-1":
                failed.wait(10)
                asked[0] += name == "revs_diff"

        return fault

    with pytest.raises(NotOffered):
        move(source, FaultySite(target, before), jobs=3)
    assert asked[0] < 300 / SMALL.page / 2


# -- a source that is written to


def test_what_is_written_meanwhile_is_caught_up_with_and_told(source: LocalSite, target: LocalSite) -> None:
    written = threading.Event()

    def late(step: Step) -> None:
        if step.stage == "copy" and step.done == step.total and not written.is_set():
            written.set()
            edit(source.replica("case-1"), "late")
            source.create("case-2")
            edit(source.replica("case-2"), "case")

    report = migrate(source, target, everything, options=OPTIONS, on_step=late)
    assert (report.differences, report.written_meanwhile) == ((), True)
    assert len(report.comparisons) == 4
    whole(source, target)
    assert move(source, target).written_meanwhile is False


# -- followers


@dataclass
class Taken:
    """A follower that remembers what it was given: (database, id, revisions)."""

    store: DocumentStore
    given: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def follow(self, rounds: int = 1_000, batch: int = 2) -> None:
        follower = Follower(
            self.store,
            "intake",
            lambda name: name.startswith("case-"),
            self._take,
            style="all_docs",
            include_docs=False,
            pace=Pace(batch=batch),
        )
        for _ in range(rounds):
            if not follower.run_once():
                return

    def _take(self, db: str, batch: ChangeBatch) -> None:
        self.given.extend((db, change.id, tuple(sorted(change.revs))) for change in batch.results)


def now_at(site: Site) -> set[tuple[str, str, tuple[str, ...]]]:
    return {
        ("case-1", doc_id, tuple(sorted(revs))) for doc_id, revs in leaves(site.replica("case-1")).items()
    }


def test_a_follower_that_had_everything_goes_on_with_what_is_new(
    source: LocalSite, target: LocalSite
) -> None:
    Taken(source._store).follow()
    report = move(source, target)
    assert report.again == ()
    rev = edit(target.replica("case-1"), "new there")
    after = Taken(target._store)
    after.follow()
    assert after.given == [("case-1", "new there", (rev,))]


@pytest.mark.parametrize("rounds", range(6))
def test_a_follower_that_lagged_is_given_everything_it_had_not(
    source: LocalSite, target: LocalSite, rounds: int
) -> None:
    """Wherever it stood: what it had at the source and gets at the target is all there is."""
    before, after = Taken(source._store), Taken(target._store)
    before.follow(rounds)
    report = move(source, target)
    after.follow()
    assert set(before.given) | set(after.given) >= now_at(target)
    lagged = set(before.given) < now_at(source)
    assert report.again == ((("case-1", "follow-intake"),) if lagged and rounds else ())


def test_a_revision_carried_ahead_of_the_checkpoint_is_not_skipped(
    source: LocalSite, target: LocalSite
) -> None:
    """The trap: a document is listed before the checkpoint, edited, and carried as it is now.

    At the target the edit lies before any number that stood for the checkpoint; the follower at the source
    has not been given it. It must be given it at the target.
    """
    Taken(source._store).follow()
    replica = source.replica("case-1")
    edited: list[str] = []

    def edit_late(name: str) -> None:
        if name == "bulk_get" and not edited:
            parent = leaf(replica, "inspection:3", leaves(replica)["inspection:3"][0])
            edited.append(edit(replica, "inspection:3", parent, n="late"))

    move(FaultySite(source, lambda db: edit_late if db == "case-1" else lambda _: None), target)
    after = Taken(target._store)
    after.follow()
    assert ("case-1", "inspection:3", (edited[0],)) in after.given


def test_a_checkpoint_made_before_the_last_round_still_skips_nothing(
    source: LocalSite, target: LocalSite
) -> None:
    Taken(source._store).follow()
    move(source, target)
    late = edit(source.replica("case-1"), "late")
    report = move(source, target)
    assert report.again == (("case-1", "follow-intake"),)
    after = Taken(target._store)
    after.follow()
    assert after.given == [("case-1", "late", (late,))]


def test_no_sequence_of_the_source_is_handed_over(source: LocalSite, target: LocalSite) -> None:
    Taken(source._store).follow()
    move(source, target)
    logs_there = {log["seq"] for name, log in logs(target, "case-1") if name == "follow-intake"}
    assert logs_there == {target.replica("case-1").info().update_seq}


# -- other engines


@contextmanager
def over_http(live: LiveServer) -> Iterator[HttpSite]:
    site = HttpSite(live.url.replace("//", "//admin:admin@"))
    yield site
    for name in site.names():
        site.json("DELETE", f"/{name}")
    site.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("migration") / "data")
    server.start()
    yield server
    server.stop()


def test_to_hezha_over_http_and_back(source: LocalSite, target: LocalSite, live: LiveServer) -> None:
    Taken(source._store).follow()
    with over_http(live) as between:
        assert move(source, between).differences == ()
        whole(source, between)
        report = move(between, target)
        assert (report.differences, report.again) == ((), ())
    whole(source, target)
    assert compare(source, target, "case-1").differences == ()


@needs_couchdb
def test_to_couchdb_and_back(tmp_path: Path) -> None:
    """Texts are packed by CouchDB as it stores them: their digests differ and their bytes do not."""
    with (
        borrowed_couchdb() as borrowed,
        local_site(tmp_path / "one") as one,
        local_site(tmp_path / "two") as two,
    ):
        fill(one, borrowed.prefix)
        options = replace(OPTIONS, q=1, n=1)
        up = migrate(one, borrowed.site, borrowed.ours, options=options)
        assert (up.differences, len(up.comparisons)) == ((), 3)
        created = borrowed.site.json("GET", f"/{borrowed.prefix}case-1")
        assert (created["cluster"]["q"], created["cluster"]["n"]) == (1, 1)
        again = migrate(one, borrowed.site, borrowed.ours, options=options)
        assert (again.differences, again.written_meanwhile) == ((), False)
        down = migrate(borrowed.site, two, borrowed.ours, options=options)
        assert down.differences == ()
        assert migrate(one, two, borrowed.ours, options=options).differences == ()
        for name in one.names():
            assert two.security(name) == one.security(name)
        note = borrowed.prefix + "media-1", "note"
        rev = leaves(one.replica(note[0]))["note"][0]
        specs = [leaf(site.replica(note[0]), "note", rev)["_attachments"]["words"] for site in (one, two)]
        assert [spec.get("encoding") for spec in specs] == [None, "gzip"]
        assert specs[0]["length"] == specs[1]["length"]


@needs_couchdb
def test_a_follower_goes_on_at_couchdb_where_it_was(source: LocalSite) -> None:
    with borrowed_couchdb() as borrowed:
        prefix = borrowed.prefix
        fill(source, prefix)
        follower = Follower(source._store, "intake", borrowed.ours, lambda _db, _batch: None)
        while follower.run_once():
            pass
        report = migrate(source, borrowed.site, borrowed.ours, options=OPTIONS)
        assert (report.differences, report.again) == ((), ())
        replica = borrowed.site.replica(f"{prefix}case-1")
        log = replica.get_local("follow-intake")
        assert log is not None
        assert replica.changes(log["seq"], 10).results == ()
        edit(replica, "new there")
        assert [change.id for change in replica.changes(log["seq"], 10).results] == ["new there"]

"""The power fails just after an answer: what was answered is on the disk, whatever else was not yet."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from sync.embedded.engine import EmbeddedStore
from sync.embedded.machinery import Limits
from sync.embedded.safety.check import check
from sync.store import NewAttachment
from tests.durability.disk import Disk, Moment, after_power_loss

THREADS = 6
ROUNDS = 8
DATABASE = "db"


class Ledger:
    """What was acknowledged, and the disk's state at some of those moments."""

    def __init__(self, disk: Disk) -> None:
        self.rows: list[tuple[str, str, str | None]] = []
        self.moments: list[tuple[int, Moment]] = []
        self._disk = disk
        self._lock = threading.Lock()

    def acknowledged(self, doc_id: str, rev: str, photo: bytes | None = None) -> None:
        with self._lock:
            self.rows.append((doc_id, rev, None if photo is None else hashlib.sha256(photo).hexdigest()))
            self.moments.append((len(self.rows), self._disk.moment()))


def attach(store: EmbeddedStore, doc_id: str, rev: str | None, data: bytes) -> str:
    return store.put_attachment(DATABASE, doc_id, rev, NewAttachment("photo", "image/jpeg", io.BytesIO(data)))


def work(store: EmbeddedStore, ledger: Ledger, name: str) -> None:
    random = Random(name)
    shared = Random("shared").randbytes(3000)
    for number in range(ROUNDS):
        doc_id = f"{name}:{number}"
        if number % 3 == 0:
            for row in store.bulk_docs(DATABASE, [{"_id": f"{doc_id}:{n}"} for n in range(3)]):
                assert row.rev is not None
                ledger.acknowledged(row.id, row.rev)
        elif number % 3 == 1:
            # Every thread sends the same bytes now and then: whoever comes second must not undo the first.
            data = shared if random.random() < 0.5 else random.randbytes(2000)
            ledger.acknowledged(doc_id, attach(store, doc_id, None, data), data)
        else:
            rev = store.put(DATABASE, {"_id": doc_id, "v": 1})
            ledger.acknowledged(doc_id, store.put(DATABASE, {"_id": doc_id, "_rev": rev, "v": 2}))


def expect(target: Path, rows: list[tuple[str, str, str | None]]) -> None:
    assert check(target).unreadable == ""
    store = EmbeddedStore(target)
    for doc_id, rev, photo in rows:
        assert store.get(DATABASE, doc_id)["_rev"] == rev
        if photo is not None:
            with store.open_attachment(DATABASE, doc_id, "photo") as found:
                assert hashlib.sha256(found.stream.read()).hexdigest() == photo, doc_id
    store.close()
    assert check(target, deep=True).sound


@pytest.mark.parametrize("names_kept", [False, True])
def test_what_was_answered_survives_a_loss_of_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names_kept: bool
) -> None:
    """From the very first start, in a folder that nobody had made before."""
    root = tmp_path / "disk"
    root.mkdir()
    disk = Disk(root)
    ledger = Ledger(disk)
    with disk.watched(monkeypatch):
        store = EmbeddedStore(root / "srv" / "data")
        store.create_database(DATABASE)
        with ThreadPoolExecutor(THREADS) as pool:
            for one in [pool.submit(work, store, ledger, f"w{n}") for n in range(THREADS)]:
                one.result()
        store.close()
    chosen = [*Random(5).sample(ledger.moments, 10), ledger.moments[0], ledger.moments[-1]]
    for number, (count, moment) in enumerate(chosen):
        after_power_loss(moment, root, tmp_path / f"after-{number}", names_kept=names_kept)
        expect(tmp_path / f"after-{number}" / "srv" / "data", ledger.rows[:count])


def test_a_new_database_survives_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    disk = Disk(root)
    with disk.watched(monkeypatch):
        store = EmbeddedStore(root / "data")
        store.create_database(DATABASE)
        after_power_loss(disk.moment(), root, tmp_path / "after", names_kept=False)
        store.close()
    again = EmbeddedStore(tmp_path / "after" / "data")
    assert again.database_names() == [DATABASE]
    again.close()


def test_the_disk_of_these_tests_forgets_what_was_not_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without syncs the same writes are lost: the tests above could fail."""
    root = tmp_path / "disk"
    root.mkdir()
    disk = Disk(root)
    with disk.watched(monkeypatch):
        store = EmbeddedStore(root / "data")
        store.create_database(DATABASE)
        monkeypatch.setattr("sync.embedded.blobs.make_durable", lambda _path: None)
        attach(store, "a", None, b"x" * 1000)
        after_power_loss(disk.moment(), root, tmp_path / "lost", names_kept=False)
        after_power_loss(disk.moment(), root, tmp_path / "empty", names_kept=True)
        store.close()
    for name, code in (("lost", "blob_missing"), ("empty", "blob_length")):
        assert set(check(tmp_path / name / "data").flaws) == {code}


def test_a_photo_sent_again_never_endangers_the_one_that_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tablet's retry brings the same bytes; the power fails before they are safe a second time."""
    root = tmp_path / "disk"
    root.mkdir()
    disk = Disk(root)
    data = Random(1).randbytes(5000)
    moments: list[Moment] = []
    with disk.watched(monkeypatch):
        store = EmbeddedStore(root / "data")
        store.create_database(DATABASE)
        rev = attach(store, "a", None, data)
        on_every_call(monkeypatch, "rename", lambda: moments.append(disk.moment()))
        attach(store, "b", None, data)
        store.close()
    assert moments
    for number, moment in enumerate(moments):
        after_power_loss(moment, root, tmp_path / f"after-{number}", names_kept=True)
        expect(tmp_path / f"after-{number}" / "data", [("a", rev, hashlib.sha256(data).hexdigest())])


def on_every_call(monkeypatch: pytest.MonkeyPatch, name: str, then: Callable[[], None]) -> None:
    """Do something after every call of a function of `os`."""
    import os

    real = getattr(os, name)

    def wrapped(*args: object, **kwargs: object) -> object:
        result = real(*args, **kwargs)
        then()
        return result

    monkeypatch.setattr(os, name, wrapped)


def test_many_answers_share_one_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred writes that come together cost a few syncs of the log, and one each if they come alone."""
    root = tmp_path / "disk"
    root.mkdir()
    disk = Disk(root)
    with disk.watched(monkeypatch):
        store = EmbeddedStore(root / "data", limits=Limits(group=256))
        store.create_database(DATABASE)
        before = disk.syncs
        for number in range(10):
            store.put(DATABASE, {"_id": f"alone:{number}"})
        alone = disk.syncs - before
        gate = threading.Barrier(201)

        def put(number: int) -> None:
            gate.wait()
            store.put(DATABASE, {"_id": f"together:{number}"})

        with ThreadPoolExecutor(200) as pool:
            running = [pool.submit(put, number) for number in range(200)]
            before = disk.syncs
            gate.wait()
            for one in running:
                one.result()
        together = disk.syncs - before
        assert store.info(DATABASE).doc_count == 210
        store.close()
    assert alone >= 10
    assert together / 200 < alone / 10 / 2

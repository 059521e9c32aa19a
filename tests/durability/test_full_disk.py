"""The disk is full: a refusal with the right number, reading goes on, and all is well when there is room."""

from __future__ import annotations

import base64
from pathlib import Path
from random import Random

import apsw
import pytest
import requests

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.check import check
from sync.store import NoSpace
from tests.durability.victim import ADMIN, Victim


class Ballast:
    """Takes the room that is left, and gives it back."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ballast"

    def take(self, *, leave: int = 0) -> None:
        chunk = bytes(4096)
        with self._file.open("wb", buffering=0) as out:
            try:
                while True:
                    out.write(chunk)
            except OSError:
                pass
            out.truncate(max(0, self._file.stat().st_size - leave))

    def give_back(self) -> None:
        self._file.unlink()


def ask(victim: Victim, method: str, path: str, **kwargs: object) -> requests.Response:
    return requests.request(method, f"{victim.url}/{path}", auth=ADMIN, timeout=60, **kwargs)  # type: ignore[arg-type]


def full(response: requests.Response) -> None:
    assert response.status_code == 507, (response.status_code, response.text)
    assert response.json()["error"] == "insufficient_storage"


def photo(data: bytes) -> dict[str, object]:
    return {"photo": {"content_type": "image/jpeg", "data": base64.b64encode(data).decode()}}


@pytest.mark.parametrize("room", [0, 8192, 60_000])
def test_a_full_disk_is_told_as_507_and_passes(small_disk: Path, tmp_path: Path, room: int) -> None:
    """With no room at all, where not even the log can be written; with room for a name, or for some bytes."""
    random = Random(room)
    ballast = Ballast(small_disk)
    with Victim(small_disk / "house", log_folder=tmp_path if room else None) as victim:
        victim.start()
        assert ask(victim, "PUT", "db").status_code == 201
        kept = {}
        for number in range(5):
            data = random.randbytes(20_000)
            body = {"v": number, "_attachments": photo(data)}
            kept[f"before:{number}"] = ask(victim, "PUT", f"db/before:{number}", json=body).json()["rev"]
        ballast.take(leave=room)

        # Until it is full in every way: what is answered with 201 on the way there counts like any other.
        refusals = set()
        for number in range(12):
            answers = {
                f"doc:{number}": ask(victim, "PUT", f"db/doc:{number}", json={"pad": "x" * 30_000}),
                f"inline:{number}": ask(
                    victim,
                    "PUT",
                    f"db/inline:{number}",
                    json={"_attachments": photo(random.randbytes(30_000))},
                ),
                f"stream:{number}": ask(
                    victim, "PUT", f"db/stream:{number}/photo", data=random.randbytes(30_000)
                ),
            }
            for doc_id, answer in answers.items():
                if answer.status_code == 201:
                    kept[doc_id] = answer.json()["rev"]
                else:
                    full(answer)
                    refusals.add(doc_id.partition(":")[0])
        assert refusals == {"doc", "inline", "stream"}
        batch = [{"_id": f"bulk:{n}", "_attachments": photo(random.randbytes(30_000))} for n in range(3)]
        full(ask(victim, "POST", "db/_bulk_docs", json={"docs": batch}))
        plain = [{"_id": f"plain:{n}", "pad": "x" * 45_000} for n in range(2)]
        full(ask(victim, "POST", "db/_bulk_docs", json={"docs": plain}))

        for doc_id, rev in kept.items():
            found = ask(victim, "GET", f"db/{doc_id}", params={"attachments": "true"})
            assert (found.status_code, found.json().get("_rev")) == (200, rev)
        changes = ask(victim, "GET", "db/_changes").json()["results"]
        assert {row["id"] for row in changes} == set(kept)

        ballast.give_back()
        assert ask(victim, "POST", "db/_bulk_docs", json={"docs": batch}).status_code == 201
        assert ask(victim, "PUT", "db/after", json={"_attachments": photo(b"x" * 30_000)}).status_code == 201
        victim.kill()
        victim.start()
        assert len(ask(victim, "GET", "db/_changes").json()["results"]) == len(kept) + 4
        assert check(victim.data, deep=True).sound


def test_a_server_starts_and_answers_on_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """It was full when the power failed: what is there can be read at once."""
    ballast = Ballast(small_disk)
    with Victim(small_disk / "house", log_folder=tmp_path) as victim:
        victim.start()
        ask(victim, "PUT", "db")
        rev = ask(victim, "PUT", "db/a", json={"v": 1}).json()["rev"]
        ballast.take(leave=40_000)  # the log's index is made anew at every start
        victim.kill()
        victim.start()
        assert ask(victim, "GET", "db/a").json()["_rev"] == rev
        full(ask(victim, "PUT", "db/b", json={"pad": "x" * 500_000}))
        ballast.give_back()
        assert ask(victim, "PUT", "db/b", json={"v": 1}).status_code == 201


def test_a_database_that_may_not_grow_refuses_and_serves(tmp_path: Path) -> None:
    """The same without a file system of our own: SQLite is told how many pages there are."""
    store = EmbeddedStore(tmp_path / "data")
    store.create_database("db")
    kept = store.put("db", {"_id": "kept", "pad": "x" * 1000})

    def limit(pages: int | None) -> None:
        def job(conn: apsw.Connection) -> None:
            most = pages if pages is not None else 2**32 - 2
            conn.execute(f"PRAGMA max_page_count={most}").fetchall()

        store._io.write(job)

    limit(1)  # SQLite takes what there is as the least
    for _ in range(2):
        with pytest.raises(NoSpace):
            store.put("db", {"_id": "big", "pad": "x" * 100_000})
        with pytest.raises(NoSpace):
            store.bulk_docs("db", [{"_id": "big", "pad": "x" * 100_000}, {"_id": "other"}])
    assert store.get("db", "kept")["_rev"] == kept
    assert store.info("db").doc_count == 1
    limit(None)
    store.put("db", {"_id": "big", "pad": "x" * 100_000})
    assert store.info("db").doc_count == 2
    store.close()

"""When the disk fails the office is told so in a problem with a code of its own, and nothing is half done."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.values import blob_path
from tests.desk import Desk, open_desk, refused

#: More than SQLite can number.
_ALL_PAGES = 2**32 - 2


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def may_have(desk: Desk, pages: int) -> None:
    """Let the store's file grow to so many pages, or stay as it is if that is less."""
    store = desk.made.store
    assert isinstance(store, EmbeddedStore)

    def job(conn: apsw.Connection) -> None:
        conn.execute(f"PRAGMA max_page_count={pages}").fetchall()

    store._io.write(job)


def test_a_full_store_is_507_and_the_same_request_is_good_when_there_is_room(desk: Desk) -> None:
    def open_case(number: int) -> TestResponse:
        body = desk.application(no=f"FULL-{number}", title="x" * 190)
        return desk.ask("POST", "/cases", json=body, headers={"Idempotency-Key": f"key-{number}"})

    desk.open_case()
    may_have(desk, 1)
    number = 0
    while (answer := open_case(number)).status_code == 201:  # until the free pages of the file are used up
        number += 1
    refused(answer, 507, "disk_full")
    assert desk.ask("GET", "/cases").status_code == 200
    may_have(desk, _ALL_PAGES)
    assert open_case(number).status_code == 201


def test_a_full_read_model_is_507_and_catches_up(desk: Desk) -> None:
    """The case is written and its row is not: the office is not told a success that lists do not show."""
    engine = desk.made.readmodel.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def keep_small(connection: sqlite3.Connection, *_more: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(engine, "checkout", keep_small)
    for number in range(500):  # until the free pages of the file are used up
        answer = desk.ask("POST", "/cases", json=desk.application(no=f"FULL-{number}", title="x" * 190))
        if answer.status_code != 201:
            break
    refused(answer, 507, "disk_full")
    event.remove(engine, "checkout", keep_small)
    event.listen(engine, "checkout", lambda c, *_: c.execute(f"PRAGMA max_page_count={_ALL_PAGES}"))
    made = desk.made
    lost = [case for case in made.cases.ids() if made.cases.load(case).case.no == f"FULL-{number}"]
    assert desk.ask("GET", "/cases", query_string={"q": f"FULL-{number}"}).get_json()["items"] == []
    desk.intake()  # the worker sees the case's document change and settles it
    rows = desk.get("/cases", query_string={"q": f"FULL-{number}"})["items"]
    assert [row["id"] for row in rows] == lost


def test_a_full_spool_is_507(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The office uploads a photo; the disk below the spool fills up on the way."""
    case = desk.open_case()

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("server.api.photos.tempfile.NamedTemporaryFile", full)
    answer = desk.ask(
        "POST",
        f"/cases/{case}/photos",
        data={"purpose": "answer", "photo": (io.BytesIO(b"x"), "a.jpg")},
        content_type="multipart/form-data",
    )
    refused(answer, 507, "disk_full")


def test_lost_bytes_of_a_photo_are_told_and_its_record_is_shown(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    [photo] = desk.get(f"/cases/{case}/photos")["items"]
    store = desk.made.store
    document = store.get(desk.media(case), f"photo:{photo['id']}")
    blob_path(desk.made.settings.data_dir, document["sha256"]).unlink()
    answer = desk.ask("GET", f"/photos/{photo['id']}", query_string={"size": "original"})
    refused(answer, 500, "bytes_missing")
    assert desk.get(f"/cases/{case}/photos")["items"] == [photo]

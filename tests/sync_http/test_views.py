"""Views over HTTP: exact and of one moment, or refused; what they answer is in `test_like_couchdb.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from sync.embedded.engine import EmbeddedStore
from sync.embedded.feed import FeedQuery
from sync.embedded.http import HttpLimits, ViewLimits, create_blueprint
from sync.store import ChangeBatch
from tests.sync_http.conftest import Asker, by_name

LIMITS = HttpLimits(
    filter_seconds=0.3,
    views=ViewLimits(documents=20, rows=40, bytes=2000, at_once=1, page=4, reduced=3),
)
BY_N = "function(doc) { emit(doc.n, null); }"


@pytest.fixture
def meddled(tmp_path: Path) -> Meddled:
    store = Meddled(tmp_path)
    store.create_database("db")
    return store


class Meddled(EmbeddedStore):
    """A store in which something happens between two pages of a feed."""

    pages = 0

    def between(self, page: int) -> None:
        """Called before the page of that number, from 1."""

    def read_changes(self, db: str, query: FeedQuery) -> ChangeBatch:
        self.pages += 1
        self.between(self.pages)
        return super().read_changes(db, query)


def served(store: EmbeddedStore, limits: HttpLimits) -> Asker:
    app = Flask("views")
    app.register_blueprint(create_blueprint(store, by_name, limits=limits), url_prefix="/sync")
    return Asker(app.test_client(), "admin")


@pytest.fixture
def asker(meddled: Meddled) -> Asker:
    return served(meddled, LIMITS)


@pytest.fixture
def impatient(meddled: Meddled) -> Asker:
    """Asks a server that gives a view no time to speak of."""
    return served(meddled, replace(LIMITS, views=replace(LIMITS.views, seconds=0.2)))


def fill(asker: Asker, count: int = 10, **views: Any) -> None:
    docs = [{"_id": f"doc-{number:02}", "n": number} for number in range(count)]
    asker.post("/db/_bulk_docs", {"docs": docs}, status=201)
    asker.put("/db/_design/d", {"views": views or {"n": {"map": BY_N}}})


def numbers(answer: dict[str, Any]) -> list[Any]:
    return [row["key"] for row in answer["rows"]]


def test_a_document_that_changes_while_others_are_read_has_its_newest_rows_once(
    asker: Asker, meddled: Meddled
) -> None:
    fill(asker)

    def change(page: int) -> None:
        if page == 2:
            first, last = meddled.get("db", "doc-00"), meddled.get("db", "doc-09")
            meddled.put("db", {**first, "n": 100})
            meddled.put("db", {**last, "_deleted": True})
            meddled.put("db", {"_id": "new", "n": 200})

    meddled.between = change  # type: ignore[method-assign]
    answer = asker.get("/db/_design/d/_view/n?update_seq=true")
    assert numbers(answer) == [*range(1, 9), 100, 200]
    assert answer["update_seq"] == meddled.info("db").update_seq


def test_what_is_purged_while_others_are_read_is_not_shown(asker: Asker, meddled: Meddled) -> None:
    fill(asker)

    def purge(page: int) -> None:
        if page == 2:
            meddled.purge("db", {"doc-00": [meddled.get("db", "doc-00")["_rev"]]})

    meddled.between = purge  # type: ignore[method-assign]
    assert numbers(asker.get("/db/_design/d/_view/n")) == [*range(1, 10)]


def test_another_database_of_the_same_name_is_read_from_its_beginning(asker: Asker, meddled: Meddled) -> None:
    fill(asker)

    def replace(page: int) -> None:
        if page == 2:
            meddled.delete_database("db")
            meddled.create_database("db")
            meddled.put("db", {"_id": "other", "n": -1})

    meddled.between = replace  # type: ignore[method-assign]
    assert numbers(asker.get("/db/_design/d/_view/n")) == [-1]


@pytest.mark.parametrize(
    ("count", "map_function", "what"),
    [
        (20, BY_N, "20 documents"),  # and the design document
        (15, "function(doc) { emit(1); emit(2); emit(3); }", "40 rows"),
        (5, "function(doc) { emit('x'.repeat(600)); }", "2000 bytes of rows"),
    ],
)
def test_what_takes_too_much_is_501_and_never_a_part(
    asker: Asker, count: int, map_function: str, what: str
) -> None:
    fill(asker, count, n={"map": map_function})
    refusal = asker.get("/db/_design/d/_view/n?limit=1", status=501)
    assert refusal["error"] == "not_implemented"
    assert refusal["reason"].startswith(f"The view takes more than {what}")
    assert "CouchDB" in refusal["reason"]


def test_what_takes_too_long_is_501(asker: Asker, impatient: Asker) -> None:
    slow = "function() { const end = Date.now() + 50; while (Date.now() < end); return 1; }"
    fill(asker, 15, map={"map": slow}, reduce={"map": BY_N, "reduce": slow})
    for name in ("map", "reduce?group=true"):
        refusal = impatient.get(f"/db/_design/d/_view/{name}", status=501)
        assert refusal["reason"].startswith("The view takes more than 0.2 seconds")
    assert len(asker.get("/db/_design/d/_view/reduce?group=true")["rows"]) == 15


@pytest.mark.parametrize(
    "source",
    [
        "function(doc) { while (true); }",
        "function(doc) { const all = []; while (true) all.push(new Array(1e6).fill(1)); }",
        "function(doc) { (function again() { again(); })(); }",
    ],
)
def test_a_runaway_function_is_an_error_of_who_asked(asker: Asker, source: str) -> None:
    fill(asker, 3, n={"map": source}, good={"map": BY_N}, bad={"map": BY_N, "reduce": source})
    for name in ("n", "bad"):
        refusal = asker.get(f"/db/_design/d/_view/{name}", status=500)
        assert refusal["reason"].startswith("The function exceeded its limits")
        assert numbers(asker.get("/db/_design/d/_view/good")) == [0, 1, 2]


def test_rows_reduced_in_parts_are_reduced_again(asker: Asker) -> None:
    source = "function(keys, values, again) { return again ? sum(values) : values.length; }"
    fill(asker, 10, n={"map": BY_N, "reduce": source})
    assert asker.get("/db/_design/d/_view/n")["rows"] == [{"key": None, "value": 10}]


def test_one_who_finds_all_places_taken_is_told_to_come_again(
    asker: Asker, impatient: Asker, meddled: Meddled
) -> None:
    fill(asker)
    second: list[int] = []

    def ask(page: int) -> None:
        if page == 1:
            second.append(impatient.ask("GET", "/db/_design/d/_view/n").status_code)

    meddled.between = ask  # type: ignore[method-assign]
    impatient.ask("GET", "/db/_design/d/_view/n")
    assert second == [503]
    meddled.between = lambda page: None  # type: ignore[method-assign]
    assert len(asker.get("/db/_design/d/_view/n")["rows"]) == 10


@pytest.mark.parametrize(
    ("design", "status", "error"),
    [
        ({"views": 5}, 404, "not_found"),
        ({"views": {"n": 5}}, 404, "not_found"),
        ({"views": {"n": {}}}, 404, "not_found"),
        ({"views": {"n": {"map": 5}}}, 500, "compilation_error"),
        ({"views": {"n": {"map": "function("}}}, 500, "compilation_error"),
        ({"views": {"n": {"map": BY_N, "reduce": 5}}}, 500, "compilation_error"),
        ({"views": {"n": {"map": BY_N, "reduce": "function("}}}, 500, "compilation_error"),
        ({"views": {"n": {"map": BY_N, "reduce": "_top_2"}}}, 501, "not_implemented"),
        ({"views": {"n": {"map": BY_N}}, "language": "erlang"}, 501, "not_implemented"),
        ({"views": {"n": {"map": BY_N, "options": {"collation": "raw"}}}}, 501, "not_implemented"),
    ],
)
def test_a_view_that_cannot_be_computed_is_refused(
    asker: Asker, design: dict[str, Any], status: int, error: str
) -> None:
    asker.put("/db/_design/d", design)
    assert asker.get("/db/_design/d/_view/n", status=status)["error"] == error


def test_members_ask_and_administrators_say_what_can_be_asked(admin: Asker, wang: Asker, liu: Asker) -> None:
    admin.put("/case-1/_design/own", {"views": {"n": {"map": BY_N}}})
    assert wang.get("/case-1/_design/own/_view/n")["rows"] == []
    wang.put("/case-1/_design/more", {"views": {"n": {"map": BY_N}}}, status=403)
    admin.put("/case-1/_security", {"members": {"names": ["wang"], "roles": []}}, status=200)
    liu.get("/case-1/_design/own/_view/n", status=403)

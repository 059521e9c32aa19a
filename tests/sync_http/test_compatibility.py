"""`docs/compatibility.md` says what is offered and what is 501; each row of its tables is asked here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sync.embedded.http import dispatch
from tests.sync_http.conftest import Asker

PAGE = Path(__file__).parents[2] / "docs/compatibility.md"
_ROW = re.compile(r"\| `([A-Z]+) (/\S*)` \| (offered|501) \|")

#: Bodies of requests that want one, by path without parameters.
BODIES: dict[str, Any] = {
    "/_session": {"name": "admin", "password": "admin"},
    "/db": {"n": 1},
    "/db/_all_docs": {"keys": ["doc"]},
    "/db/_design_docs": {"limit": 1},
    "/db/_local_docs": {"limit": 1},
    "/db/_bulk_docs": {"docs": [{"n": 1}]},
    "/db/_bulk_get": {"docs": [{"id": "doc"}]},
    "/db/_changes": {"selector": {"n": 1}},
    "/db/_compact": {},
    "/db/_ensure_full_commit": {},
    "/db/_missing_revs": {"doc": ["1-a"]},
    "/db/_purge": {"none": ["1-a"]},
    "/db/_purged_infos_limit": 100,
    "/db/_revs_diff": {"doc": ["1-a"]},
    "/db/_revs_limit": 1000,
    "/db/_security": {},
    "/db/_design/own/_view/all": {"keys": ["doc"]},
    "/db/_design/own/_view/all/queries": {"queries": [{}]},
    "/db/doc2": {"n": 2},
    "/db/_local/x": {"n": 1},
    **{f"/db/{name}/queries": {"queries": [{}]} for name in ("_all_docs", "_design_docs", "_local_docs")},
}


def rows() -> list[tuple[str, str, str]]:
    """Method, path with its parameters, and what the page says of it."""
    return [(match[1], match[2], match[3]) for match in _ROW.finditer(PAGE.read_text())]


def test_the_page_speaks_of_every_path_that_is_known_here() -> None:
    told = {(method, path.partition("?")[0].strip("/")) for method, path, _ in rows()}
    paths = {path for _, path in told}
    for name, methods in dispatch.SERVER.items():
        assert told.issuperset((method, name) for method in methods), name
    for name, inside in dispatch.DATABASE.items():
        assert told.issuperset((method, f"db/{name}".strip("/")) for method in inside), name
    for names, below in dispatch.DATABASE_BELOW.items():
        assert told.issuperset((method, "/".join(("db", *names))) for method in below), names
    assert paths.issuperset(dispatch.SERVER_NOT_OFFERED)
    assert {path.split("/")[1] for path in paths if "/" in path}.issuperset(dispatch.DATABASE_NOT_OFFERED)


@pytest.fixture
def db(admin: Asker) -> Asker:
    admin.put("/db")
    made = admin.put("/db/doc", {"n": 0})
    assert made["rev"].startswith("1-")
    views = {"all": {"map": MAP}, "count": {"map": MAP, "reduce": "_count"}}
    admin.put("/db/_design/own", {"filters": {"some": "function(doc) { return true; }"}, "views": views})
    return admin


MAP = "function(doc) { emit(doc._id, null); }"
#: What a row finds there because another was asked before it.
BEFORE = {
    ("DELETE", "/new"): ("PUT", "/new"),
    ("DELETE", "/db/doc2"): ("PUT", "/db/doc2"),
    ("GET", "/db/_local/x"): ("PUT", "/db/_local/x"),
    ("DELETE", "/db/_local/x"): ("PUT", "/db/_local/x"),
    ("GET", "/db/doc3/att"): ("PUT", "/db/doc3/att"),
    ("DELETE", "/db/doc3/att"): ("PUT", "/db/doc3/att"),
}


def ask(asker: Asker, method: str, target: str) -> int:
    path, _, query = target.partition("?")
    if (method, path) in BEFORE:
        made = asker.ask(*BEFORE[method, path], BODIES.get(path), query_string={})
        assert made.status_code == 201
        if method == "DELETE" and path != "/new":
            query = f"rev={(made.json or {})['rev']}"
    body = BODIES.get(path) if method in {"PUT", "POST"} else None
    answer = asker.ask(method, path, body, query_string=query)
    answer.get_data()  # a feed goes on while it is read
    return answer.status_code


@pytest.mark.parametrize(("method", "target", "said"), rows())
def test_each_request_of_the_page_gets_what_it_says(db: Asker, method: str, target: str, said: str) -> None:
    status = ask(db, method, target)
    assert status == 501 if said == "501" else status in {200, 201, 202}

"""Whatever JSON and parameters come, they are stored, or refused in CouchDB's form and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import create_blueprint
from sync.embedded.validate import Validator
from sync.rules import design_document
from sync.store import Security
from tests.sync_http.conftest import LIMITS, Asker, by_name
from tests.sync_http.fuzz.malformed import dump

TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "_", "doc", "1-a", "0-a", "-1-a", "1-", "9" * 30 + "-a", "\x00", "..", "_local/l"]),
)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
HISTORIES = st.fixed_dictionaries(
    {}, optional={"start": st.integers(-2, 5) | VALUES, "ids": st.lists(TEXTS, max_size=4) | VALUES}
)
ENTRY = ("data", "stub", "follows", "digest", "length", "revpos", "content_type", "encoding")
ATTACHMENTS = st.dictionaries(
    TEXTS,
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("data", "stub", "follows", "digest", "length", "revpos", "content_type", "encoding"), VALUES
        ),
    ),
    max_size=2,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "_id": st.sampled_from(["doc", "new", "inspection:t1", "photo:p1"]) | VALUES,
        "_rev": TEXTS | VALUES,
        "_revisions": HISTORIES | VALUES,
        "_attachments": ATTACHMENTS | VALUES,
        "_deleted": VALUES,
        "_unknown": VALUES,
        "type": VALUES,
        "v": VALUES,
    },
)
NAMES = (
    "docs",
    "new_edits",
    "keys",
    "key",
    "startkey",
    "limit",
    "skip",
    "since",
    "doc_ids",
    "selector",
    "doc",
)
BODIES = st.one_of(
    VALUES,
    DOCUMENTS,
    st.fixed_dictionaries({"docs": st.lists(DOCUMENTS, max_size=3), "new_edits": st.booleans()}),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3),
)
PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            *("rev", "new_edits", "limit", "skip", "since", "keys", "key", "startkey", "descending", "style"),
            *("open_revs", "atts_since", "attachments", "include_docs", "filter", "revs", "latest", "count"),
        ]
    ),
    st.sampled_from(["true", "false", "-1", "1", "[]", "{}", '"a"', '["1-a"]', "1-a", "now"]) | TEXTS,
    max_size=3,
)
ROUTES = (
    *("", "/doc", "/new", "/doc/a.txt", "/_local/l", "/_design/d", "/_all_docs", "/_bulk_docs", "/_bulk_get"),
    *("/_changes", "/_revs_diff", "/_missing_revs", "/_purge", "/_security", "/_revs_limit", "/_nothing"),
    *("/_local_docs", "/_design_docs", "/_all_docs/queries", "/inspection:t1", "/photo:p1/original"),
)


SECURITY = Security(("wang",), kind="case", writers=("wang",))


class Place:
    """A store with a database under the write rules, and one without."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hezha.sqlite3"
        self.store = EmbeddedStore(folder, validator=Validator(), design=design_document())
        self.store.create_database("case-1", SECURITY)
        self.store.put("case-1", {"_id": "doc", "_attachments": {"a.txt": {"data": "Ynl0ZXM="}}})
        app = Flask("fuzz")
        app.register_blueprint(create_blueprint(self.store, by_name, limits=LIMITS), url_prefix="/sync")
        self.askers = {name: Asker(app.test_client(), name) for name in ("admin", "wang")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.store.close()


@given(
    who=st.sampled_from(["admin", "wang"]),
    method=st.sampled_from(["GET", "PUT", "POST", "POST", "PUT", "DELETE", "HEAD"]),
    route=st.sampled_from(ROUTES),
    parameters=PARAMETERS,
    body=BODIES,
)
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_every_request_is_stored_or_refused_whole(
    place: Place, who: str, method: str, route: str, parameters: dict[str, str], body: Any
) -> None:
    if method == "DELETE" and route == "" and who == "admin":
        return  # the one request that would take the place away, and may
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    before = dump(place.file)
    response = place.askers[who].ask(method, f"/case-1{route}?{query}", None if method == "GET" else body)
    said = response.get_data()
    assert response.status_code < 500 or response.status_code == 501, said
    if response.status_code >= 400:
        assert dump(place.file) == before
        if method != "HEAD":
            assert set(response.get_json()) == {"error", "reason"}
    else:
        # Whatever was stored can be read again, and its replies are JSON.
        rows = place.askers["admin"].get("/case-1/_changes?include_docs=true&style=all_docs&attachments=true")
        assert rows["results"]
        place.store.set_security("case-1", SECURITY)

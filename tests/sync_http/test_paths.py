"""Which document a URL names, read from the request line."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.embedded.http.target import document_and_rest, raw_path, segments
from sync.store import BadRequest
from tests.sync_http.conftest import Asker

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda s: not s.startswith("_"))


@settings(deadline=None, max_examples=100)
@given(ids, ids)
def test_any_id_survives_its_encoding(db: str, doc_id: str) -> None:
    path = f"/sync/{quote(db, safe='')}/{quote(doc_id, safe='')}"
    assert segments(path, "/sync") == (db, doc_id)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sync", ()),
        ("/sync/", ()),
        ("/sync//db///doc/", ("db", "doc")),
        ("/sync/db/a%2Fb", ("db", "a/b")),
        ("/sync/db/a/b", ("db", "a", "b")),
        ("/sync/db/a+b%2Bc", ("db", "a b+c")),
        ("/sync/db/%E4%BB%BB%E5%8A%A1", ("db", "任务")),
        ("/sync/db/任务".encode().decode("latin-1"), ("db", "任务")),
        ("/sync/db/100%", ("db", "100%")),
    ],
)
def test_paths_are_cut_at_real_slashes_only(path: str, expected: tuple[str, ...]) -> None:
    assert segments(path, "/sync") == expected


@pytest.mark.parametrize("path", ["/sync/db/%FF", "/other/db", "/sync%2Fdb/doc", "/"])
def test_paths_that_name_nothing_are_refused(path: str) -> None:
    with pytest.raises(BadRequest):
        segments(path, "/sync")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"RAW_URI": "/sync/a%2Fb?x=/y"}, "/sync/a%2Fb"),
        ({"REQUEST_URI": "http://host:80/sync/db?rev=1"}, "/sync/db"),
        ({"RAW_URI": "//sync/db"}, "//sync/db"),
    ],
)
def test_the_path_is_that_of_the_request_line(environ: dict[str, Any], expected: str) -> None:
    assert raw_path(environ) == expected


def test_a_server_that_hides_the_request_line_is_not_guessed_around() -> None:
    with pytest.raises(BadRequest):
        raw_path({"PATH_INFO": "/sync/a/b"})


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("doc",), ("doc", ())),
        (("doc", "a", "b"), ("doc", ("a", "b"))),
        (("_design", "x"), ("_design/x", ())),
        (("_design/x", "att"), ("_design/x", ("att",))),
        (("_local", "x", "att"), ("_local/x", ("att",))),
        (("_design",), ("_design", ())),
    ],
)
def test_design_and_local_ids_take_two_segments(
    parts: tuple[str, ...], expected: tuple[str, tuple[str, ...]]
) -> None:
    assert document_and_rest(parts) == expected


@pytest.mark.parametrize(
    "doc_id",
    ["a/b", "a+b", "任务 一", "100%", "a%2Fb", "?x=1&y#z", '"', "é", "a:b@c;d,e", "..", "\U0001f50c"],
)
def test_documents_of_any_name_are_written_read_listed_and_deleted(
    admin: Asker, free: str, doc_id: str
) -> None:
    path = [free, doc_id]
    written = admin.ask("PUT", path, {"n": 1}, status=201)
    rev = written.json["rev"]  # type: ignore[index]
    assert written.headers["Location"].endswith("/sync/free/" + quote(doc_id, safe=""))
    assert admin.get(path) == {"_id": doc_id, "_rev": rev, "n": 1}
    assert [row["id"] for row in admin.get(f"/{free}/_all_docs")["rows"]] == [doc_id]
    attached = admin.ask("PUT", [*path, "图 1/原.jpg"], data=b"x", query_string={"rev": rev}, status=201).json
    assert admin.ask("GET", [*path, "图 1/原.jpg"], status=200).data == b"x"
    admin.ask("DELETE", path, query_string={"rev": attached["rev"]}, status=200)  # type: ignore[index]
    assert admin.get(path, status=404)["reason"] == "deleted"


def test_a_slash_in_an_id_and_an_attachment_are_told_apart(admin: Asker, free: str) -> None:
    admin.put([free, "a/b"], {"n": 1})
    admin.ask("PUT", [free, "a", "b"], data=b"bytes", status=201)
    assert admin.get([free, "a/b"])["n"] == 1
    assert admin.ask("GET", [free, "a", "b"], status=200).data == b"bytes"

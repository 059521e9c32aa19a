"""Lists of documents: whole, design and local ones, several at once, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync_http.conftest import LIMITS, Asker


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer["rows"]]


@pytest.fixture
def many(admin: Asker, free: str) -> list[str]:
    """More documents than two pages hold; some are deleted and some are design documents."""
    docs = [{"_id": f"d{n:02}", "n": n} for n in range(3 * LIMITS.changes_page)]
    docs += [{"_id": f"_design/{n:02}"} for n in range(2 * LIMITS.changes_page + 1)]
    admin.post(f"/{free}/_bulk_docs", {"docs": docs}, status=201)
    rev = admin.get(f"/{free}/d03")["_rev"]
    admin.ask("DELETE", f"/{free}/d03?rev={rev}", status=200)
    return sorted(str(doc["_id"]) for doc in docs if doc["_id"] != "d03")


@pytest.mark.parametrize("docs", ["", "include_docs=true&", "include_docs=true&attachments=true&"])
def test_a_list_is_whole_whatever_the_size_of_a_page(
    admin: Asker, free: str, many: list[str], docs: str
) -> None:
    path = f"/{free}/_all_docs?{docs}"
    whole = admin.get(path)
    assert ids(whole) == many
    assert (whole["total_rows"], whole["offset"]) == (len(many), 0)
    assert ids(admin.get(path + "descending=true")) == many[::-1]
    assert ids(admin.get(path + "limit=17&skip=3")) == many[3:20]
    assert ids(admin.get(path + "limit=7")) == many[:7]
    assert ids(admin.get(path + "limit=0")) == []
    between = [one for one in many if "d02" <= one < "d17"]
    assert ids(admin.get(path + 'startkey="d02"&endkey="d17"&inclusive_end=false')) == between
    back = [one for one in reversed(many) if "d02" < one <= "d17"]
    assert ids(admin.get(path + 'startkey="d17"&endkey="d02"&inclusive_end=false&descending=true')) == back
    keys = [*many[5:25], "none"]
    found = admin.post(path, {"keys": keys})["rows"]
    assert [row["key"] for row in found] == keys
    assert [row["key"] for row in admin.post(path + "skip=2&limit=9", {"keys": keys})["rows"]] == keys[2:11]
    if docs:
        assert all(row["doc"]["_id"] == row["id"] for row in found[:-1])


def test_the_offset_counts_what_comes_before(admin: Asker, free: str, many: list[str]) -> None:
    for query, start in (
        ('startkey="d02"', many.index("d02")),
        ('startkey="d02"&skip=2', many.index("d02") + 2),
        ('startkey="d02"&descending=true', len(many) - 1 - many.index("d02")),
        ('startkey="zz"', len(many)),
        ('startkey="d05"&endkey="a"', many.index("d05")),
        ("skip=500", len(many)),
    ):
        assert admin.get(f"/{free}/_all_docs?{query}")["offset"] == start, query


def test_design_documents_are_listed_on_their_own(admin: Asker, free: str, many: list[str]) -> None:
    design = [one for one in many if one.startswith("_design/")]
    whole = admin.get(f"/{free}/_design_docs")
    assert ids(whole) == design
    assert (whole["total_rows"], whole["offset"]) == (len(design), 0)
    assert ids(admin.get(f"/{free}/_design_docs?descending=true&limit=9")) == design[::-1][:9]
    outside = admin.get(f'/{free}/_design_docs?startkey="a"')
    assert (ids(outside), outside["offset"]) == ([], len(design))
    assert ids(admin.get(f'/{free}/_design_docs?startkey="z"&descending=true')) == design[::-1]
    keys = admin.post(f"/{free}/_design_docs", {"keys": ["_design/01", "d01"]})["rows"]
    assert [row["id"] for row in keys] == ["_design/01"]


def test_local_documents_are_listed_and_not_counted(admin: Asker, free: str) -> None:
    for name in ("b", "a", "c"):
        admin.put(f"/{free}/_local/{name}", {"n": name})
    whole = admin.get(f"/{free}/_local_docs?include_docs=true")
    assert ids(whole) == ["_local/a", "_local/b", "_local/c"]
    assert (whole["total_rows"], whole["offset"]) == (None, None)
    assert whole["rows"][0]["doc"] == {"_id": "_local/a", "_rev": "0-1", "n": "a"}
    assert ids(admin.get(f"/{free}/_local_docs?descending=true&limit=1")) == ["_local/c"]
    assert ids(admin.get(f'/{free}/_local_docs?startkey="_local/b"')) == ["_local/b", "_local/c"]
    assert ids(admin.post(f"/{free}/_local_docs", {"keys": ["_local/c", "none"]})) == ["_local/c"]
    assert ids(admin.get(f"/{free}/_all_docs")) == []


def test_several_queries_are_answered_in_one(admin: Asker, free: str, many: list[str]) -> None:
    asked = [{"keys": ["d01", "none"]}, {"limit": 2}, {"startkey": "d02", "endkey": "d04"}]
    one, two, three = admin.post(f"/{free}/_all_docs/queries", {"queries": asked})["results"]
    assert [row.get("id", row.get("error")) for row in one["rows"]] == ["d01", "not_found"]
    assert ids(two) == many[:2]
    assert ids(three) == ["d02", "d04"]
    assert admin.post(f"/{free}/_all_docs/queries", {"queries": []})["results"] == []
    (only,) = admin.post(f"/{free}/_design_docs/queries", {"queries": [{}]})["results"]
    assert only["total_rows"] == 2 * LIMITS.changes_page + 1
    for wrong in ({}, {"queries": 5}, {"queries": [5]}, {"queries": [{}, {"limit": "x"}]}):
        assert admin.post(f"/{free}/_all_docs/queries", wrong, status=400)["error"]
    too_many: dict[str, list[object]] = {"queries": [{}] * (LIMITS.max_queries + 1)}
    assert admin.post(f"/{free}/_all_docs/queries", too_many, status=400)["error"] == "bad_request"
    refused = admin.ask("GET", f"/{free}/_all_docs/queries", status=405)
    assert refused.headers["Allow"] == "POST"


def test_missing_revisions_are_told_in_the_older_form(admin: Asker, free: str) -> None:
    rev = admin.put(f"/{free}/a", {})["rev"]
    wanted = {"a": [rev, "2-x"], "b": ["1-y"]}
    assert admin.post(f"/{free}/_missing_revs", wanted) == {"missing_revs": {"a": ["2-x"], "b": ["1-y"]}}

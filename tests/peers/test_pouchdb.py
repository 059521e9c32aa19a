"""PouchDB 9 in Node against the embedded engine over HTTP: nothing is mocked on either side."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.peers.conftest import LiveServer
from tests.tablet.driver import Tablet, TabletError

pytestmark = pytest.mark.peers

MakeTablet = Callable[[str], Tablet]
AT = "2026-03-02T09:30:00+08:00"


def inspection(task: str, status: str = "draft", **answers: str) -> dict[str, Any]:
    return {
        "_id": f"inspection:{task}",
        "type": "inspection",
        "schema": 1,
        "task": task,
        "checklist": {"id": "acceptance", "version": "1"},
        "answers": {code: {"value": value, "by": "wang"} for code, value in answers.items()},
        "status": status,
    }


def test_documents_and_photos_travel_both_ways_byte_for_byte(
    server: LiveServer, tablet: MakeTablet, tmp_path: Path
) -> None:
    url = server.database(members=("wang", "liu"))
    data = os.urandom(700_000)
    picture = tmp_path / "现场.jpg"
    picture.write_bytes(data)
    wang, liu = tablet("wang"), tablet("liu")
    wang.put("media", {"_id": "photo:一", "note": "变压器"}, {"原图.jpg": (picture, "image/jpeg")})
    wang.put("media", {"_id": "a/b+c", "n": 1})
    pushed = wang.push("media", url)
    assert (pushed["docs_written"], pushed["doc_write_failures"], pushed["denied"]) == (2, 0, [])

    stored = requests.get(f"{url}/photo:一/原图.jpg", auth=("liu", "liu"), timeout=30)
    assert hashlib.sha256(stored.content).digest() == hashlib.sha256(data).digest()
    assert stored.headers["Content-Type"] == "image/jpeg"

    pulled = liu.pull("media", url)
    assert (pulled["docs_written"], pulled["doc_write_failures"]) == (2, 0)
    assert liu.attachment("media", "photo:一", "原图.jpg") == data
    mine, theirs = wang.get("media", "photo:一"), liu.get("media", "photo:一")
    assert mine == theirs
    assert mine["_attachments"]["原图.jpg"]["digest"].startswith("md5-")
    assert liu.get("media", "a/b+c")["n"] == 1

    rev = liu.put("media", {**theirs, "note": "已核对"})
    liu.push("media", url)
    wang.pull("media", url)
    assert wang.get("media", "photo:一")["_rev"] == rev
    assert wang.attachment("media", "photo:一", "原图.jpg") == data


def test_a_stub_pushed_with_a_changed_document_does_not_send_its_bytes_again(
    server: LiveServer, tablet: MakeTablet, tmp_path: Path
) -> None:
    url = server.database(members=("wang",))
    big = tmp_path / "big"
    big.write_bytes(os.urandom(300_000))
    wang = tablet("wang")
    rev = wang.remote_put(url, {"_id": "p"}, {"big": (big, "image/png")})
    doc = wang.remote_get(url, "p")
    assert doc["_attachments"]["big"]["stub"] is True
    wang.remote_put(url, {**doc, "note": "x"})
    again = wang.remote_get(url, "p", attachments=True)
    assert again["_attachments"]["big"]["revpos"] == int(rev.split("-")[0])


def test_conflicts_made_offline_are_kept_and_both_tablets_see_the_same_winner(
    server: LiveServer, tablet: MakeTablet
) -> None:
    url = server.database("case", writers=("wang", "liu"))
    wang, liu = tablet("wang"), tablet("liu")
    wang.put("case", inspection("t1"))
    wang.sync("case", url)
    liu.sync("case", url)
    for device, value in ((wang, "pass"), (liu, "fail")):
        device.go_offline()
        doc = device.get("case", "inspection:t1")
        doc["answers"] = {"A-01": {"value": value, "by": "x"}}
        device.put("case", doc)
        with pytest.raises(TabletError):
            device.sync("case", url)
        device.go_online()
    for device in (wang, liu, wang):
        device.sync("case", url)
    seen = [device.get("case", "inspection:t1", conflicts=True) for device in (wang, liu)]
    assert seen[0] == seen[1]
    assert len(seen[0]["_conflicts"]) == 1
    assert wang.remote_get(url, "inspection:t1", conflicts=True) == seen[0]
    leaves = {leaf["ok"]["_rev"] for leaf in wang.get("case", "inspection:t1", open_revs="all")}  # type: ignore[index]
    assert leaves == {seen[0]["_rev"], *seen[0]["_conflicts"]}


def test_live_sync_carries_each_edit_to_the_other_tablet(server: LiveServer, tablet: MakeTablet) -> None:
    url = server.database(members=("wang", "liu"))
    wang, liu = tablet("wang"), tablet("liu")
    wang.live_start("all", "case", url, heartbeat=1000)
    liu.live_start("all", "case", url, heartbeat=1000)
    wang.put("case", {"_id": "from-wang", "n": 1})
    liu.put("case", {"_id": "from-liu", "n": 2})
    assert liu.wait_for(lambda: liu.get("case", "from-wang"), timeout=20)["n"] == 1
    assert wang.wait_for(lambda: wang.get("case", "from-liu"), timeout=20)["n"] == 2
    doc = liu.get("case", "from-wang")
    liu.put("case", {**doc, "n": 3})
    wang.wait_for(lambda: wang.get("case", "from-wang")["n"] == 3, timeout=20)
    assert wang.live_stop("all") == []
    assert liu.live_stop("all") == []


def test_live_sync_comes_back_after_lost_coverage(server: LiveServer, tablet: MakeTablet) -> None:
    url = server.database(members=("wang",))
    wang = tablet("wang")
    wang.live_start("all", "case", url, heartbeat=1000)
    wang.put("case", {"_id": "before"})
    wang.wait_for(lambda: wang.remote_get(url, "before"), timeout=20)
    wang.go_offline()
    wang.put("case", {"_id": "meanwhile"})
    server.admin("PUT", url.rsplit("/", 1)[1] + "/office", json={"n": 1})
    wang.go_online()
    wang.wait_for(lambda: wang.remote_get(url, "meanwhile"), timeout=40)
    wang.wait_for(lambda: wang.get("case", "office"), timeout=40)
    wang.live_stop("all")


def test_replication_resumes_after_the_server_was_killed(
    tmp_path: Path, tablet: MakeTablet, server: LiveServer
) -> None:
    """What was acknowledged is there, and no document or checkpoint is fetched or sent a second time."""
    own = LiveServer(tmp_path / "own")
    own.start()
    try:
        url = own.database(members=("wang",))
        wang = tablet("wang")
        wang.bulk("case", [{"_id": f"d{n}"} for n in range(60)])
        assert wang.push("case", url, batch_size=20)["docs_written"] == 60
        own.stop(sign=signal.SIGKILL)
        wang.bulk("case", [{"_id": f"e{n}"} for n in range(5)])
        with pytest.raises(TabletError):
            wang.push("case", url)
        own.start()
        wang.requests()
        result = wang.push("case", url)
        assert (result["docs_read"], result["docs_written"]) == (5, 5)
        bodies = [r for r in wang.requests() if r["path"].endswith("/_bulk_docs")]
        assert len(bodies) == 1
        assert wang.remote_info(url)["doc_count"] == 65
        assert wang.push("case", url)["docs_written"] == 0
    finally:
        own.stop()


def test_a_tablet_that_is_restarted_goes_on_where_it_was(server: LiveServer, tmp_path: Path) -> None:
    url = server.database(members=("wang",))
    folder = tmp_path / "tablet"
    with Tablet(folder) as first:
        first.sign_in("wang")
        first.put("case", {"_id": "a"})
        first.sync("case", url)
        first.put("case", {"_id": "b"})
        first.kill()
    with Tablet(folder) as second:
        second.sign_in("wang")
        assert second.push("case", url)["docs_written"] == 1
        assert second.remote_info(url)["doc_count"] == 2


def test_a_thousand_documents_go_up_and_come_down_in_batches(server: LiveServer, tablet: MakeTablet) -> None:
    url = server.database(members=("wang", "liu"))
    wang, liu = tablet("wang"), tablet("liu")
    wang.bulk("case", [{"_id": f"doc-{n:04}", "n": n, "text": "检" * 50} for n in range(1000)])
    assert wang.push("case", url, batch_size=100)["docs_written"] == 1000
    assert liu.pull("case", url, batch_size=100)["docs_written"] == 1000
    rows = liu.all_docs("case", include_docs=True)
    assert [row["doc"]["n"] for row in rows] == list(range(1000))
    assert liu.pull("case", url)["docs_read"] == 0


def test_deletions_travel(server: LiveServer, tablet: MakeTablet) -> None:
    url = server.database(members=("wang", "liu"))
    wang, liu = tablet("wang"), tablet("liu")
    rev = wang.put("case", {"_id": "gone", "n": 1})
    wang.put("case", {"_id": "stays"})
    wang.sync("case", url)
    liu.sync("case", url)
    wang.remove("case", "gone", rev)
    wang.push("case", url)
    liu.pull("case", url)
    assert [row["id"] for row in liu.all_docs("case")] == ["stays"]
    with pytest.raises(TabletError) as refusal:
        liu.remote_get(url, "gone")
    assert (refusal.value.status, refusal.value.reason) == (404, "deleted")
    assert [c["deleted"] for c in liu.remote_changes(url) if c["id"] == "gone"] == [True]


def test_refused_documents_are_named_one_by_one_and_hold_up_no_others(
    server: LiveServer, tablet: MakeTablet
) -> None:
    url = server.database("case", members=("wang", "boss"), writers=("wang",))
    wang = tablet("wang")
    wang.put("case", inspection("t1"))
    wang.put("case", {"_id": "receipt:t1:1", "type": "receipt", "schema": 1})
    wang.put("case", {"_id": "case", "type": "case", "schema": 1})
    wang.put("case", inspection("t2", "submitted"))
    result = wang.push("case", url)
    assert (result["docs_written"], result["doc_write_failures"]) == (1, 3)
    codes = {row["id"]: row["reason"].split(":")[0] for row in result["denied"]}
    assert codes == {"receipt:t1:1": "server_only", "case": "server_only", "inspection:t2": "bad_field"}
    assert {row["name"] for row in result["denied"]} == {"forbidden"}
    wang.put("case", inspection("t3"))
    assert wang.push("case", url)["docs_written"] == 1, "the refused ones must not be in the way"

    boss = tablet("boss")
    boss.pull("case", url)
    boss.put("case", inspection("t9"))
    (denied,) = boss.push("case", url)["denied"]
    assert denied["reason"].startswith("not_a_writer: ")


def test_a_document_that_is_too_large_is_refused_alone_and_sync_goes_on(
    server: LiveServer, tablet: MakeTablet
) -> None:
    url = server.database(members=("wang",))
    wang = tablet("wang")
    wang.put("case", {"_id": "huge", "text": "x" * 8_100_000})
    wang.put("case", {"_id": "small"})
    result = wang.push("case", url)
    assert result["docs_written"] == 1
    assert [(row["id"], row["reason"].split(":")[0]) for row in result["denied"]] == [
        ("huge", "document_too_large")
    ]


def test_design_documents_and_foreign_databases_are_closed_to_tablets(
    server: LiveServer, tablet: MakeTablet
) -> None:
    mine = server.database("case", writers=("wang",))
    foreign = server.database("case", writers=("liu",))
    wang = tablet("wang")
    wang.put("case", {"_id": "_design/mine", "validate_doc_update": "function() {}"})
    (denied,) = wang.push("case", mine)["denied"]
    assert (denied["id"], denied["name"]) == ("_design/mine", "forbidden")
    for url in (foreign, server.url + "/case-never-made"):
        for move in (wang.push, wang.pull):
            with pytest.raises(TabletError) as refusal:
                move("case", url)
            assert (refusal.value.status, refusal.value.reason) == (
                403,
                "You are not allowed to access this db.",
            )
    wang.sign_out()
    with pytest.raises(TabletError) as unknown:
        wang.pull("case", mine)
    assert unknown.value.status == 401
    wang.sign_in("expired")
    with pytest.raises(TabletError) as expired:
        wang.pull("case", mine)
    assert (expired.value.status, expired.value.reason) == (401, "exp not in future")


def test_an_ended_assignment_ends_a_live_pull(server: LiveServer, tablet: MakeTablet) -> None:
    url = server.database("case", writers=("wang",))
    name = url.rsplit("/", 1)[1]
    wang = tablet("wang")
    wang.pull("case", url)
    wang.live_start("all", "case", url, heartbeat=1000)
    wang.wait_for(lambda: [r for r in wang.requests() if "longpoll" in r["path"]], timeout=20)
    server.admin("PUT", f"{name}/_security", json={"members": {"names": ["liu"]}})
    server.admin("PUT", f"{name}/secret", json={"n": 1})
    wang.wait_for(lambda: [r for r in wang.requests() if r["status"] == 403], timeout=20)
    assert "secret" not in [row["id"] for row in wang.all_docs("case")]
    wang.live_stop("all")


def test_only_named_documents_are_pulled_when_asked(server: LiveServer, tablet: MakeTablet) -> None:
    url = server.database(members=("wang",))
    name = url.rsplit("/", 1)[1]
    # With a prefix, because PouchDB's LevelDB adapter does not list ids that begin beyond U+00FF.
    for doc_id in ("n:甲", "n:乙", "n:丙"):
        server.admin("PUT", f"{name}/{doc_id}", json={})
    wang = tablet("wang")
    assert wang.pull("case", url, doc_ids=["n:甲", "n:丙"])["docs_written"] == 2
    assert sorted(row["id"] for row in wang.all_docs("case")) == ["n:丙", "n:甲"]

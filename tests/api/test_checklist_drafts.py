"""Checklists that the office writes: drafts over HTTP, two persons, and a version that everybody finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from checklists.loader import definition_from_document
from server.services import assemble
from tests.desk import MINI_FORM, Desk, desk_settings, refused
from tests.drafting import begin, body, published, sound, step

DRAFT = "/checklists/drafts/mini"


def etag(rev: str) -> dict[str, str]:
    return {"If-Match": rev}


def test_a_manager_writes_a_second_person_reviews_and_it_is_published(desk: Desk) -> None:
    rev = begin(desk, sound())
    draft = desk.get(DRAFT)
    assert (draft["state"], draft["authors"], draft["reviewer"]) == ("draft", ["manager"], None)
    assert draft["complaints"] == []
    rev = step(desk, "review", rev, by="admin", remark="limits checked")
    assert desk.get(DRAFT)["reviewer"] == "admin"
    step(desk, "publish", rev, by="admin")

    assert desk.get("/checklists/mini")["version"] == 2
    assert desk.get("/checklists/mini/versions/2")["digest"] == sound().digest
    listed = {(one["id"], one["version"]) for one in desk.get("/checklists")["items"]}
    assert {("mini", 1), ("mini", 2)} <= listed
    stored = desk.document(desk.made.names.library, "checklist:mini@2")
    assert definition_from_document(stored) == sound(), "tablets find it in the library"
    history = desk.get("/checklists/mini/versions/2/history")["history"]
    assert [(event["event"], event["by"]) for event in history] == [
        ("created", "manager"),
        ("reviewed", "admin"),
        ("published", "admin"),
    ]
    assert history[1]["remark"] == "limits checked"
    assert desk.get("/checklists/mini/versions/1/history")["history"] == []


def test_a_new_task_takes_the_new_version_and_a_given_one_keeps_its_own(desk: Desk) -> None:
    case = desk.open_case()
    before = desk.assign(case, checklist={"id": "mini"})
    published(desk)
    after = desk.assign(case, checklist={"id": "mini"})
    assert desk.task(case, before)["checklist"] == {"id": "mini", "version": 1}
    assert desk.task(case, after)["checklist"] == {"id": "mini", "version": 2}


def test_another_process_finds_a_version_at_once(desk: Desk, tmp_path: Path) -> None:
    """The worker judges by a version that the web server published a moment ago."""
    other = assemble(desk_settings(tmp_path), desk.clock)
    try:
        assert other.library.latest("mini").version == 1
        published(desk)
        assert other.library.get("mini", 2) == sound()
        assert other.library.latest("mini") == sound()
        assert sound() in other.library.all()
    finally:
        other.close()


def test_a_published_version_outlives_the_process(desk: Desk, tmp_path: Path) -> None:
    published(desk)
    again = assemble(desk_settings(tmp_path), desk.clock)
    try:
        assert again.library.latest("mini") == sound()
    finally:
        again.close()


def test_a_checklist_of_the_offices_own_begins_with_version_one(desk: Desk) -> None:
    published(desk, sound(1, name="yard"))
    assert desk.get("/checklists/yard")["version"] == 1
    assert desk.ask("GET", "/checklists/drafts/yard/diff").get_json()["before"] == "yard@1"


def test_yaml_is_read_as_its_authors_write_it(desk: Desk) -> None:
    written = yaml.safe_dump(body(sound()), allow_unicode=True)
    answer = desk.ask("POST", "/checklists", data=written.encode(), content_type="application/yaml")
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["digest"] == sound().digest


def test_a_version_can_be_sent_back_as_it_was_shown(desk: Desk) -> None:
    """Who changes a checklist begins with what a GET gave, its digest included."""
    published(desk)
    shown = {**desk.get("/checklists/mini"), "version": 3}
    answer = desk.ask("POST", "/checklists", json=shown)
    assert answer.status_code == 201, answer.text
    assert desk.get("/checklists/drafts/mini/diff")["items"] == []


# -- refusals


def test_who_wrote_a_draft_does_not_review_it(desk: Desk) -> None:
    rev = begin(desk, sound())
    answer = desk.ask("POST", DRAFT + "/review", json={}, headers=etag(rev))
    problem = refused(answer, 403, "own_review")
    assert problem["facts"] == ["person:another"]


def test_a_change_after_the_review_takes_a_new_one(desk: Desk) -> None:
    rev = step(desk, "review", begin(desk, sound()), by="admin")
    changed = desk.ask("PUT", DRAFT, json=body(sound(title="three")), headers=etag(rev))
    assert (changed.status_code, changed.get_json()["state"]) == (200, "draft")
    answer = desk.ask("POST", DRAFT + "/publish", json={}, headers=etag(changed.headers["ETag"]), by="admin")
    assert refused(answer, 409, "draft_not_reviewed")["facts"] == ["review", "person:another"]


def test_nobody_decides_on_what_another_has_written_since(desk: Desk) -> None:
    old = begin(desk, sound())
    desk.ask("PUT", DRAFT, json=body(sound(title="three")), headers=etag(old))
    for method, path, content in (
        ("PUT", DRAFT, body(sound())),
        ("DELETE", DRAFT, None),
        ("POST", DRAFT + "/review", {}),
        ("POST", DRAFT + "/publish", {}),
    ):
        answer = desk.ask(method, path, json=content, headers=etag(old), by="admin")
        refused(answer, 412, "precondition_failed")
        refused(desk.ask(method, path, json=content, by="admin"), 428, "precondition_required")


def test_what_lint_complains_of_is_listed_with_its_place_and_not_published(desk: Desk) -> None:
    faulty = replace(MINI_FORM, version=2)  # a reading without the range of possible readings
    rev = begin(desk, faulty)
    complaints = desk.get(DRAFT)["complaints"]
    assert [(one["code"], one["subject"]) for one in complaints] == [("number_without_range", "NR-01")]
    assert complaints[0]["path"] == ["sections", 0, "items", 2]
    assert complaints[0]["text"].keys() == {"zh-CN", "en"}
    answer = desk.ask("POST", DRAFT + "/review", json={}, headers=etag(rev), by="admin")
    assert refused(answer, 409, "checklist_not_sound")["params"]["count"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 1}, "version_not_next"),
        ({"version": 3}, "version_not_next"),
        ({"stage": "survey"}, "stage_differs"),
        ({"id": "drafts", "version": 1}, "checklist_id_unusable"),
        ({"id": "Mini", "version": 1}, "checklist_id_unusable"),
    ],
)
def test_a_draft_that_could_never_be_a_version_is_refused(
    desk: Desk, change: dict[str, Any], code: str
) -> None:
    answer = desk.ask("POST", "/checklists", json={**body(sound()), **change})
    assert answer.get_json()["code"] == code, answer.text
    refused(answer, answer.status_code, code)
    assert desk.get("/checklists/drafts")["items"] == []


def test_there_is_one_draft_of_a_checklist_and_the_same_request_finds_it(desk: Desk) -> None:
    rev = begin(desk, sound())
    assert begin(desk, sound()) == rev
    desk.hire("deputy", "manager")
    answer = desk.ask("POST", "/checklists", json=body(sound(title="three")), by="deputy")
    assert refused(answer, 409, "draft_exists")["facts"] == ["draft:mini"]


def test_a_draft_that_was_given_up_makes_way_and_leaves_a_trace(desk: Desk) -> None:
    rev = begin(desk, sound())
    gone = desk.ask("DELETE", DRAFT, headers=etag(rev))
    assert gone.get_json()["state"] == "withdrawn"
    refused(
        desk.ask("PUT", DRAFT, json=body(sound()), headers=etag(gone.headers["ETag"])), 409, "draft_ended"
    )
    begin(desk, sound(title="three"))
    assert [event["event"] for event in desk.get(DRAFT)["history"]] == ["created", "withdrawn", "created"]


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"{broken", "application/json", 400, "broken_json"),
        (b'{"sections": ' + b'[{"items": ' * 5000, "application/json", 400, "broken_json"),
        (b"[]", "application/json", 422, "invalid_fields"),
        (b'{"id": "mini"}', "application/json", 422, "invalid_fields"),
        (b"\xff\xfe", "application/json", 400, "broken_json"),
        (b"a: &a [*a]", "application/yaml", 422, "definition_unreadable"),
        (b"id: mini\nid: maxi", "application/yaml", 422, "definition_unreadable"),
        (b"<xml/>", "application/xml", 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_definition_is_refused(desk: Desk, data: bytes, kind: str, status: int, code: str) -> None:
    refused(desk.ask("POST", "/checklists", data=data, content_type=kind), status, code)


def test_a_wrong_field_is_pointed_at(desk: Desk) -> None:
    wrong = body(sound())
    wrong["sections"][0]["items"][1]["severity"] = "awful"
    problem = refused(desk.ask("POST", "/checklists", json=wrong), 422, "invalid_fields")
    assert [row["pointer"] for row in problem["errors"]] == ["#/sections/0/items/1/severity"]


def test_a_number_that_is_none_is_refused(desk: Desk) -> None:
    """YAML knows `.nan`, which could neither be compared nor stored."""
    written = yaml.safe_dump(body(sound()), allow_unicode=True).replace("max: 4.0", "max: .nan")
    answer = desk.ask("POST", "/checklists", data=written.encode(), content_type="application/yaml")
    assert answer.status_code == 422, answer.text


def test_who_only_reads_sees_drafts_and_changes_none(desk: Desk) -> None:
    begin(desk, sound())
    assert desk.get(DRAFT, by="auditor")["id"] == "mini"
    refused(desk.ask("GET", DRAFT, by="inspector"), 403, "forbidden")
    refused(desk.ask("GET", "/checklists/drafts/none"), 404, "not_found")


# -- comparing


def test_versions_are_compared_in_sentences_of_both_languages(desk: Desk) -> None:
    published(desk, sound(most=3.0))
    found = desk.get("/checklists/mini/versions/1/diff/2", by="inspector")
    assert (found["before"], found["after"]) == ("mini@1", "mini@2")
    [stricter] = [one for one in found["items"] if one["field"] == "limits"]
    assert (stricter["place"], stricter["effect"]) == ("NR-01", "graver")
    assert stricter["text"]["en"] == "NR-01: limit was “≤ 4 → fail” and is “≤ 3 → fail” (stricter)."
    assert "更严" in stricter["text"]["zh-CN"]
    refused(desk.ask("GET", "/checklists/mini/versions/1/diff/9"), 404, "not_found")


def test_a_reviewer_sees_what_a_draft_changes(desk: Desk) -> None:
    begin(desk, sound(most=9.0))
    found = desk.get(DRAFT + "/diff", by="admin")
    assert {one["effect"] for one in found["items"] if one["field"] == "limits"} == {"milder"}


# -- cut off, and shipped later


def test_a_publication_that_was_cut_off_is_finished_by_the_same_request(desk: Desk) -> None:
    rev = step(desk, "review", begin(desk, sound()), by="admin")
    store, registry = desk.made.store, desk.made.names.registry
    reviewed = store.get(registry, "checklist-draft:mini")
    step(desk, "publish", rev, by="admin")
    ended = store.get(registry, "checklist-draft:mini")
    rev = store.put(registry, {**reviewed, "_rev": ended["_rev"]})  # as if its end had not been written

    step(desk, "publish", f'"{rev}"', by="admin")
    draft = desk.get(DRAFT)
    assert draft["state"] == "published"
    assert draft["history"] == msgspec.to_builtins(ended["history"])
    assert desk.get("/checklists/mini")["version"] == 2


def test_a_draft_whose_version_is_out_is_not_given_up(desk: Desk) -> None:
    rev = step(desk, "review", begin(desk, sound()), by="admin")
    store, registry = desk.made.store, desk.made.names.registry
    reviewed = store.get(registry, "checklist-draft:mini")
    step(desk, "publish", rev, by="admin")
    ended = store.get(registry, "checklist-draft:mini")
    rev = store.put(registry, {**reviewed, "_rev": ended["_rev"]})
    answer = desk.ask("DELETE", DRAFT, headers=etag(f'"{rev}"'))
    assert answer.get_json()["state"] == "published"

"""The customer's link opens one case, says what is fit to say, takes what is fit to take, and no more."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from server.casework.cases import SYSTEM
from server.casework.outages import GATE
from server.people.links import LinkToken, link_token, read_link_token
from server.workflow.commands import RecordEntry
from server.workflow.customer import receipt_no
from server.workflow.log import verify_log
from tests.desk import Desk, open_desk, picture, refused

#: Every field that a page may ever have. A new one has to be written down here, and thought about.
ALLOWED = {
    "": {
        "no",
        "link",
        "organisation",
        "stage",
        "next",
        "waits_for",
        "steps",
        "notices",
        "appointments",
        "outage",
        "receipts",
        "energized_at",
    },
    "link": {"expires_at"},
    "stage": {"title", "since"},
    "next": {"text", "promised_by", "promise"},
    "waits_for": {"holder", "title", "reasons"},
    "waits_for.reasons": {"title", "message"},
    "steps": {"title", "at", "receipt"},
    "receipts": {"title", "at", "receipt"},
    "appointments": {"about", "title", "on", "wished"},
    "outage": {"title", "on"},
    "notices": {"n", "state", "title", "round", "issued_at", "received_at", "accepted", "items"},
    "notices.items": {
        "code",
        "text",
        "remedy",
        "demand",
        "place",
        "severity",
        "state",
        "title",
        "due",
        "answered",
        "disputed",
    },
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path, login_failures_per_user_address=3) as desk:
        yield desk


def link_to(desk: Desk, case: str, **body: Any) -> dict[str, Any]:
    return desk.post(f"/cases/{case}/links", body)


def see(desk: Desk, token: str, **more: Any) -> TestResponse:
    return desk.client.get(f"/api/v1/public/cases/{token}", **more)


def page(desk: Desk, token: str, lang: str = "en") -> dict[str, Any]:
    answer = see(desk, token, headers={"Accept-Language": lang})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def send(desk: Desk, token: str, act: Any, *photos: bytes) -> TestResponse:
    data = {
        "act": act if isinstance(act, str) else json.dumps(act),
        "photos": [(io.BytesIO(photo), f"{n}.jpg") for n, photo in enumerate(photos)],
    }
    return desk.client.post(f"/api/v1/public/cases/{token}", data=data, content_type="multipart/form-data")


def drafted(desk: Desk) -> str:
    """A case with a notice that is a draft."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task, PF_01=desk.answer("fail", note="rust"))
    desk.intake()
    return case


def noticed(desk: Desk) -> tuple[str, str]:
    """A case with a notice that is out, and a token for it."""
    case = drafted(desk)
    desk.post(f"/cases/{case}/notices/1/issue")
    return case, str(link_to(desk, case)["token"])


def answer_of(*photos: int, text: str = "Mended.", code: str = "PF-01") -> dict[str, Any]:
    return {"act": "answer", "notice": 1, "items": {code: {"text": text, "photos": list(photos)}}}


def fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from fields(one, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield path, key
            yield from fields(inner, f"{path}.{key}".lstrip("."))


def test_a_page_has_no_field_beyond_the_list(desk: Desk) -> None:
    case, token = noticed(desk)
    desk.post(f"/cases/{case}/pauses", {"reason": "papers", "evidence": "letter 1", "message": "The deed."})
    desk.assign(case, due="2026-12-01")
    assert send(desk, token, answer_of()).status_code == 201
    desk.post(f"/cases/{case}/facts", {"facts": {"outage_needed": True}})
    planned = RecordEntry(gate=GATE, status="met", evidence="in the plan", note="2026-12-11")
    desk.made.cases.apply(case, planned, SYSTEM)
    shown = page(desk, token)
    assert {(path, key) for path, key in fields(shown)} == {
        (path, key) for path, keys in ALLOWED.items() for key in keys
    }


def test_a_page_names_nobody_and_gives_no_place_away(desk: Desk) -> None:
    case, token = noticed(desk)
    words = see(desk, token).text
    secret = ("manager", "inspector", case, "Red Maple", "121.87", "630", "canal", "p-1", "t-1")
    for word in secret:
        assert word.lower() not in words.lower().replace(token.lower(), "")


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_a_page_says_where_the_case_stands_and_what_comes_by_when(desk: Desk, lang: str) -> None:
    case = desk.open_case()
    token = link_to(desk, case)["token"]
    shown = page(desk, token, lang)
    assert shown["no"] == "YK-0001"
    assert shown["next"]["promised_by"] is not None
    assert shown["waits_for"]["holder"] == "utility"
    (step,) = shown["steps"]
    assert step["receipt"] == receipt_no(desk.case(case).log[0])
    assert not any("customer." in str(value) for value in shown.values())


def test_what_is_missing_is_told_at_once_and_whole(desk: Desk) -> None:
    case = desk.open_case()
    token = link_to(desk, case)["token"]
    for reason, message in (("papers", "The deed, the licence."), ("payment", "Bill 7.")):
        desk.post(f"/cases/{case}/pauses", {"reason": reason, "evidence": "letter", "message": message})
    held = page(desk, token)["waits_for"]
    assert held["holder"] == "customer"
    assert [one["message"] for one in held["reasons"]] == ["The deed, the licence.", "Bill 7."]


def test_a_draft_is_not_shown(desk: Desk) -> None:
    assert page(desk, link_to(desk, drafted(desk))["token"])["notices"] == []


def test_whatever_opens_nothing_is_answered_alike(desk: Desk) -> None:
    case = desk.open_case()
    keyring = desk.made.people.keyring
    revoked, expired = link_to(desk, case), link_to(desk, case, until="2026-11-03T00:00:00Z")
    desk.post(f"/cases/{case}/links/{revoked['id']}/revoke", {"reason": "lost"})
    desk.clock.forward(days=2)
    good = link_to(desk, case)["token"]
    other = desk.open_case()
    tokens = [
        revoked["token"],
        expired["token"],
        link_token(keyring, LinkToken(case, "no-such-link")),
        link_token(keyring, LinkToken("no-such-case", "no-such-link")),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good.replace(case, other),
        "nonsense",
        "hl1..." + "x" * 300,
        "合闸",
    ]
    answers = []
    for n, token in enumerate(tokens):
        somewhere = {"REMOTE_ADDR": f"192.0.2.{n}"}
        answers += [
            ask(f"/api/v1/public/cases/{token}", environ_overrides=somewhere)
            for ask in (desk.client.get, desk.client.post)
        ]
    assert {(one.status_code, one.data) for one in answers} == {(404, answers[0].data)}
    headers = [{k: v for k, v in one.headers if k != "Date"} for one in answers]
    assert all(one == headers[0] for one in headers)
    assert headers[0]["Cache-Control"] == "no-store"
    assert headers[0]["Referrer-Policy"] == "no-referrer"


def test_an_address_that_tries_many_has_to_wait_and_keeps_nobody_with_a_link_out(desk: Desk) -> None:
    token = link_to(desk, desk.open_case())["token"]
    assert [see(desk, "nonsense").status_code for _ in range(4)] == [404, 404, 404, 429]
    late = see(desk, "nonsense")
    assert int(late.headers["Retry-After"]) > 0
    assert see(desk, token).status_code == 200
    desk.clock.forward(seconds=desk.made.settings.login_window_seconds + 1)
    assert see(desk, "nonsense").status_code == 404


def test_a_link_of_one_case_opens_no_other_door(desk: Desk) -> None:
    token = link_to(desk, desk.open_case())["token"]
    answer = desk.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_the_token_is_kept_nowhere_and_the_same_request_gives_it_again(desk: Desk) -> None:
    case = desk.open_case()
    ask: dict[str, Any] = {"headers": {"Idempotency-Key": "k-1"}, "json": {"to": "Mr Ke"}}
    first, again = (desk.ask("POST", f"/cases/{case}/links", **ask).get_json() for _ in range(2))
    assert first["token"] == again["token"]
    assert first["url"].endswith(first["token"])
    mac = first["token"].rpartition(".")[2]
    everything = [json.dumps(one) for one in desk.made.store.all_docs(desk.forms(case))]
    everything += [json.dumps(one) for one in desk.made.store.all_docs(desk.made.names.registry)]
    assert not any(mac in one for one in everything)
    listed = desk.get(f"/cases/{case}/links")["items"]
    assert [one["to"] for one in listed] == ["Mr Ke"]
    assert "token" not in listed[0]
    assert read_link_token(desk.made.people.keyring, first["token"]) == LinkToken(case, first["id"])


def test_an_answer_with_photos_is_recorded_under_its_receipt(desk: Desk) -> None:
    case, token = noticed(desk)
    given = send(desk, token, answer_of(0, 1), picture(1), picture(2)).get_json()
    known = desk.case(case)
    assert verify_log(known)
    (entry,) = [one for one in known.log if one.event == "notice_answered"]
    assert given["receipt"] == receipt_no(entry)
    answer = known.notices[1].answers[0]
    assert answer.answered_by == "Red Maple Textiles"
    assert answer.recorded_by.startswith("customer:")
    photos = answer.items["PF-01"].photos
    assert [known.photos[photo].state for photo in photos] == ["verified", "verified"]
    shown = page(desk, token)
    assert shown["notices"][0]["state"] == "answered"
    assert [one["receipt"] for one in shown["receipts"]] == [given["receipt"]]


def test_an_answer_sent_twice_is_one_answer(desk: Desk) -> None:
    case, token = noticed(desk)
    first, again = (send(desk, token, answer_of(0), picture(1)).get_json() for _ in range(2))
    assert first == again
    assert len(desk.case(case).notices[1].answers) == 1
    third = send(desk, token, answer_of(0), picture(2)).get_json()
    assert third["receipt"] != first["receipt"]


def test_a_file_that_is_no_picture_is_refused_and_nothing_is_kept(desk: Desk) -> None:
    case, token = noticed(desk)
    before = desk.case(case)
    for file in (b"MZ\x90\x00", b"<svg onload=alert(1)>", picture(1)[:200], b""):
        problem = refused(send(desk, token, answer_of(0), file), 422, "photo_refused")
        assert problem["reasons"]
    assert desk.case(case) == before
    assert not [
        one
        for one in desk.made.store.all_docs(desk.media(case), prefix="photo:")
        if one.get("item") == "notice:1"
    ]


def test_what_the_case_would_refuse_is_refused_before_a_photo_is_kept(desk: Desk) -> None:
    case, token = noticed(desk)
    refused(send(desk, token, answer_of(0, code="ZZ-99"), picture(1)), 422, "item_not_open")
    refused(send(desk, token, {**answer_of(0), "notice": 7}, picture(1)), 404, "notice_unknown")
    refused(send(desk, token, answer_of(0, 1), picture(1)), 422, "photos_not_named")
    refused(send(desk, token, answer_of(), picture(1)), 422, "photos_not_named")
    refused(
        send(desk, token, {"act": "agree", "at": "2026-12-01T10:00:00+08:00"}, picture(1)),
        422,
        "photos_not_named",
    )
    assert not [
        one
        for one in desk.made.store.all_docs(desk.media(case), prefix="photo:")
        if one.get("item") == "notice:1"
    ]


@pytest.mark.parametrize(
    "act",
    [
        "{broken",
        "[]",
        '"\\ud800"',
        '{"act": "authorize"}',
        '{"act": "wish"}',
        '{"act": "wish", "about": "energization", "at": "tomorrow"}',
        '{"act": "wish", "about": "energization", "at": "2026-12-01T10:00:00"}',
        '{"act": "wish", "about": "energization", "at": "2026-12-01T10:00:00Z", "odd": 1}',
        '{"act": "answer", "notice": 0, "items": {"PF-01": {"text": "x"}}}',
        '{"act": "answer", "notice": 1, "items": {"PF-01": {"text": "\\ud800"}}}',
        '{"act": "answer", "notice": 1, "items": {"PF-01": {"photos": [-1]}}}',
        "[" * 5000,
    ],
)
def test_what_is_no_act_is_refused(desk: Desk, act: str) -> None:
    token = link_to(desk, desk.open_case())["token"]
    refused(send(desk, token, act), 422, "invalid_fields")


def test_too_many_photos_at_once_and_in_all_are_refused(desk: Desk) -> None:
    _, token = noticed(desk)
    refused(send(desk, token, answer_of(*range(11)), *[picture(n) for n in range(11)]), 422, "invalid_fields")


def test_a_wish_is_heard_once_and_the_latest_is_shown(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case, due="2026-12-01")
    token = link_to(desk, case)["token"]
    wish = {"act": "wish", "about": task, "at": "2026-11-20T10:00:00+08:00", "note": "mornings"}
    first, again = (send(desk, token, wish).get_json() for _ in range(2))
    assert first == again
    send(desk, token, {**wish, "at": "2026-11-21T10:00:00+08:00"})
    (shown,) = page(desk, token)["appointments"]
    assert (shown["on"], shown["wished"]) == ("2026-12-01", "2026-11-21T10:00:00+08:00")
    assert len(desk.case(case).wishes) == 2
    refused(send(desk, token, {**wish, "at": "2026-10-01T10:00:00+08:00"}), 422, "wish_out_of_bounds")


def test_an_agreement_is_the_customers_word_for_the_gate(desk: Desk) -> None:
    case = desk.open_case()
    token = link_to(desk, case)["token"]
    given = send(desk, token, {"act": "agree", "at": "2026-12-01T10:00:00+08:00"}).get_json()
    (entry,) = desk.case(case).entries["customer-agrees-time"]
    assert (entry.status, entry.by.partition(":")[0]) == ("met", "customer")
    assert entry.evidence.startswith("2026-12-01T10:00:00+08:00")
    assert given == send(desk, token, {"act": "agree", "at": "2026-12-01T10:00:00+08:00"}).get_json()


def test_a_rating_is_recorded_once_and_another_counts_instead(desk: Desk) -> None:
    case = desk.open_case()
    token = link_to(desk, case)["token"]
    first, again = (
        send(desk, token, {"act": "rate", "score": 2, "words": "slow"}).get_json() for _ in range(2)
    )
    assert first == again
    assert send(desk, token, {"act": "rate", "score": 5}).status_code == 201
    ratings = list(desk.case(case).ratings.values())
    assert [(one.score, one.mode) for one in ratings] == [(2, "link"), (5, "link")]
    for score in (0, 6, "5", None):
        refused(send(desk, token, {"act": "rate", "score": score}), 422, "invalid_fields")


def test_a_link_is_given_and_seen_within_its_organisation_alone(desk: Desk) -> None:
    desk.hire("stranger", "manager", organisation="north")
    case = desk.open_case()
    link = link_to(desk, case)
    for method, path in (("GET", ""), ("POST", ""), ("POST", f"/{link['id']}/revoke")):
        body = {"reason": "x"} if path else {}
        refused(desk.ask(method, f"/cases/{case}/links{path}", by="stranger", json=body), 404, "not_found")
    refused(desk.ask("POST", f"/cases/{case}/links/nothing/revoke", json={"reason": "x"}), 404, "not_found")


def test_a_link_lasts_as_long_as_it_is_given_for(desk: Desk) -> None:
    case = desk.open_case()
    token = link_to(desk, case, until=(desk.clock() + timedelta(days=1)).isoformat())["token"]
    desk.clock.forward(hours=23)
    assert see(desk, token).status_code == 200
    desk.clock.forward(hours=1)
    assert see(desk, token).status_code == 404
    refused(
        desk.ask("POST", f"/cases/{case}/links", json={"until": "2020-01-01T00:00:00Z"}),
        422,
        "link_until_out_of_bounds",
    )

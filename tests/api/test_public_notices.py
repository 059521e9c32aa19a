"""What a customer says to a notice by the link: received, accepted, disputed, to be mended by a day."""

from __future__ import annotations

from typing import Any

import pytest

from server.workflow.customer import receipt_no
from tests.api.test_public_cases import drafted, link_to, noticed, page, send
from tests.desk import Desk, refused

DISPUTE = {"act": "dispute", "notice": 1, "items": ["PF-01"], "reason": "built as drawn"}


def shown(desk: Desk, token: str) -> dict[str, Any]:
    found: dict[str, Any] = page(desk, token)["notices"][0]
    return found


def test_a_notice_that_is_opened_is_delivered_once(desk: Desk) -> None:
    case, token = noticed(desk)
    assert shown(desk, token)["received_at"] is None
    first, again = (send(desk, token, {"act": "receive", "notice": 1}).get_json() for _ in range(2))
    assert first == again
    [delivery] = desk.case(case).notices[1].deliveries
    assert (delivery.mode, delivery.received_by) == ("electronic", "Red Maple Textiles")
    assert delivery.recorded_by.startswith("customer:")
    assert shown(desk, token)["received_at"] == delivery.at.isoformat()
    assert first["title"] == "您已收到 1 号通知单"


def test_a_notice_is_accepted_and_what_the_office_recorded_before_is_found(desk: Desk) -> None:
    case, token = noticed(desk)
    desk.post(f"/cases/{case}/notices/1/accept", {"accepted_by": "Mr Lu"})
    given = send(desk, token, {"act": "accept", "notice": 1}).get_json()
    [entry] = [one for one in desk.case(case).log if one.event == "notice_accepted"]
    assert given["receipt"] == receipt_no(entry)
    assert shown(desk, token)["accepted"] is True


def test_an_objection_waits_for_a_second_person(desk: Desk) -> None:
    case, token = noticed(desk)
    first, again = (send(desk, token, DISPUTE).get_json() for _ in range(2))
    assert first == again
    assert shown(desk, token)["items"][0]["disputed"] is True
    body = {"decision": "uphold", "reason": "the drawing was changed"}
    desk.post(f"/cases/{case}/notices/1/disputes/settle", body, by="admin")
    assert shown(desk, token)["items"][0]["disputed"] is False


def test_a_day_is_stated_for_what_is_critical(desk: Desk) -> None:
    case, token = noticed(desk)
    state = {"act": "dates", "notice": 1, "dates": {"PF-01": "2026-11-20"}}
    refused(send(desk, token, state), 422, "date_not_asked")
    covered = {"item": "PF-01", "reason": "backfilled"}
    desk.post(f"/cases/{case}/notices/1/covered", covered)
    send(desk, token, state)
    assert shown(desk, token)["items"][0]["due"] == "2026-11-20"


@pytest.mark.parametrize("act", ["receive", "accept"])
def test_a_draft_is_not_there(desk: Desk, act: str) -> None:
    token = str(link_to(desk, drafted(desk))["token"])
    for n in (1, 7):
        refused(send(desk, token, {"act": act, "notice": n}), 404, "notice_unknown")


@pytest.mark.parametrize(
    "act",
    [
        {"act": "receive"},
        {"act": "receive", "notice": 1, "at": "2026-11-01T00:00:00Z"},
        {**DISPUTE, "items": []},
        {**DISPUTE, "reason": ""},
        {"act": "dates", "notice": 1, "dates": {"PF-01": "soon"}},
    ],
)
def test_what_is_no_word_to_a_notice_is_refused(desk: Desk, act: dict[str, Any]) -> None:
    _, token = noticed(desk)
    refused(send(desk, token, act), 422, "invalid_fields")

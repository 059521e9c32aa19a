"""What happens is told, signed, at least once, to whoever wants it; and nobody who hangs holds up another."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct

from server.intake.worker import make_deliverer
from server.webhooks.delivering import Deliverer, Terms
from server.webhooks.queue import Queue
from server.webhooks.sending import Sender
from sync.store import NotFound
from tests.desk import Desk, open_desk, refused
from tests.webhooks.receiver import Receiver, receiver

LOOPBACK: dict[str, Any] = {"webhook_networks": "127.0.0.0/8", "webhook_seconds": 0.5}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path, **LOOPBACK) as desk:
        yield desk


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def subscribe(desk: Desk, there: Receiver, *events: str) -> dict[str, Any]:
    return desk.post("/webhooks", {"url": there.url, "events": list(events or ("*",))}, by="admin")


def deliver(desk: Desk) -> int:
    return make_deliverer(desk.made).run_once()


def told(there: Receiver) -> list[str]:
    return [heard.message["event"] for heard in there.heard]


def test_what_happens_from_now_on_is_told_in_order_and_once(desk: Desk, there: Receiver) -> None:
    before = desk.open_case()
    desk.intake()
    desk.clock.forward(minutes=1)
    subscribe(desk, there)
    desk.post(f"/cases/{before}/facts", {"facts": {"dual": True}})
    case = desk.open_case()
    desk.intake()
    desk.intake()
    assert deliver(desk) == 3
    assert deliver(desk) == 0
    assert sorted(told(there)) == ["case_opened", "facts_ruled", "facts_set"]
    seqs = [heard.message["seq"] for heard in there.heard if heard.message["case"]["id"] == case]
    assert seqs == sorted(seqs)


def test_only_what_is_wanted_is_told_and_only_to_its_organisation(desk: Desk, there: Receiver) -> None:
    desk.hire("stranger", "admin", "manager", organisation="north")
    subscribe(desk, there, "case_opened")
    desk.open_case()
    desk.open_case(by="stranger")
    desk.intake()
    deliver(desk)
    assert [(heard.message["event"], heard.message["organisation"]) for heard in there.heard] == [
        ("case_opened", "demo")
    ]


def test_a_message_is_signed_and_named(desk: Desk, there: Receiver) -> None:
    made = subscribe(desk, there, "case_opened")
    case = desk.open_case()
    desk.intake()
    deliver(desk)
    (heard,) = there.heard
    assert heard.path == "/hook?x=1"
    assert heard.message["case"] == {"id": case, "no": "YK-0001"}
    name, at = heard.headers["Webhook-Id"], heard.headers["Webhook-Timestamp"]
    assert heard.message["id"] == name
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    signed = hmac.new(key, f"{name}.{at}.".encode() + heard.body, hashlib.sha256).digest()
    assert heard.headers["Webhook-Signature"] == "v1," + base64.b64encode(signed).decode()


@pytest.mark.parametrize(
    ("how", "status", "error"),
    [
        ("hang", None, "timeout"),
        ("drip", None, "timeout"),
        ("redirect", 302, ""),
        ("fail", 500, ""),
        ("gone_away", None, "connection"),
        ("no_http", None, "connection"),
    ],
)
def test_what_does_not_arrive_is_tried_again_with_longer_pauses(
    desk: Desk, there: Receiver, how: str, status: int | None, error: str
) -> None:
    answers = {
        "hang": there.hang,
        "drip": there.drip,
        "redirect": lambda handler: handler.answer(302, Location=there.url.replace("hook", "inner")),
        "fail": lambda handler: handler.answer(500, b"x" * 10_000),
        "gone_away": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
        "no_http": lambda handler: handler.wfile.write(b"hello\r\n\r\n"),
    }
    there.answer = answers[how]
    subscribe(desk, there, "case_opened")
    desk.open_case()
    desk.intake()
    assert deliver(desk) == 1
    (waiting,) = desk.made.webhooks.deliveries()
    assert waiting.last is not None
    assert (waiting.attempts, waiting.last.status, waiting.last.error) == (1, status, error)
    assert 5 <= (waiting.next_at - desk.clock()).total_seconds() <= 10
    assert [heard.path for heard in there.heard] == ["/hook?x=1"]
    assert deliver(desk) == 0
    desk.clock.forward(seconds=10)
    there.answer = lambda handler: handler.answer(204)
    assert deliver(desk) == 1
    assert list(desk.made.webhooks.deliveries()) == []
    assert there.heard[0].headers["Webhook-Id"] == there.heard[1].headers["Webhook-Id"]


def test_an_answer_without_end_is_not_read_to_its_end(desk: Desk, there: Receiver) -> None:
    there.answer = there.flood
    subscribe(desk, there, "case_opened")
    desk.open_case()
    desk.intake()
    deliver(desk)
    assert list(desk.made.webhooks.deliveries()) == []


def test_what_waits_outlives_the_process(tmp_path: Path, there: Receiver) -> None:
    there.answer = lambda handler: handler.answer(503)
    with open_desk(tmp_path, **LOOPBACK) as desk:
        subscribe(desk, there, "case_opened")
        desk.open_case()
        desk.intake()
        deliver(desk)
        clock = desk.clock
    clock.forward(hours=1)
    there.answer = lambda handler: handler.answer(200)
    with open_desk(tmp_path, clock=clock, **LOOPBACK) as desk:
        assert deliver(desk) == 1
    assert told(there) == ["case_opened"] * 2


def test_a_message_is_given_up_in_the_end_and_can_be_sent_again(desk: Desk, there: Receiver) -> None:
    there.answer = lambda handler: handler.answer(500)
    made = subscribe(desk, there, "case_opened")
    desk.open_case()
    desk.intake()
    deliverer = make_deliverer(desk.made)
    for _ in range(desk.made.settings.webhook_attempts):
        assert deliverer.run_once() == 1
        desk.clock.forward(hours=7)
    assert deliverer.run_once() == 0
    (letter,) = desk.get(f"/webhooks/{made['id']}/dead", by="admin")["items"]
    assert (letter["event"], letter["attempts"], letter["last"]["status"]) == ("case_opened", 16, 500)
    there.answer = lambda handler: handler.answer(200)
    path = f"/webhooks/{made['id']}/dead/{letter['id']}/redeliver"
    assert desk.ask("POST", path, by="admin").status_code == 202
    desk.clock.forward(hours=7)
    assert deliverer.run_once() == 1
    assert desk.get(f"/webhooks/{made['id']}/dead", by="admin")["items"] == []
    assert desk.ask("POST", path, by="admin").status_code == 404


def test_a_subscription_that_nothing_reaches_for_days_is_disabled_and_can_be_enabled(
    desk: Desk, there: Receiver
) -> None:
    there.answer = lambda handler: handler.answer(500)
    made = subscribe(desk, there, "case_opened")
    desk.open_case()
    desk.intake()
    deliver(desk)
    desk.clock.forward(days=6)
    deliver(desk)
    shown = desk.get(f"/webhooks/{made['id']}", by="admin")
    assert (shown["state"], shown["reason"]) == ("disabled", "failing")
    desk.open_case()
    desk.intake()
    there.heard.clear()
    desk.clock.forward(days=1)
    deliver(desk)
    assert there.heard == []
    desk.clock.forward(seconds=1)
    desk.patch(f"/webhooks/{made['id']}", {"state": "active"}, by="admin")
    there.answer = lambda handler: handler.answer(200)
    desk.open_case()
    desk.intake()
    deliver(desk)
    assert [heard.message["case"]["no"] for heard in there.heard] == ["YK-0003"]
    assert desk.get(f"/webhooks/{made['id']}", by="admin")["failing_since"] is None


def test_a_receiver_that_wants_no_more_gets_no_more(desk: Desk, there: Receiver) -> None:
    there.answer = lambda handler: handler.answer(410)
    made = subscribe(desk, there)
    desk.open_case()
    desk.intake()
    deliver(desk)
    assert desk.get(f"/webhooks/{made['id']}", by="admin")["reason"] == "gone"
    assert len(there.heard) == 1


def test_a_receiver_says_when_to_come_again(desk: Desk, there: Receiver) -> None:
    there.answer = lambda handler: handler.answer(429, Retry_After="600")
    subscribe(desk, there, "case_opened")
    desk.open_case()
    desk.intake()
    deliver(desk)
    (waiting,) = desk.made.webhooks.deliveries()
    assert waiting.next_at - desk.clock() == timedelta(seconds=600)


def test_who_hangs_holds_up_no_other_and_gets_one_message_at_a_time(desk: Desk, there: Receiver) -> None:
    there.answer = there.hang
    subscribe(desk, there, "case_opened")
    for _ in range(3):
        desk.open_case()
    desk.intake()
    with receiver() as other:
        subscribe(desk, other, "case_opened")
        for _ in range(2):
            desk.open_case()
        desk.intake()
        stop = threading.Event()
        thread = threading.Thread(target=make_deliverer(desk.made).run, args=(stop,))
        thread.start()
        waited = threading.Event()
        for _ in range(200):
            if len(other.heard) == 2:
                break
            waited.wait(0.05)
        assert told(other) == ["case_opened"] * 2
        stop.set()
        thread.join()
    # After its first failure it rests.
    assert len(there.heard) == 1


def test_a_name_that_points_inside_a_moment_later_leads_nowhere(desk: Desk, there: Receiver) -> None:
    """The address is looked at anew for each message, and connected to as it was looked at."""
    subscribe(desk, there, "case_opened")
    desk.open_case()
    desk.intake()
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.1"]

    settings = desk.made.settings
    sender = Sender(settings.webhook_seconds, (), resolver)
    terms = Terms(attempts=3, first_pause=1.0, longest_pause=2.0, disable_after=1e9, threads=1)
    Deliverer(desk.made.store, desk.made.webhooks, sender, terms, desk.clock).run_once()
    (waiting,) = desk.made.webhooks.deliveries()
    assert waiting.last is not None
    assert waiting.last.error == "address_inside"
    assert asked == ["127.0.0.1"]
    assert there.heard == []


def test_pauses_double_up_to_the_longest_and_are_never_all_the_same() -> None:
    terms = Terms(attempts=9, first_pause=10.0, longest_pause=100.0, disable_after=1.0, threads=1)
    assert [terms.pause(n, 1.0) for n in range(1, 7)] == [10.0, 20.0, 40.0, 80.0, 100.0, 100.0]
    assert [terms.pause(n, 0.0) for n in (1, 6, 10_000)] == [5.0, 50.0, 50.0]


def test_the_secret_is_told_once_and_changed_at_will(desk: Desk, there: Receiver) -> None:
    made = subscribe(desk, there)
    for shown in (
        desk.get(f"/webhooks/{made['id']}", by="admin"),
        desk.get("/webhooks", by="admin")["items"][0],
        desk.patch(f"/webhooks/{made['id']}", {"events": ["case_opened"]}, by="admin"),
    ):
        assert "secret" not in shown
    fresh = desk.post(f"/webhooks/{made['id']}/secret", by="admin")
    assert fresh["secret"] != made["secret"]
    assert desk.made.webhooks.subscription(made["id"]).secret == fresh["secret"]


def test_a_subscription_asked_for_twice_is_one(desk: Desk, there: Receiver) -> None:
    ask: dict[str, Any] = {
        "json": {"url": there.url, "events": ["*"]},
        "headers": {"Idempotency-Key": "k"},
        "by": "admin",
    }
    first, again = (desk.ask("POST", "/webhooks", **ask).get_json() for _ in range(2))
    assert first["id"] == again["id"]
    assert len(desk.get("/webhooks", by="admin")["items"]) == 1
    assert desk.made.webhooks.subscription(first["id"]).secret == again["secret"]


def test_a_ping_arrives(desk: Desk, there: Receiver) -> None:
    made = subscribe(desk, there, "case_opened")
    assert desk.ask("POST", f"/webhooks/{made['id']}/ping", by="admin").status_code == 202
    deliver(desk)
    assert told(there) == ["ping"]


def test_targets_and_events_are_looked_at_before_they_are_kept(desk: Desk) -> None:
    for url in ("https://10.0.0.1/", "http://example.invalid:x/", "https://a:b@example.org/"):
        body = {"url": url, "events": ["*"]}
        refused(desk.ask("POST", "/webhooks", json=body, by="admin"), 422, "webhook_target_refused")
    body = {"url": "http://127.0.0.1:1/", "events": ["case_opened", "no_such"]}
    refused(desk.ask("POST", "/webhooks", json=body, by="admin"), 422, "webhook_event_unknown")
    assert desk.get("/webhooks", by="admin")["items"] == []


def test_a_subscription_is_its_organisations_own(desk: Desk, there: Receiver) -> None:
    desk.hire("stranger", "admin", organisation="north")
    made = subscribe(desk, there)
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/secret"),
        ("POST", "/ping"),
        ("GET", "/dead"),
        ("POST", "/dead/x/redeliver"),
    ):
        answer = desk.ask(method, f"/webhooks/{made['id']}{path}", by="stranger", json={})
        refused(answer, 404, "not_found")
    assert desk.get("/webhooks", by="stranger")["items"] == []


def test_a_removed_subscription_takes_what_waited_along(desk: Desk, there: Receiver) -> None:
    made = subscribe(desk, there)
    desk.open_case()
    desk.intake()
    assert desk.ask("DELETE", f"/webhooks/{made['id']}", by="admin").status_code == 204
    assert deliver(desk) == 0
    with pytest.raises(NotFound):
        desk.made.webhooks.subscription(made["id"])


def test_dead_letters_are_bounded(tmp_path: Path, there: Receiver) -> None:
    there.answer = lambda handler: handler.answer(410)
    with open_desk(tmp_path, webhook_dead_letters=2, **LOOPBACK) as desk:
        made = subscribe(desk, there, "case_opened")
        for _ in range(4):
            desk.open_case()
            desk.clock.forward(seconds=1)
            desk.intake()
        deliver(desk)
        desk.clock.forward(days=1)
        deliver(desk)
        letters = desk.made.webhooks.dead_letters(made["id"])
        assert [letter.body["case"]["no"] for letter in letters] == ["YK-0004", "YK-0003"]


def test_a_branch_that_lost_a_conflict_is_told_again_under_the_same_names(
    desk: Desk, there: Receiver
) -> None:
    subscribe(desk, there, "case_opened")
    case = desk.open_case()
    desk.intake()
    known = desk.case(case)
    queue = desk.made.webhooks
    forked = replace_struct(known, log=(*known.log[:-1], replace_struct(known.log[-1], hash="0" * 64)))
    assert Queue(desk.made.store, queue, desk.clock).take(forked) == 1
    deliver(desk)
    assert told(there) == ["case_opened"]


def test_nobody_subscribed_costs_nothing(desk: Desk) -> None:
    desk.open_case()
    desk.intake()
    assert desk.made.names.webhooks not in desk.made.store.database_names()
    assert replace(desk.made.settings, webhook_networks="").webhook_networks == ""

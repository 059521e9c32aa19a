"""What a customer gets to see of the case: where it stands, what comes next, what is asked for, and receipts.

It is built up from nothing and never cut down from the case, so that what the case learns to hold later stays
inside. Nobody's name but the organisation's, no coordinate, no capacity, no internal limit; only what was
promised.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from server.casework.outages import planned_day
from server.texts import catalogue, text
from server.workflow.clocks.measure import clocks
from server.workflow.clocks.standing import lasting_pauses, standing
from server.workflow.customer import ENERGIZATION, Link, acts_of_customer, receipt_no
from server.workflow.inforce import InForce
from server.workflow.model import Case, LogEntry, Notice, Text
from server.workflow.processes import process
from server.workflow.vocabulary import SETTLED_TASKS

_PROMISE = "promise"
#: A draft is nobody's business but the office's.
_SHOWN = ("issued", "answered", "reinspecting", "closed", "withdrawn")


def customer_page(case: Case, link: Link, now: datetime, rules: InForce, lang: str) -> dict[str, Any]:
    """The page of one case for who holds `link`, in one language; plain JSON values."""
    return {
        "no": case.no,
        "organisation": rules.at(now, case.organisation).name_of(case.organisation, lang),
        "link": {"expires_at": link.expires_at.isoformat()},
        "stage": {"title": text(f"customer.stage.{case.stage}", lang), "since": _since(case)},
        "next": _next(case, now, rules, lang),
        "waits_for": _waits_for(case, now, rules, lang),
        "steps": list(_steps(case, lang)),
        "notices": [
            _notice(case.notices[n], lang) for n in sorted(case.notices) if _is_shown(case.notices[n])
        ],
        "appointments": list(_appointments(case, lang)),
        "outage": _outage(case, lang),
        "receipts": [receipt(entry, lang) for entry in acts_of_customer(case)],
        "energized_at": case.energization.record.at.isoformat() if case.energization.record else None,
    }


def _since(case: Case) -> str | None:
    return case.history[-1].at.isoformat() if case.history else None


def _next(case: Case, now: datetime, rules: InForce, lang: str) -> dict[str, Any]:
    """What comes next, and the day by which it was promised."""
    promised = [
        one for one in clocks(case, now, rules) if one.kind == _PROMISE and one.state != "ended" and one.due
    ]
    first = min(promised, key=lambda one: (str(one.due), one.id), default=None)
    return {
        "text": text(f"customer.next.{case.stage}", lang),
        "promised_by": None if first is None or first.due is None else first.due.isoformat(),
        "promise": None if first is None else text(f"clock.{first.clock}", lang),
    }


def _waits_for(case: Case, now: datetime, rules: InForce, lang: str) -> dict[str, Any]:
    """Whose move it is. What is missing is told once and whole: every lasting reason with its own words."""
    held = standing(case, now, rules)
    holder = "utility" if held is None else held.holder
    return {
        "holder": holder,
        "title": text(f"customer.waits_for.{holder}", lang),
        "reasons": [
            {"title": text(f"pause_reason.{pause.reason}", lang), "message": pause.message}
            for pause in lasting_pauses(case, now)
        ],
    }


def _steps(case: Case, lang: str) -> Iterator[dict[str, Any]]:
    """Every stage that was entered, with the receipt for it."""
    for entry in case.log:
        match entry.event:
            case "case_opened":
                stage = process(str(entry.data["process"])).start
            case "stage_moved":
                stage = str(entry.data["to"])
            case "energized":
                stage = "energized"
            case _:
                continue
        yield {
            "title": text(f"customer.stage.{stage}", lang),
            "at": entry.at.isoformat(),
            "receipt": receipt_no(entry),
        }


def _is_shown(notice: Notice) -> bool:
    return notice.state in _SHOWN and bool(notice.issues)


def _notice(notice: Notice, lang: str) -> dict[str, Any]:
    received = notice.received(notice.issues[-1])
    return {
        "n": notice.n,
        "state": notice.state,
        "title": text(f"customer.notice.{notice.state}", lang),
        "round": notice.round,
        "issued_at": notice.issues[-1].at.isoformat(),
        "received_at": received.isoformat() if received else None,
        "accepted": any(one.round == notice.round for one in notice.acceptances),
        "items": [
            {
                "code": item.code,
                "text": _words(item.result.text, lang),
                "remedy": _words(item.result.remedy, lang),
                "demand": item.wording.demand,
                "place": item.wording.place,
                "severity": text(f"severity.{item.severity}", lang),
                "state": item.state,
                "title": text(f"customer.item.{item.state}", lang),
                "due": item.due.isoformat() if item.due else None,
                "answered": any(
                    item.code in answer.items for answer in notice.answers if answer.round == notice.round
                ),
                "disputed": notice.dispute is not None and item.code in notice.dispute.items,
            }
            for item in notice.items
        ],
    }


def _words(words: Text | None, lang: str) -> str:
    if words is None:
        return ""
    return words.zh if lang == "zh-CN" else words.en


def _appointments(case: Case, lang: str) -> Iterator[dict[str, Any]]:
    """What is to come, each with the day that the office has set, and the time last asked for."""
    wished = {wish.about: wish.at.isoformat() for wish in case.wishes.values()}
    for task_id, task in case.tasks.items():
        if task.status not in SETTLED_TASKS:
            yield {
                "about": task_id,
                "title": text(f"customer.appointment.{task.kind}", lang),
                "on": task.due.isoformat() if task.due else None,
                "wished": wished.get(task_id),
            }
    if case.stage == process(case.process).ready:
        yield {
            "about": ENERGIZATION,
            "title": text("customer.appointment.energization", lang),
            "on": None,
            "wished": wished.get(ENERGIZATION),
        }


def _outage(case: Case, lang: str) -> dict[str, Any] | None:
    """The day on which the line is switched off to connect the customer, once a published plan has one."""
    day = None if case.energization.record else planned_day(case)
    return None if day is None else {"on": day.isoformat(), "title": text("customer.outage", lang)}


def receipt(entry: LogEntry, lang: str) -> dict[str, Any]:
    """The receipt for what an entry of the log tells of."""
    code = f"customer.act.{entry.event}"
    known = code if code in catalogue(lang) else "customer.act.other"
    return {
        "receipt": receipt_no(entry),
        "at": entry.at.isoformat(),
        "title": text(known, lang, n=entry.data.get("n", "")),
    }

"""What a month's plan is asked, put together from works, settings and what the scheduler says. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from server.outages.instance import INSTANCE_SCHEMA
from server.scheduling.requests import Request

#: What of an instance the scheduler may say; the rest follows.
GIVEN = ("calendar", "crews", "customers", "past", "rules", "weights", "objective")


def days_of(month: str) -> tuple[date, date]:
    """The first and last day of a month written `2026-12`."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])


def instance_of(
    month: str,
    requests: Iterable[Request],
    given: Mapping[str, Any],
    *,
    rules: Mapping[str, Any],
    rest_days: Sequence[date],
    published: datetime,
    network: str,
    hand: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The instance as JSON, its network only named; nothing in it is checked yet.

    `rules` are the organisation's own, `rest_days` its days off and `published` (local, without zone) when
    the plan is to be published: each gives way to what is `given`. Consents come from the works. `hand`: what
    the scheduler says of single works.
    """
    first, last = days_of(month)
    chosen = list(requests)
    calendar_given = given.get("calendar") or {}
    instance = {
        "schema": INSTANCE_SCHEMA,
        "id": month,
        "network": {"file": network},
        "calendar": {
            "rest_days": [str(day) for day in rest_days],
            "published": published.isoformat(timespec="seconds"),
            **calendar_given,
            "first": str(first),
            "last": str(last),
        },
        "crews": given.get("crews", []),
        "works": [
            handed(msgspec.to_builtins(one.asked.work), (hand or {}).get(one.id, {})) for one in chosen
        ],
        "customers": _customers(chosen, given.get("customers") or ()),
        "rules": {**rules, **(given.get("rules") or {})},
    }
    return {**instance, **{name: given[name] for name in ("past", "weights", "objective") if name in given}}


def handed(work: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """A work of an instance with what the scheduler says of it; its own ties stay. What is odd in it stays as
    it is, for the reading to tell."""
    ties = said.get("with", ())
    if not isinstance(ties, list | tuple):
        return {**work, **said}
    both = [*work.get("with", ()), *(one for one in ties if one not in work.get("with", ()))]
    return {**work, **said, **({"with": both} if both else {})}


def _customers(requests: Iterable[Request], given: Sequence[Any]) -> list[Any]:
    """What is known of customers, with the consents that came with works. What is odd in `given` stays as it
    is, for the reading to tell."""
    agreed = {one.customer for request in requests for one in request.asked.consents}
    rows = [
        {**one, "consent": True} if isinstance(one, Mapping) and one.get("id") in agreed else one
        for one in given
    ]
    told = {one.get("id") for one in given if isinstance(one, Mapping)}
    return [*rows, *({"id": name, "consent": True} for name in sorted(agreed - told))]


def changed_instance(
    instance: Mapping[str, Any], *, drop: Collection[str] = (), add: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The instance without some works and with others; a work in both is changed. Ties to works that are not
    in it fall away. What is odd in `add` stays as it is, for the reading to tell."""
    added = [dict(one) for one in add]
    works = [one for one in instance["works"] if one["id"] not in drop]
    every = sorted((*works, *added), key=lambda one: str(one.get("id")))
    known = {str(one.get("id")) for one in every}
    return {**instance, "works": [_tied(one, known) for one in every]}


def _tied(work: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """A work with those of its ties that are to known works."""
    ties = {
        name: [one for one in work[name] if not isinstance(one, str) or one in known]
        for name in ("after", "with", "not_with", "same_crew")
        if isinstance(work.get(name), list | tuple)
    }
    return {**work, **ties}


def moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The works that stand elsewhere in one plan than in another, with the day in each; None: left out."""
    old, new = days_in(before), days_in(after)
    return [
        {"work": work, "before": old.get(work), "after": new.get(work)}
        for work in sorted(old.keys() | new.keys())
        if old.get(work) != new.get(work)
    ]


def days_in(plan: Mapping[str, Any]) -> dict[str, str]:
    """The day of every work that a plan (`outage-plan-1`) places."""
    days = {riding["work"]: one["date"] for one in plan["outages"] for riding in one["works"]}
    return days | {one["work"]: one["date"] for one in plan.get("live", ())}


def standing_days(plan: Mapping[str, Any]) -> dict[str, date]:
    """The same as dates."""
    return {work: date.fromisoformat(day) for work, day in days_in(plan).items()}

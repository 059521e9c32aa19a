"""The process that answers enquiries, as `server.scheduling.confined` starts it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from server.scheduling.confined import run_confined
from server.scheduling.enquiries import Answer, Enquiry, Moved
from server.scheduling.months import changed_instance

if TYPE_CHECKING:
    from geo.network.model import Network
    from server.outages.instance import Instance
    from server.outages.plan import Plan
    from server.outages.rebalancing import Change
    from server.outages.solving import Limits


#: Of the longest time, how much goes to beginning searches; the last of them has to end too.
_SHARE = 0.5


class Asked(Struct, frozen=True, kw_only=True):
    """An enquiry with what it is about: the instance of the plan, its network, and the plan. A search
    of it may go on for `seconds`; after half of `longest_seconds` no other is begun."""

    enquiry: Enquiry
    instance: dict[str, Any]
    network: dict[str, Any]
    plan: dict[str, Any]
    seconds: float
    longest_seconds: float


def main() -> int:
    """Answer; the process's exit code."""
    return run_confined(_work)


def _work(order: bytes, ended: threading.Event, _sink: Any) -> bytes | None:
    answers = answered(msgspec.json.decode(order, type=Asked), ended.is_set)
    return None if answers is None else msgspec.json.encode(answers)


def answered(asked: Asked, ended: Callable[[], bool]) -> tuple[Answer, ...] | None:
    """The answers, those about works in the order of what they cost; None where the instance cannot be
    balanced as it is asked for. Ends early once `ended`, with what there is."""
    # What balances takes hundreds of megabytes, and whoever reads these types none of it.
    from server.outages.plan import Plan  # noqa: PLC0415
    from server.outages.reading import read_instance  # noqa: PLC0415
    from server.outages.solving import Limits  # noqa: PLC0415

    enquiry = asked.enquiry
    before = read_instance(asked.instance, network=asked.network)
    changed = changed_instance(asked.instance, drop=enquiry.drop, add=enquiry.add)
    after = read_instance(changed, network=asked.network)
    if before.instance is None or after.instance is None or after.network is None:
        return None
    plan = msgspec.convert(asked.plan, Plan)
    limits = Limits(seconds=asked.seconds, workers=1)
    until = time.monotonic() + asked.longest_seconds * _SHARE
    if enquiry.kind == "explain":
        return (_explained(after.instance, after.network, plan, enquiry.work),)
    if enquiry.kind == "works":
        return (_changed(before.instance, after.instance, after.network, plan, enquiry, limits),)
    works = [one["id"] for one in enquiry.add] if enquiry.kind == "slot" else [enquiry.work]

    def over() -> bool:
        return ended() or time.monotonic() > until

    found = tuple(_moved(after.instance, after.network, plan, enquiry, works, limits, over))
    return tuple(sorted(found, key=lambda one: (not one.possible, one.total, one.work)))


def _moved(
    instance: Instance,
    network: Network,
    plan: Plan,
    enquiry: Enquiry,
    works: list[str],
    limits: Limits,
    ended: Callable[[], bool],
) -> Iterator[Answer]:
    from server.outage_words import price_words  # noqa: PLC0415
    from server.outages.rebalancing import price  # noqa: PLC0415

    for work in works:
        if ended() or enquiry.date is None:
            return
        found = price(instance, network, plan, work, enquiry.date, scope=enquiry.scope, limits=limits)
        yield Answer(
            work=work,
            date=enquiry.date,
            possible=found.possible,
            total=found.total,
            hours=found.hours,
            moves=_moves(found.changes),
            text=_both(lambda lang, found=found: (price_words(found, lang),)),  # type: ignore[misc]
        )


def _explained(instance: Instance, network: Network, plan: Plan, work: str) -> Answer:
    from server.outage_words import explanation_words  # noqa: PLC0415
    from server.outages.reasons import explain  # noqa: PLC0415

    found = explain(instance, network, plan, work)
    return Answer(
        work=work,
        date=found.date,
        possible=found.date is not None or bool(found.reliefs),
        text=_both(lambda lang: tuple(explanation_words(found, lang))),
    )


def _changed(
    before: Instance, after: Instance, network: Network, plan: Plan, enquiry: Enquiry, limits: Limits
) -> Answer:
    from server.scheduling.whatif import what_if  # noqa: PLC0415
    from server.texts import text  # noqa: PLC0415

    found = what_if(before, after, network, plan, scope=enquiry.scope, limits=limits)
    params: Mapping[str, str] = {
        "hours": f"{found.total:,.0f}",
        "moves": ", ".join(f"{one.work} ({one.before or '–'} → {one.after or '–'})" for one in found.changes),
        "works": ", ".join(found.left_out),
    }
    code = "plan_what_if_left_out" if found.left_out else "plan_what_if"
    return Answer(
        work="",
        possible=not found.left_out,
        total=found.total,
        hours=found.hours,
        moves=_moves(found.changes),
        left_out=found.left_out,
        text=_both(lambda lang: (text(code, lang, **params),)),
    )


def _moves(changes: tuple[Change, ...]) -> tuple[Moved, ...]:
    return tuple(Moved(work=one.work, before=one.before, after=one.after) for one in changes)


def _both(words: Callable[[str], tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    from server.texts import LANGUAGES  # noqa: PLC0415

    return {lang: words(lang) for lang in LANGUAGES}


if __name__ == "__main__":
    sys.exit(main())

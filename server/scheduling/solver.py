"""The process that balances, as `server.scheduling.confined` starts it."""

from __future__ import annotations

import sys
import threading
from typing import Any

import msgspec
from msgspec import Struct

from server.scheduling.confined import run_confined
from server.scheduling.plans import Effort, NearPlan, Progress


class Order(Struct, frozen=True, kw_only=True):
    """What to balance, within what; `network` is the collection that the instance only names.

    `near_plan` is the plan that `near` names. `explain_seconds`: for how long reasons are
    looked for, once there is a plan.
    """

    instance: dict[str, Any]
    network: dict[str, Any]
    effort: Effort
    explain_seconds: float
    near: NearPlan | None = None
    near_plan: dict[str, Any] | None = None


class Reason(Struct, frozen=True, kw_only=True):
    """Why a work is out of the plan or late, in each language."""

    work: str
    text: dict[str, list[str]]


class Result(Struct, frozen=True, kw_only=True):
    """A plan as `outage-plan-1` has it, reasons, and what the independent check finds wrong, in words.

    `unexplained` are works for which no time was left.
    """

    plan: dict[str, Any]
    reasons: tuple[Reason, ...] = ()
    unexplained: tuple[str, ...] = ()
    findings: tuple[dict[str, str], ...] = ()


def main() -> int:
    """Balance; the process's exit code."""
    return run_confined(_work)


def _work(order: bytes, ended: threading.Event, sink: Any) -> bytes | None:
    result = _balanced(msgspec.json.decode(order, type=Order), ended, sink)
    return None if result is None else msgspec.json.encode(result)


def _balanced(order: Order, ended: threading.Event, sink: Any) -> Result | None:
    # What balances takes hundreds of megabytes, and whoever reads these types none of it.
    from server.outages.balancing import balance  # noqa: PLC0415
    from server.outages.checking import check  # noqa: PLC0415
    from server.outages.plan import Plan  # noqa: PLC0415
    from server.outages.reading import read_instance  # noqa: PLC0415
    from server.outages.rebalancing import rebalance  # noqa: PLC0415
    from server.outages.solving import Limits  # noqa: PLC0415
    from server.outages.watch import Step  # noqa: PLC0415
    from server.texts import both  # noqa: PLC0415

    reading = read_instance(order.instance, network=order.network)
    if reading.instance is None or reading.network is None:
        return None

    def told(step: Step) -> bool:
        line = msgspec.json.encode(Progress(value=step.value, bound=step.bound, seconds=step.seconds))
        sink.write(line + b"\n")
        return not ended.is_set()

    effort = order.effort
    limits = Limits(seconds=effort.seconds, workers=effort.workers, seed=effort.seed)
    if order.near is None or order.near_plan is None:
        plan = balance(reading.instance, reading.network, limits=limits, progress=told)
    else:
        plan = rebalance(
            reading.instance,
            reading.network,
            msgspec.convert(order.near_plan, Plan),
            frozen_until=order.near.frozen_until,
            first=order.near.first,
            limits=limits,
            progress=told,
        )
    wrong = check(reading.instance, reading.network, plan)
    reasons, unexplained = _reasons(reading.instance, reading.network, plan, order.explain_seconds, ended)
    return Result(
        plan=msgspec.to_builtins(plan, str_keys=True),
        reasons=reasons,
        unexplained=unexplained,
        findings=tuple(both(one.code, **one.params) for one in wrong),
    )


def _reasons(
    instance: Any, network: Any, plan: Any, seconds: float, ended: threading.Event
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """Reasons for works that are out, then for those that are late, until the time is over."""
    from server.outage_words import explanation_words  # noqa: PLC0415
    from server.outages.reasons import explain, known  # noqa: PLC0415
    from server.texts import LANGUAGES  # noqa: PLC0415

    late = [one.work for outage in plan.outages for one in outage.works if one.late_days]
    late += [one.work for one in plan.live if one.late_days]
    asked = [*(one.work for one in plan.unplaced), *late]
    found: list[Reason] = []

    def look() -> None:
        of = known(instance, network) if asked else None
        for work in asked:
            if ended.is_set():
                return
            explained = explain(instance, network, plan, work, of=of)
            words = {lang: list(explanation_words(explained, lang)) for lang in LANGUAGES}
            found.append(Reason(work=work, text=words))

    # One reason of a province's month may take minutes, and the plan is not to be lost for it.
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(seconds)
    told = tuple(found)
    return told, tuple(asked[len(told) :])


if __name__ == "__main__":
    sys.exit(main())

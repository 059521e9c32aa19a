"""`hezha balance`: place a month's outages; check a plan, explain it, price a move, balance again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, get_args

import click
import msgspec

from geo.finding import Finding
from geo.network.model import Network
from geo.network.topology import build, supply
from server.outage_words import explanation_words, price_words
from server.outages.balancing import balance as make_plan
from server.outages.checking import check
from server.outages.instance import Instance
from server.outages.plan import First, Plan
from server.outages.reading import read_instance
from server.outages.reasons import explain, known
from server.outages.rebalancing import Scope, price, rebalance
from server.outages.solving import Limits
from server.outages.watch import Step
from server.scheduling.picture import draw, feeders_of
from server.texts import LANGUAGES, text

#: Exit code for a file that cannot be read, or an instance that cannot be balanced.
UNUSABLE = 2

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LANGUAGE = click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")


class _MakeByDefault(click.Group):
    """`hezha balance FILE` is `hezha balance make FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_MakeByDefault)
def balance() -> None:
    """Place a month's outages so that customers are interrupted least.

    `hezha balance INSTANCE --out PLAN` makes a plan; docs/outages.md tells both files and the model.
    """


@balance.command("make")
@click.argument("instance", type=_FILE)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the plan goes.")
@click.option("--time-limit", type=click.FloatRange(min=0.1), default=Limits.seconds, show_default=True)
@click.option("--effort", type=click.FloatRange(min=0.01), help="End by work done instead: repeatable.")
@click.option("--gap", type=click.FloatRange(0, 1), default=Limits.gap, help="Good enough, as a share.")
@click.option("--workers", type=click.IntRange(1, 64), default=Limits.workers, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=Limits.seed, show_default=True)
@_LANGUAGE
@_JSON
def make_command(
    instance: Path,
    out: Path | None,
    time_limit: float,
    effort: float | None,
    gap: float,
    workers: int,
    seed: int,
    lang: str,
    as_json: bool,
) -> None:
    """Make a plan of INSTANCE. Exits with 2 if it cannot be balanced, and says everything that is wrong."""
    read, network = _read(instance, lang, as_json)
    limits = Limits(seconds=time_limit, effort=effort, gap=gap, workers=workers, seed=seed)
    plan = make_plan(read, network, limits=limits, progress=None if as_json else _told)
    if out is not None:
        _write(plan, out)
    if as_json:
        click.echo(json.dumps(_summary(plan), ensure_ascii=False))
        return
    click.echo(text("plan_summary", lang, **_summary(plan)))
    for left in plan.unplaced:
        click.echo(text("plan_left_out", lang, work=left.work))


@balance.command("check")
@click.argument("instance", type=_FILE)
@click.argument("plan", type=_FILE)
@_LANGUAGE
@_JSON
def check_command(instance: Path, plan: Path, lang: str, as_json: bool) -> None:
    """Check PLAN against INSTANCE by other means than those that made it; exits with 1 if it is wrong."""
    read, network = _read(instance, lang, as_json)
    findings = check(read, network, read_plan(plan, lang, as_json))
    _tell(findings, lang, as_json)
    if not as_json and not findings:
        click.echo(text("plan_holds", lang))
    sys.exit(bool(findings))


@balance.command("explain")
@click.argument("instance", type=_FILE)
@click.argument("plan", type=_FILE)
@click.argument("works", nargs=-1)
@_LANGUAGE
@_JSON
def explain_command(instance: Path, plan: Path, works: tuple[str, ...], lang: str, as_json: bool) -> None:
    """Say why WORKS are where they are in PLAN, and what would change it; by default those out or late."""
    read, network = _read(instance, lang, as_json)
    made = read_plan(plan, lang, as_json)
    late = (one.work for outage in made.outages for one in outage.works if one.late_days)
    late_live = (one.work for one in made.live if one.late_days)
    asked = works or (*(one.work for one in made.unplaced), *late, *late_live)
    _known(read, asked)
    of = known(read, network) if asked else None
    explained = [explain(read, network, made, work, of=of) for work in asked]
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(explained), ensure_ascii=False))
        return
    for one in explained:
        for line in explanation_words(one, lang):
            click.echo(line)
        click.echo()


@balance.command("picture")
@click.argument("instance", type=_FILE)
@click.argument("plan", type=_FILE)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="An SVG file.")
@_LANGUAGE
def picture_command(instance: Path, plan: Path, out: Path, lang: str) -> None:
    """Draw PLAN as a Gantt chart by feeder, and beside it why works are left out."""
    read, network = _read(instance, lang, as_json=False)
    made, topology = read_plan(plan, lang, as_json=False), build(network)
    left = [one.work for one in made.unplaced]
    _known(read, left)
    of = known(read, network) if left else None
    reasons = {one: list(explanation_words(explain(read, network, made, one, of=of), lang)) for one in left}
    feeders = feeders_of(read.works, topology, supply(topology))
    out.write_text(draw(read, made, feeders, lang, reasons=reasons), "utf-8")


@balance.command("price")
@click.argument("instance", type=_FILE)
@click.argument("plan", type=_FILE)
@click.argument("work")
@click.argument("date", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--scope", type=click.Choice(get_args(Scope)), default="nothing", show_default=True)
@_LANGUAGE
@_JSON
def price_command(
    instance: Path, plan: Path, work: str, date: datetime, scope: Scope, lang: str, as_json: bool
) -> None:
    """Say what moving WORK to DATE costs while the rest of PLAN stays, but for what SCOPE lets move."""
    read, network = _read(instance, lang, as_json)
    _known(read, (work,))
    made = read_plan(plan, lang, as_json)
    if not read.calendar.first <= date.date() <= read.calendar.last:
        _unreadable(f"{date.date()} is not in the month")
    priced = price(read, network, made, work, date.date(), scope=scope)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(priced), ensure_ascii=False))
        return
    click.echo(price_words(priced, lang))


@balance.command("again")
@click.argument("instance", type=_FILE)
@click.argument("plan", type=_FILE)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--frozen-until", type=click.DateTime(["%Y-%m-%d"]), help="Up to this day nothing moves.")
@click.option("--first", type=click.Choice(get_args(First)), default="changes", show_default=True)
@click.option("--time-limit", type=click.FloatRange(min=0.1), default=Limits.seconds, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=Limits.workers, show_default=True)
@_LANGUAGE
@_JSON
def again_command(
    instance: Path,
    plan: Path,
    out: Path,
    frozen_until: datetime | None,
    first: First,
    time_limit: float,
    workers: int,
    lang: str,
    as_json: bool,
) -> None:
    """Balance INSTANCE as it is now, near to PLAN."""
    read, network = _read(instance, lang, as_json)
    before = read_plan(plan, lang, as_json)
    made = rebalance(
        read,
        network,
        before,
        frozen_until=None if frozen_until is None else frozen_until.date(),
        first=first,
        limits=Limits(seconds=time_limit, workers=workers),
        progress=None if as_json else _told,
    )
    _write(made, out)
    click.echo(
        json.dumps(_summary(made), ensure_ascii=False)
        if as_json
        else text("plan_summary", lang, **_summary(made))
    )


def _told(step: Step) -> bool:
    gap = (step.value - step.bound) / step.value if step.value else 0.0
    if sys.stderr.isatty():
        reached = f"{step.seconds:6.1f} s  {step.value:12,.0f}, at best {step.bound:,.0f}  {gap:.1%}"
        click.echo(reached, err=True)
    return True


def _summary(plan: Plan) -> dict[str, Any]:
    return {
        "status": plan.proof.status,
        "customer_hours": round(plan.customer_hours, 1),
        "value": round(plan.proof.stages[0].value, 1),
        "bound": round(plan.proof.stages[0].bound, 1),
        "gap": round(plan.proof.gap, 4),
        "gap_percent": round(100 * plan.proof.gap, 2),
        "seconds": round(plan.proof.seconds, 1),
        "outages": len(plan.outages),
        "placed": sum(len(one.works) for one in plan.outages) + len(plan.live),
        "unplaced": len(plan.unplaced),
    }


def _read(file: Path, lang: str, as_json: bool) -> tuple[Instance, Network]:
    """The instance in a file, with the network that it holds or names beside it."""
    document = _json(file)
    network = document.get("network") if isinstance(document, dict) else None
    beside = network.get("file") if isinstance(network, dict) and "features" not in network else None
    collection = _json(file.parent / beside) if isinstance(beside, str) else None
    reading = read_instance(document, network=collection)
    if reading.instance is None or reading.network is None:
        _tell(reading.findings, lang, as_json)
        sys.exit(UNUSABLE)
    return reading.instance, reading.network


def read_plan(file: Path, lang: str, as_json: bool) -> Plan:
    """The plan in a file; exits with 2 if there is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Plan)
    except msgspec.DecodeError as error:
        _tell((Finding("outage_unreadable", {"detail": str(error)}, grave=True),), lang, as_json)
        sys.exit(UNUSABLE)


def _json(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except OSError as error:
        _unreadable(f"{file}: {error.strerror}")
    except msgspec.DecodeError as error:
        _unreadable(f"{file} is no JSON ({error})")


def _unreadable(sentence: str) -> NoReturn:
    click.echo(f"hezha: {sentence}", err=True)
    sys.exit(UNUSABLE)


def _tell(findings: tuple[Finding, ...], lang: str, as_json: bool) -> None:
    """Findings as sentences with their places, or as JSON."""
    if as_json:
        rows = [{**msgspec.to_builtins(one), "text": text(one.code, lang, **one.params)} for one in findings]
        click.echo(json.dumps({"findings": rows}, ensure_ascii=False))
        return
    for one in findings:
        place = f"{one.place}: " if one.place else ""
        click.echo(
            f"{place}{text(one.code, lang, **one.params)}", err=one.grave and one.code.startswith("outage_")
        )


def _known(instance: Instance, works: Iterable[str]) -> None:
    known = {work.id for work in instance.works}
    for work in works:
        if work not in known:
            _unreadable(f"the instance has no work {work}")


def _write(plan: Plan, out: Path) -> None:
    out.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")

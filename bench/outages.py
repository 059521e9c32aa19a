"""Outages balanced: how soon there is a plan, how soon it is proven good, and what simpler plans cost.

    python bench/outages.py [--works 20 50 ...] [--grown 200] [--large 500 1000] [--province 3000]
        [--seconds S] [--crews 0.33] [--seed K] [--workers N]

Months by seed (`kit/months.py`): on pandapower's public network mv_oberrhein where it is installed, and on a
grown network of 2,000 nodes; a province's month on one of two nodes a work. Beside the plan: (a) each work
alone on its wanted day, or the nearest that has room; (b) each work in turn where it adds least, joined to an
outage where that is cheapest. Both keep every rule and may leave works out; customer-hours are told per work
placed, since a plan that places fewer costs less. Every plan is checked (`server.outages.checking`); one that
does not hold ends the run. With `--processor` all seconds are processor time of all threads, which other work
on the machine hardly lengthens.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

from kit.curves import plot
from kit.months import grown, month, oberrhein

from geo.network.model import Network
from server.outages.balancing import first_plan, proof_of, widened
from server.outages.checking import check
from server.outages.greedy import alone, merged
from server.outages.ledger import Choice, Ledger
from server.outages.month import MINUTES, Month, make_month
from server.outages.options import Options
from server.outages.planning import write_plan
from server.outages.reading import read_instance
from server.outages.search import search
from server.outages.solving import Limits
from server.outages.watch import Step

SMALL_SECONDS, LARGE_SECONDS = 60.0, 300.0
#: A gap below this is drawn as this: the axis has no zero.
FLOOR = 0.01


@dataclass
class Course:
    """The gap of a search over time, in percent, and when it first came below a share."""

    offset: float
    steps: list[tuple[float, float]] = field(default_factory=list)

    def heard(self, step: Step) -> bool:
        gap = (step.value - step.bound) / step.value if step.value else 0.0
        self.steps.append((self.offset + step.seconds, 100 * gap))
        return True

    def below(self, percent: float) -> str:
        found = next((seconds for seconds, gap in self.steps if gap <= percent), None)
        return "–" if found is None else f"{found:.1f}"


@dataclass(frozen=True)
class Plain:
    """A plan without a search: its customer-hours, and the works that it leaves out."""

    hours: float
    left: int

    def each(self, works: int) -> float:
        return self.hours / max(1, works - self.left)


def plain(made: Month, options: Options, choice: Choice) -> Plain:
    ledger = Ledger(made, options, choice)
    return Plain(ledger.customer_minutes() / MINUTES, sum(place is None for place in choice.values()))


def one(network: Network, works: int, seed: int, limits: Limits, crews: float) -> tuple[str, Course]:
    """Balance a month with a share of its crews; its row of the table, and the course of its gap."""
    document = month(network, works, seed)
    for crew in document["crews"]:
        crew["count"] = max(1, round(crews * crew["count"]))
    reading = read_instance(document)
    if reading.instance is None or reading.network is None:
        raise SystemExit(f"the month cannot be balanced: {reading.findings[:3]}")
    began = limits.clock()
    made = make_month(reading.instance, reading.network)
    few, quick = first_plan(made, limits)
    first = limits.clock() - began
    options, start = widened(made, few, quick, limits)
    ready = limits.clock() - began
    single, greedy = plain(made, options, alone(made, options)), plain(made, options, merged(made, options))
    course = Course(ready)
    found = search(made, options, limits, course.heard, start=start)
    proof = proof_of(made, options, found, limits)
    course.steps.append((ready + found.seconds, 100 * proof.gap))
    plan = write_plan(made, options, found.choice, proof)
    if wrong := check(reading.instance, reading.network, plan):
        raise SystemExit(f"the plan does not hold: {wrong[:3]}")
    best = Plain(plan.customer_hours, len(plan.unplaced))
    saved = [100 * (1 - best.each(works) / other.each(works)) for other in (single, greedy)]
    proven = f"{ready + found.seconds:.1f}" if proof.status == "optimal" else f"gap {100 * proof.gap:.1f} %"
    cells = [
        network.id,
        str(works),
        *(f"{own.hours:,.0f} ({own.left})" for own in (single, greedy, best)),
        *(f"{share:.0f} %" for share in saved),
        f"{first:.1f}",
        course.below(5.0),
        course.below(1.0),
        proven,
    ]
    return "| " + " | ".join(cells) + " |", course


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--works", type=int, nargs="*", default=[20, 50, 100, 200])
    parser.add_argument("--grown", type=int, nargs="*", default=[200], help="as long, on the grown network")
    parser.add_argument("--large", type=int, nargs="*", default=[500, 1000])
    parser.add_argument("--province", type=int, nargs="*", default=[], help="as large, two nodes a work")
    parser.add_argument("--processor", action="store_true", help="count processor time, of all threads")
    parser.add_argument("--seconds", type=float, default=LARGE_SECONDS, help="for --large and --province")
    parser.add_argument("--crews", type=float, default=1.0, help="only that share of the crews is there")
    parser.add_argument("--gap", type=float, default=0.0, help="good enough for --large and --province")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--plot", type=Path, help="write the gaps over time there, as SVG")
    asked = parser.parse_args()
    runs = [("oberrhein", works, SMALL_SECONDS, 0.0) for works in asked.works]
    runs += [("grown", works, SMALL_SECONDS, 0.0) for works in asked.grown]
    runs += [("grown", works, asked.seconds, asked.gap) for works in asked.large]
    runs += [(f"province {works}", works, asked.seconds, asked.gap) for works in asked.province]
    networks: dict[str, Network] = {}
    print(f"load at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(
        "| network | works | (a) alone | (b) greedy | balanced | per work, against (a) | against (b) |",
        end="",
    )
    print(" first plan, s | 5 % | 1 % | proof | MB so far |")
    print("|---" * 12 + "|", flush=True)
    curves = {}
    for name, works, seconds, gap in runs:
        if name not in networks:
            nodes = 2 * works if name.startswith("province") else 2000
            networks[name] = oberrhein() if name == "oberrhein" else grown(nodes)
        clock = time.process_time if asked.processor else time.monotonic
        limits = Limits(seconds=seconds, workers=asked.workers, seed=asked.seed, gap=gap, clock=clock)
        row, course = one(networks[name], works, asked.seed, limits, asked.crews)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{row} {peak:,.0f} |", flush=True)
        curves[f"{name}, {works} works"] = [(max(0.1, at), max(FLOOR, off)) for at, off in course.steps]
    print(f"\nload at the end: {os.getloadavg()[0]:.1f}")
    if asked.plot:
        drawn = plot(curves, "Balancing outages: the gap over time", unit="%", of="seconds")
        asked.plot.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()

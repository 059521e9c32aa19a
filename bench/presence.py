"""Presence: generated mornings of inspectors, honest and not, and what the verdicts make of them.

    python bench/presence.py [--walks N] [--seed S]

Each walk is a track and the positions beside twelve answers, made for one scenario from a seeded generator;
its errors are those of receivers, its frauds those of people. The table says how each scenario was judged
by `geo.attendance` with the settings as they are shipped: rows are what is true, columns what was said, of
whole inspections and of single answers, by which a critical item is closed. Two frauds leave no trace in what
a tablet sends, and are in the table so that nobody believes otherwise. Then the time that tracks of 100,000
fixes take, the last three of them made to take long.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from geo.attendance import Sighting, Standing, attend, attend_all, discredited
from geo.coords import Fix, Position
from geo.fence import SiteFence, area, circle
from geo.metric import frame_between
from geo.tracks import TrackLimits, join, read_track
from geo.walks import simplify, stops, visits
from server.intake.presence import attendance_rules
from server.workflow.policy import load_policy

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
SITE = Position(121.93, 29.21)
ANSWERS = 12
CHUNK = 500
RULES = attendance_rules(load_policy().at(START.date()))
SAID: tuple[Standing, ...] = ("supported", "open", "contradicted")
Spot = tuple[float, float]


@dataclass
class Morning:
    """One walk on its way: fixes of the track, and sightings at answers and on other devices."""

    chance: random.Random
    rows: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Sighting] = field(default_factory=list)
    others: list[Sighting] = field(default_factory=list)
    drift: Spot = (0.0, 0.0)

    def seen(self, seconds: float, spot: Spot, accuracy_m: float, *, error_m: float | None = None) -> Fix:
        """A fix at a true spot (metres east and north of the site), off by a normal error."""
        spread = (accuracy_m if error_m is None else error_m) / 2.45
        x, y = (metres + self.chance.gauss(0.0, spread) for metres in spot)
        return Fix(place(x, y), accuracy_m, START + timedelta(seconds=seconds), "gnss")

    def canyon(self, seconds: float, spot: Spot) -> Fix:
        """Between high walls: errors that hang together, accuracies that claim too much, echoes."""
        self.drift = tuple(0.9 * old + self.chance.gauss(0.0, 18.0) for old in self.drift)  # type: ignore[assignment]
        x, y = spot[0] + self.drift[0], spot[1] + self.drift[1]
        if self.chance.random() < 0.03:
            bearing, far = self.chance.uniform(0.0, math.tau), self.chance.uniform(100.0, 600.0)
            x, y = x + far * math.cos(bearing), y + far * math.sin(bearing)
        return self.seen(seconds, (x, y), self.chance.uniform(12.0, 45.0), error_m=5.0)

    def track(self, fix: Fix) -> None:
        assert fix.at is not None
        position, at = fix.position, fix.at.isoformat()
        self.rows.append({"lon": position.lon, "lat": position.lat, "accuracy_m": fix.accuracy_m, "at": at})

    def answer(self, seconds: float, fix: Fix | None) -> None:
        self.answers.append(Sighting("form", START + timedelta(seconds=seconds), fix, "tablet"))


def place(x: float, y: float) -> Position:
    frame = frame_between(SITE.lon, SITE.lat, SITE.lat)
    return Position(SITE.lon + x / frame.metres_per_lon, SITE.lat + y / frame.metres_per_lat)


def way(start: Spot, end: Spot, share: float) -> Spot:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def far_off(chance: random.Random, least_m: float, most_m: float) -> Spot:
    bearing, metres = chance.uniform(0.0, math.tau), chance.uniform(least_m, most_m)
    return metres * math.cos(bearing), metres * math.sin(bearing)


def visit(
    morning: Morning,
    where: Callable[[float], Spot],
    see: Callable[[float, Spot], Fix],
    blind: tuple[float, float],
) -> None:
    """Half an hour there, an hour's work, half an hour on; no fixes while `blind` (seconds)."""
    last: Fix | None = None
    for seconds in range(0, 7200, 15):
        if not blind[0] <= seconds < blind[1]:
            last = see(seconds, where(seconds))
            morning.track(last)
        if 1800 <= seconds < 5400 and seconds % (3600 // ANSWERS) == 0:
            morning.answer(seconds + 7.0, last)


def at_work(chance: random.Random) -> Callable[[float], Spot]:
    """From home to the site by car, about on it within a few tens of metres, and back."""
    home = far_off(chance, 3_000.0, 20_000.0)

    def where(seconds: float) -> Spot:
        if seconds < 1750:
            return way(home, (0.0, 0.0), seconds / 1750)
        if seconds > 5450:
            return way((0.0, 0.0), home, (seconds - 5450) / 1750)
        return 25.0 * math.sin(seconds / 400), 25.0 * math.cos(seconds / 300)

    return where


def honest(morning: Morning) -> None:
    visit(
        morning,
        at_work(morning.chance),
        lambda s, p: morning.seen(s, p, morning.chance.uniform(4, 12)),
        (0, 0),
    )


def canyon(morning: Morning) -> None:
    visit(morning, at_work(morning.chance), morning.canyon, (0, 0))


def underground(morning: Morning) -> None:
    """Blind from shortly after the arrival, for most of the hour or all of it."""
    until = morning.chance.uniform(4000, 5600)
    see = lambda s, p: morning.seen(s, p, morning.chance.uniform(6, 25))  # noqa: E731
    visit(morning, at_work(morning.chance), see, (1830, until))


def at_home(morning: Morning) -> None:
    """All answers given from home, with true positions."""
    home = far_off(morning.chance, 1_500.0, 20_000.0)
    visit(morning, lambda _: home, lambda s, p: morning.seen(s, p, 10.0), (0, 0))


def spoofed(morning: Morning, *, mock: bool = False, all_day: bool = False) -> None:
    """At home, with a made-up position on site while answers are given, or from morning to night."""
    home = far_off(morning.chance, 1_500.0, 20_000.0)
    pretended = at_work(morning.chance) if all_day else lambda _: (3.0, 4.0)

    def see(seconds: float, _: Spot) -> Fix:
        if all_day or 1800 <= seconds < 5400:
            fix = morning.seen(seconds, pretended(seconds), 4.0)
            return Fix(fix.position, fix.accuracy_m, fix.at, "gnss", mock or None)
        return morning.seen(seconds, home, 10.0)

    visit(morning, lambda _: home, see, (0, 0))


def lent(morning: Morning, *, traced: bool) -> None:
    """The tablet is on site in a colleague's hands; its owner may be working on another device meanwhile."""
    honest(morning)
    if traced:
        elsewhere = far_off(morning.chance, 5_000.0, 40_000.0)
        for _ in range(3):
            seconds = morning.chance.uniform(1800, 5400)
            fix = morning.seen(seconds, elsewhere, 15.0)
            morning.others.append(Sighting("form", START + timedelta(seconds=seconds), fix, "other"))


#: What is true, and how it is made.
SCENARIOS: tuple[tuple[str, bool, Callable[[Morning], None]], ...] = (
    ("open sky", True, honest),
    ("urban canyon", True, canyon),
    ("underground gap", True, underground),
    ("answered from home", False, at_home),
    ("spoofed jump, not flagged", False, spoofed),
    ("spoofed jump, mock flag", False, lambda morning: spoofed(morning, mock=True)),
    ("lent tablet, owner at work elsewhere", False, lambda morning: lent(morning, traced=True)),
    ("lent tablet, no trace", False, lambda morning: lent(morning, traced=False)),
    ("spoofed all day, not flagged", False, lambda morning: spoofed(morning, all_day=True)),
)


def fences() -> tuple[SiteFence, ...]:
    """A circle as for most sites, and a surveyed plot with a narrow margin."""
    corners = [(-60.0, -45.0), (60.0, -45.0), (60.0, 45.0), (-60.0, 45.0), (-60.0, -45.0)]
    ring = [[place(x, y).lon, place(x, y).lat] for x, y in corners]
    return circle(SITE, 200.0), area({"type": "Polygon", "coordinates": [ring]}, datum="wgs84", margin_m=50.0)


def judged(morning: Morning, fence: SiteFence) -> tuple[Standing, Counter[Standing]]:
    """What a morning came to, and its answers each."""
    chunks = [morning.rows[start : start + CHUNK] for start in range(0, len(morning.rows), CHUNK)]
    tracks = {str(n): read_track({"datum": "wgs84", "fixes": rows}) for n, rows in enumerate(chunks)}
    track = join(tracks)
    verdicts = [
        attend(fence, one, track=track, others=morning.others, rules=RULES) for one in morning.answers
    ]
    doubted = discredited(verdicts)
    credited: list[Standing] = [
        "open" if doubted and one.standing == "supported" else one.standing for one in verdicts
    ]
    return attend_all(verdicts), Counter(credited)


def matrix(walks: int, seed: int) -> None:
    totals = {present: (Counter[Standing](), Counter[Standing]()) for present in (True, False)}
    said = " | ".join(SAID)
    print(f"| scenario | truly on site | inspections: {said} | answers: {said} |")
    print("|---|---|---|---|---|---|---|---|")
    for name, present, make in SCENARIOS:
        whole, single = Counter[Standing](), Counter[Standing]()
        for number in range(walks):
            morning = Morning(random.Random(f"{seed}/{name}/{number}"))
            make(morning)
            inspection, answers = judged(morning, fences()[number % 2])
            whole[inspection] += 1
            single += answers
        totals[present][0].update(whole)
        totals[present][1].update(single)
        print(row(name, present, whole, single))
    for present, (whole, single) in totals.items():
        print(row(f"**all {'on' if present else 'off'} site**", present, whole, single))


def row(name: str, present: bool, whole: Counter[Standing], single: Counter[Standing]) -> str:
    cells = [f"{found[said]:,}" for found in (whole, single) for said in SAID]
    return f"| {name} | {'yes' if present else 'no'} | " + " | ".join(cells) + " |"


def long_track(count: int, spot: Callable[[int], Spot]) -> dict[str, Any]:
    rows = []
    for number in range(count):
        position = place(*spot(number))
        at = (START + timedelta(seconds=number)).isoformat()
        rows.append({"lon": position.lon, "lat": position.lat, "accuracy_m": 5.0, "at": at})
    return {"datum": "wgs84", "fixes": rows}


def long_tracks(count: int, seed: int) -> None:
    chance = random.Random(seed)
    limits = TrackLimits(max_fixes=count)
    shapes: dict[str, Callable[[int], Spot]] = {
        "a walk": lambda n: (3.0 * math.sin(n / 900) * n / 90, 2.0 * math.cos(n / 700) * n / 90),
        "a jump at every fix": lambda n: (chance.uniform(-3e6, 3e6), chance.uniform(-9e5, 9e5)),
        "a spiral": lambda n: (n / 9 * math.cos(n / 50), n / 9 * math.sin(n / 50)),
        "a narrowing zigzag": lambda n: (n / 10, (n % 2) * 100 * (1 - n / count)),
    }
    print(f"\n| {count:,} fixes | read and cleaned | stops | visits to 20 sites | simplified to 5 m |")
    print("|---|---|---|---|---|")
    sites = {str(n): circle(place(500.0 * n, 0.0), 200.0) for n in range(20)}
    for name, spot in shapes.items():
        document = long_track(count, spot)
        track, reading = timed(lambda document=document: read_track(document, limits=limits))
        steps = (
            timed(lambda track=track: stops(track))[1],
            timed(lambda track=track: visits(track, sites))[1],
            timed(lambda track=track: simplify(track, tolerance_m=5.0))[1],
        )
        print(f"| {name} | {reading:.1f} s | " + " | ".join(f"{one:.1f} s" for one in steps) + " |")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--walks", type=int, default=200, help="walks of each scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fixes", type=int, default=100_000, help="fixes of the long tracks")
    given = parser.parse_args()
    matrix(given.walks, given.seed)
    long_tracks(given.fixes, given.seed)


if __name__ == "__main__":
    main()

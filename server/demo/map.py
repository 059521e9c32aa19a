"""The demo town on a map: its network, the cases of the demo with their fences, and an inspector's morning.

`python -m server.demo.map docs` writes `docs/demo-town.svg`; a test holds the file to what is drawn here.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from geo.coords import Position
from geo.fence import circle
from geo.metric import Frame, distance_m, frame_between
from geo.network.exchange import read_network
from geo.network.model import Line, Network, NetworkError, Switch
from geo.network.topology import Supply, Topology, build, course, supply
from geo.tracks import Track, read_track
from geo.walks import Stop, stops, visits
from server.demo import town
from server.demo.town import Premises
from server.texts import both

FILE = "demo-town.svg"
CASES: tuple[Premises, ...] = (
    town.COLD_STORE,
    town.BOATYARD,
    town.KNITWEAR,
    town.HOSPITAL,
    town.FOUNDRY,
    town.MARKET,
    town.SCHOOL,
    town.PLASTICS,
)
#: Metres on the ground around what is drawn, and for one unit of the drawing.
MARGIN_M, UNIT_M = 260.0, 3.6
FENCE_M = 150.0
LEGEND_ROW, LEGEND_WIDTH = 22, 250
#: Colours that stay apart in print and for most colour-blind readers.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#5b4b9a")
STYLE = """text { font: 11px "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; fill: #222 }
.small { font-size: 9px; fill: #555 }
.line { fill: none; stroke-width: 2.2 } .cable { stroke-dasharray: 6 3 }
.fence { fill: #d62728; fill-opacity: .1; stroke: #d62728; stroke-dasharray: 3 3 }
.track { fill: none; stroke: #222; stroke-width: 1.2; stroke-dasharray: 1 3 }
.halo { stroke: #fff; stroke-width: 3px }"""


@dataclass(frozen=True)
class Sheet:
    """From places to units of the drawing: east to the right, north upwards."""

    frame: Frame
    west_m: float
    north_m: float

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        x, y = self.frame.xy(lon, lat)
        return round((x - self.west_m) / UNIT_M, 1), round((self.north_m - y) / UNIT_M, 1)


def network() -> Network:
    """The town's network. Raises NetworkError if its file is damaged."""
    text = (resources.files("server.demo") / "network.json").read_text("utf-8")
    reading = read_network(json.loads(text))
    for finding in reading.findings:
        raise NetworkError(finding.code, **finding.params)
    return reading.network


def morning() -> Track:
    """From the station on foot to the cold store, half an hour there, on to the market: a fix each 20 s."""
    legs = (
        (Position(121.9285, 29.2048), Position(town.COLD_STORE.lon, town.COLD_STORE.lat)),
        (Position(town.COLD_STORE.lon, town.COLD_STORE.lat), Position(town.MARKET.lon, town.MARKET.lat)),
    )
    at = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    fixes: list[dict[str, Any]] = []
    for start, end in legs:
        steps = round(distance_m(start.lon, start.lat, end.lon, end.lat) / (1.4 * 20))
        for step in [*range(steps), *([steps] * 90)]:
            share, sway = step / steps, 0.00006 * math.sin(len(fixes) * 1.7)
            lon = start.lon + share * (end.lon - start.lon) + sway
            lat = start.lat + share * (end.lat - start.lat) - sway / 2
            fixes.append({"lon": lon, "lat": lat, "accuracy_m": 9.0, "at": at.isoformat()})
            at += timedelta(seconds=20)
    return read_track({"datum": "wgs84", "fixes": fixes})


def draw() -> str:
    """The whole map as an SVG document; the same data give the same bytes."""
    topology = build(network())
    fed, track = supply(topology), morning()
    places = [(node.lon or 0.0, node.lat or 0.0) for node in topology.nodes.values()]
    places += [(case.lon, case.lat) for case in CASES]
    sheet, width, height = _sheet(places)
    colours = {
        feeder.id: COLOURS[number % len(COLOURS)] for number, feeder in enumerate(topology.network.feeders)
    }
    sites = {case.no: circle(Position(case.lon, case.lat), FENCE_M) for case in CASES}
    been = {visit.site for visit in visits(track, sites)}
    parts = [
        *_lines(topology, fed, sheet, colours),
        *_switches(topology, sheet),
        *_loads(topology, sheet),
        *_stations(topology, sheet),
        *(_case(case, sheet, seen=case.no in been) for case in CASES),
        *_track(track, sheet),
        *_legend(topology, width + 10, colours),
        *_scale(height),
    ]
    whole = width + LEGEND_WIDTH
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {height}" role="img">',
            f"<title>{escape(_words('demo_map.title'))}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{whole}" height="{height}" fill="#fff"/>',
            f'<rect width="{width}" height="{height}" fill="#f7f6f2"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _sheet(places: Sequence[tuple[float, float]]) -> tuple[Sheet, int, int]:
    lons, lats = zip(*places, strict=True)
    frame = frame_between(min(lons), min(lats), max(lats))
    east, north = frame.xy(max(lons), max(lats))
    sheet = Sheet(frame, -MARGIN_M, north + MARGIN_M)
    return sheet, round((east + 2 * MARGIN_M) / UNIT_M), round((north + 2 * MARGIN_M) / UNIT_M)


def _lines(topology: Topology, fed: Supply, sheet: Sheet, colours: Mapping[str, str]) -> Iterator[str]:
    for edge in topology.edges.values():
        points = course(edge, topology.nodes) if isinstance(edge, Line) else ()
        if points:
            feeder = fed.feeder.get(edge.end) or fed.feeder.get(edge.start) or ""
            style = "line cable" if isinstance(edge, Line) and edge.form == "cable" else "line"
            path = " ".join("{},{}".format(*sheet.at(*point)) for point in points)
            yield f'<polyline class="{style}" stroke="{colours.get(feeder, "#999")}" points="{path}"/>'


def _switches(topology: Topology, sheet: Sheet) -> Iterator[str]:
    for edge in topology.edges.values():
        if isinstance(edge, Switch) and edge.lon is not None and edge.lat is not None:
            x, y = sheet.at(edge.lon, edge.lat)
            yield _square(x, y, 3.5, "#222" if edge.closed else "#fff", "#222")


def _loads(topology: Topology, sheet: Sheet) -> Iterator[str]:
    for transformer in topology.network.transformers:
        if transformer.lon is not None and transformer.lat is not None and transformer.public:
            x, y = sheet.at(transformer.lon, transformer.lat)
            yield f'<circle cx="{x}" cy="{y}" r="2.6" fill="#fff" stroke="#666"/>'
    for customer in topology.network.customers:
        if customer.lon is not None and customer.lat is not None:
            x, y = sheet.at(customer.lon, customer.lat)
            fill = "#222" if customer.importance else "#888"
            yield f'<path d="M{x} {y - 4.5}l4.5 8h-9z" fill="{fill}"/>'
            yield _label(x + 6, y + 4, customer.name, "small")


def _stations(topology: Topology, sheet: Sheet) -> Iterator[str]:
    for station in topology.network.stations:
        if station.lon is not None and station.lat is not None:
            x, y = sheet.at(station.lon, station.lat)
            yield _square(x, y, 8, "#222", "#fff")
            yield _label(x - 34, y + 24, station.name)


def _case(case: Premises, sheet: Sheet, *, seen: bool) -> str:
    x, y = sheet.at(case.lon, case.lat)
    pin = f'<circle class="fence" cx="{x}" cy="{y}" r="{round(FENCE_M / UNIT_M, 1)}"/>'
    pin += f'<circle cx="{x}" cy="{y}" r="4" fill="{"#d62728" if seen else "#fff"}" stroke="#d62728"/>'
    return pin + _label(x + 8, y - 6, case.customer) + _label(x + 8, y + 6, case.no, "small")


def _track(track: Track, sheet: Sheet) -> Iterator[str]:
    spots = [track.fixes[index].position for index in track.kept]
    path = " ".join("{},{}".format(*sheet.at(spot.lon, spot.lat)) for spot in spots)
    yield f'<polyline class="track" points="{path}"/>'
    for stop in stops(track):
        x, y = sheet.at(stop.lon, stop.lat)
        yield f'<circle cx="{x}" cy="{y}" r="7" fill="none" stroke="#222"/>'
        yield _label(x + 10, y + 18, _stay(stop), "small")


def _stay(stop: Stop) -> str:
    return f"{round(stop.observed_s / 60)} min"


def _legend(topology: Topology, left: int, colours: Mapping[str, str]) -> Iterator[str]:
    rows = [
        *(
            (f'<path class="line" stroke="{colours[feeder.id]}" d="M0 0h24"/>', feeder.name)
            for feeder in topology.network.feeders
        ),
        ('<path class="line cable" stroke="#555" d="M0 0h24"/>', _words("demo_map.cable")),
        (_square(12, 0, 3.5, "#222", "#222"), _words("demo_map.closed")),
        (_square(12, 0, 3.5, "#fff", "#222"), _words("demo_map.open")),
        ('<circle cx="12" r="2.6" fill="#fff" stroke="#666"/>', _words("demo_map.transformer")),
        ('<path d="M12 -4.5l4.5 8h-9z" fill="#222"/>', _words("demo_map.important")),
        ('<circle cx="12" r="4" fill="#fff" stroke="#d62728"/>', _words("demo_map.case")),
        ('<circle cx="12" r="4" fill="#d62728" stroke="#d62728"/>', _words("demo_map.visited")),
        ('<path class="track" d="M0 0h24"/>', _words("demo_map.track")),
        ('<circle cx="12" r="7" fill="none" stroke="#222"/>', _words("demo_map.stop")),
    ]
    for number, (sign, words) in enumerate(rows):
        yield f'<g transform="translate({left},{30 + number * LEGEND_ROW})">{sign}{_label(32, 4, words)}</g>'


def _scale(height: int) -> Iterator[str]:
    length = round(500 / UNIT_M, 1)
    ends = "".join(f"M{x} {height - 26}v8" for x in (20, 20 + length))
    yield f'<path d="{ends}M20 {height - 22}h{length}" stroke="#222" fill="none"/>'
    yield _label(24, height - 28, "500 m", "small")


def _square(x: float, y: float, half: float, fill: str, stroke: str) -> str:
    place = f'x="{round(x - half, 1)}" y="{round(y - half, 1)}"'
    return f'<rect {place} width="{2 * half}" height="{2 * half}" fill="{fill}" stroke="{stroke}"/>'


def _label(x: float, y: float, words: str, style: str = "") -> str:
    """Words, and white around them, so that they can be read over lines."""
    place, text = f'x="{round(x, 1)}" y="{round(y, 1)}"', escape(words)
    halo = f'<text {place} class="halo {style}" aria-hidden="true">{text}</text>'
    return halo + f'<text {place} class="{style}">{text}</text>'


def _words(code: str) -> str:
    words = both(code)
    return f"{words['zh-CN']} {words['en']}"


def main(folder: str) -> None:
    """Write the map into `folder`."""
    (Path(folder) / FILE).write_text(draw(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

"""The state diagram of each process, drawn from its table: the same data give the same bytes.

`python -m server.diagrams docs` writes them; a test holds the files in `docs/` to what is drawn here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import get_args

from server.texts import both
from server.workflow.processes import CANCELLED, Process, process
from server.workflow.vocabulary import ProcessName

#: All lengths are SVG user units.
ROW, BOX_WIDTH, BOX_HEIGHT, TOP = 74, 260, 46, 70
LANE, LINE = 26, 17
_FILL = {"utility": "#dbe9f6", "customer": "#fdebd0", "third_party": "#e8e8e8", "nobody": "#eeeeee"}


@dataclass(frozen=True)
class Edge:
    """A move. `number` names it in the legend; `record`: entered by the record of energization alone."""

    number: int
    source: str
    target: str
    needs: tuple[str, ...]
    record: bool = False


def file_name(name: ProcessName) -> str:
    """The diagram's file in `docs/`."""
    return f"process-{name}.svg"


def draw(name: ProcessName) -> str:
    """The process as an SVG document: stages from top to bottom, ways forward right, ways back left."""
    table = process(name)
    rows = {stage: n for n, stage in enumerate(table.stages)}
    edges = list(_edges(table))
    reach = max(abs(rows[edge.target] - rows[edge.source]) for edge in edges)
    left = (reach + 1) * LANE
    right = left + BOX_WIDTH + (reach + 2) * LANE
    parts = [_stage(table, stage, left, rows[stage]) for stage in table.stages]
    parts += [_edge(edge, rows, left) for edge in edges]
    legend = list(_legend(table, edges))
    bottom = TOP + len(rows) * ROW + 10
    parts += [_text(20, bottom + n * LINE, words, "legend") for n, words in enumerate(legend)]
    height = bottom + len(legend) * LINE + 10
    width = max(right, 40 + max(map(_length, legend)))
    title = _words(f"process.{name}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            _STYLE,
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            _text(20, 36, title, "title"),
            *parts,
            "</svg>",
            "",
        ]
    )


_STYLE = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0L8 4L0 8z" fill="#44546a"/></marker></defs>'
    "<style>text{font-family:sans-serif;fill:#1f2933}.title{font-size:20px;font-weight:bold}.name{font-size:14px}"
    ".small{font-size:11px}.legend{font-size:12px}.edge{fill:none;stroke:#44546a;stroke-width:1.3}"
    ".record{stroke-dasharray:5 3}.number{font-size:11px;fill:#7b341e}</style>"
)


def _edges(table: Process) -> Iterator[Edge]:
    """Every move but those to `cancelled`, told of once in the legend; then the record of energization."""
    moves = [
        (stage, target, needs)
        for stage, row in table.stages.items()
        for target, needs in row.moves.items()
        if target != CANCELLED
    ]
    for number, (stage, target, needs) in enumerate(moves, start=1):
        yield Edge(number, stage, target, needs)
    yield Edge(len(moves) + 1, table.ready, table.energized, (), record=True)


def _stage(table: Process, stage: str, left: int, row: int) -> str:
    y = TOP + row * ROW
    it = table.stages[stage]
    states = it.state if it.rectification is None else f"{it.state} · {it.rectification}"
    border = 3 if stage in {table.start, table.ready, table.energized} or it.final else 1
    words = both(f"stage.{stage}")
    return "\n".join(
        [
            f'<rect x="{left}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7" '
            f'fill="{_FILL[it.held_by]}" stroke="#44546a" stroke-width="{border}"/>',
            _text(left + 10, y + 19, f"{states}  {words['zh-CN']}", "name"),
            _text(left + 10, y + 36, words["en"], "small"),
        ]
    )


def _edge(edge: Edge, rows: dict[str, int], left: int) -> str:
    source, target = rows[edge.source], rows[edge.target]
    step = target - source
    style = "edge record" if edge.record else "edge"
    if step == 1:
        x, y = left + BOX_WIDTH // 2, TOP + source * ROW + BOX_HEIGHT
        path = f"M{x} {y}V{y + ROW - BOX_HEIGHT}"
        return _arrow(path, style) + _text(x + 6, y + 18, str(edge.number), "number")
    # Several ways at one box part by the distance that they go, so that none hides another.
    side, out = (left + BOX_WIDTH, LANE) if step > 0 else (left, -LANE)
    shift = min(abs(step), 5) * 3
    start = TOP + source * ROW + BOX_HEIGHT // 2 + (shift if step > 0 else -shift)
    end = TOP + target * ROW + BOX_HEIGHT // 2 + (-shift if step > 0 else shift)
    bend = side + out * abs(step)
    path = f"M{side} {start}C{bend} {start} {bend} {end} {side} {end}"
    x = side + out * abs(step) * 3 // 4
    return _arrow(path, style) + _text(x + 3, (start + end) // 2 + 4, str(edge.number), "number")


def _legend(table: Process, edges: list[Edge]) -> Iterator[str]:
    for edge in edges:
        way = f"{edge.number}  {edge.source} → {edge.target}"
        if edge.record:
            yield f"{way}: 送电登记 by the record of energization, every gate met"
        elif edge.needs:
            yield f"{way}: " + "; ".join(_words(f"precondition.{need}") for need in edge.needs)
    cancel = "; ".join(_words(f"precondition.{need}") for need in table.cancel)
    yield f"→ {CANCELLED}: 送电前任一环节 from every stage before energization: {cancel}"
    yield "任一未结环节 beside every open stage: " + ", ".join(
        f"{state} {_words(f'side_state.{state}')}" for state in table.side_states
    )
    for stage in table.stages.values():
        if stage.rectification:
            yield f"{stage.rectification}: {_words(f'rectification.{stage.rectification}')}"
    yield "蓝 blue: 供电企业用时 the utility's time; 橙 orange: 客户用时 the customer's time"


def _arrow(path: str, style: str) -> str:
    return f'<path class="{style}" d="{path}" marker-end="url(#tip)"/>\n'


def _text(x: int, y: int, words: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" class="{style}">{escape(words)}</text>'


def _length(words: str) -> int:
    """About how long a line of the legend is: Chinese characters are as wide as they are high."""
    return sum(12 if ord(character) > 0x2E80 else 7 for character in words)


def _words(code: str) -> str:
    words = both(code)
    return f"{words['zh-CN']} {words['en']}"


def main(folder: str) -> None:
    """Write every diagram into `folder`."""
    for name in get_args(ProcessName):
        (Path(folder) / file_name(name)).write_text(draw(name), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

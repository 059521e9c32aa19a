"""Curves of costs by size as SVG, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

#: For each kind of work, its costs by size.
Found = Mapping[str, Sequence[tuple[float, float]]]


def sizes(least: int, most: int) -> Iterator[int]:
    """Two for each power of ten."""
    steps = round(2 * math.log10(most / least))
    for step in range(steps + 1):
        yield round(least * 10 ** (step / 2))


def plot(found: Found, title: str, *, unit: str, of: str) -> str:
    """The costs in `unit` by the number of what they are `of`."""
    width, height, left, bottom, right, top = 760, 420, 60, 40, 230, 20
    points = [point for series in found.values() for point in series]
    first, last = math.log10(min(size for size, _ in points)), math.log10(max(size for size, _ in points))
    low = math.floor(math.log10(min(cost for _, cost in points)))
    high = math.ceil(math.log10(max(cost for _, cost in points)))

    def x(size: float) -> float:
        return left + (math.log10(size) - first) / (last - first) * (width - left - right)

    def y(cost: float) -> float:
        return height - bottom - (math.log10(cost) - low) / (high - low) * (height - bottom - top)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f"<title>{title}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        at = y(10**power)
        lines.append(f'<path d="M{left} {at:.1f}H{width - right}" stroke="#ccc"/>')
        lines.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{10**power:,} {unit}</text>')
    for power in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1):
        at = x(10**power)
        lines.append(
            f'<text x="{at:.1f}" y="{height - bottom + 18}" text-anchor="middle">{10**power:,}</text>'
        )
    middle = left + (width - left - right) / 2
    lines.append(f'<text x="{middle}" y="{height - 6}" text-anchor="middle">{of}</text>')
    colours = ("#1b6ca8", "#c0392b", "#8e44ad", "#27803b", "#b9770e", "#444")
    ends = _apart([y(series[-1][1]) for series in found.values()])
    for (kind, series), colour, end in zip(found.items(), cycle(colours), ends, strict=False):
        path = "L".join(f"{x(size):.1f} {y(cost):.1f}" for size, cost in series)
        lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{width - right + 8}" y="{end + 4:.1f}" fill="{colour}">{kind}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _apart(heights: list[float], least: float = 15.0) -> list[float]:
    """The same heights in the same order, moved so that no two texts cover each other."""
    placed: dict[int, float] = {}
    below = -math.inf
    for at in sorted(range(len(heights)), key=lambda number: heights[number]):
        below = placed[at] = max(heights[at], below + least)
    return [placed[number] for number in range(len(heights))]

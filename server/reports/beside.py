"""What lies beside a case and is printed with it: photos and signatures, as values.

Both were written by tablets, so they are read with distrust: a photo is shown only if it was verified, and a
signature is drawn anew from its strokes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from server.reports.paper import Block, Cell, Heading, Line, Passage, Photos, Picture
from server.reports.wording import Wording, Words, breakable

__all__ = [
    "MOST_PHOTOS",
    "MOST_PHOTOS_OF_ITEM",
    "Beside",
    "Shot",
    "Signed",
    "chosen",
    "drawn",
    "photo_blocks",
]

#: Photos of one item and of one paper that are printed: six to a row and a half, some five pages in all. The
#: paper says how many more there are.
MOST_PHOTOS_OF_ITEM = 6
MOST_PHOTOS = 48
#: Points of a signature that are drawn; a hand that signs for ten seconds leaves some hundred.
MOST_POINTS = 4000
#: Width of the pen, and of the margin around a signature, as parts of its longer side.
_PEN = 0.02
_MARGIN = 0.05


@dataclass(frozen=True)
class Shot:
    """A photo: the name of its file if it may be shown, else why not (a code of `paper.photo_*`)."""

    image: str | None = None
    state: str = "absent"
    taken_at: datetime | None = None
    by: str = ""


@dataclass(frozen=True)
class Signed:
    """A signature as its tablet kept it. `picture` is an SVG, None where there are no strokes to draw."""

    signer: str = ""
    at: datetime | None = None
    picture: str | None = None


@dataclass(frozen=True)
class Beside:
    """Photos and signatures, by the id under which the case names them."""

    photos: Mapping[str, Shot] = field(default_factory=dict)
    signatures: Mapping[str, Signed] = field(default_factory=dict)


def chosen(items: Iterable[tuple[str, Sequence[str]]]) -> list[tuple[str, list[str], int]]:
    """By item, the photos that are printed, and how many are not."""
    left = MOST_PHOTOS
    made = []
    for code, photos in items:
        kept = list(dict.fromkeys(photos))[: min(MOST_PHOTOS_OF_ITEM, left)]
        left -= len(kept)
        if photos:
            made.append((code, kept, len(dict.fromkeys(photos)) - len(kept)))
    return made


def photo_blocks(
    title: Words, items: Iterable[tuple[str, Sequence[str]]], beside: Beside, say: Wording
) -> list[Block]:
    """The photos of items under a heading; nothing if there are none."""
    shown, more = [], 0
    for code, photos, left in chosen(items):
        more += left
        shown += [_picture(code, photo, beside.photos.get(photo, Shot()), say) for photo in photos]
    if not shown:
        return []
    blocks: list[Block] = [Heading(title), Photos(tuple(shown))]
    if more:
        blocks.append(Passage((Line(say.say("photos_more", count=more), "small"),)))
    return blocks


def _picture(code: str, photo: str, shot: Shot, say: Wording) -> Picture:
    told = "  ".join([code, *say.moment(shot.taken_at), *say.person(shot.by)])
    caption: Cell = (Line((breakable(told),)), Line((breakable(photo),), "small"))
    if shot.image is None:
        caption = (*caption, Line(say.say(f"photo_{shot.state}"), "alarm"))
    return Picture(shot.image, caption)


def drawn(strokes: Any) -> str | None:
    """A signature's strokes, `[[[x, y], …], …]` in any unit, as SVG; None if nothing can be drawn."""
    lines, left = [], MOST_POINTS
    for stroke in strokes if isinstance(strokes, list) else ():
        line = [point for point in map(_point, stroke if isinstance(stroke, list) else ()) if point][:left]
        left -= len(line)
        if line:
            lines.append(line)
    if not lines:
        return None
    across, down = ([point[axis] for line in lines for point in line] for axis in (0, 1))
    left_edge, top = min(across), min(down)
    side = max(max(across) - left_edge, max(down) - top) or 1.0
    margin = side * _MARGIN
    # One scale for all signatures, so that pens and margins look alike whatever the tablet counted in.
    scale = 1000 / (side + 2 * margin)

    def place(point: tuple[float, float]) -> str:
        return f"{(point[0] - left_edge + margin) * scale:.1f} {(point[1] - top + margin) * scale:.1f}"

    width = (max(across) - left_edge + 2 * margin) * scale
    height = (max(down) - top + 2 * margin) * scale
    # A stroke of one point is a dot, which a path draws only if it goes somewhere.
    path = " ".join("M" + " L".join(map(place, line if len(line) > 1 else line * 2)) for line in lines)
    pen = f'fill="none" stroke="#000" stroke-linecap="round" stroke-width="{1000 * _PEN:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}">'
        f'<path {pen} d="{path}"/></svg>'
    )


#: Beyond this a coordinate is no place on a tablet, and sums would lose what the hand drew.
_FARTHEST = 1e6


def _point(value: Any) -> tuple[float, float] | None:
    """A point, whatever else a tablet wrote beside it, such as pressure and time."""
    if not isinstance(value, list) or len(value) < 2:
        return None
    x, y = value[0], value[1]
    for one in (x, y):
        if isinstance(one, bool) or not isinstance(one, int | float):
            return None
        if not math.isfinite(one) or abs(one) > _FARTHEST:
            return None
    return float(x), float(y)

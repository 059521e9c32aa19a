"""The strip of words on a rendition: which case and item, when, where, by whom. The original never has one.

Drawn in the font of the printed forms, Noto Sans CJK, so that Chinese names look alike on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import noto_cjk_sans_otc
from PIL import Image, ImageDraw, ImageFont

__all__ = ["mark_digest", "stamp"]

#: The face of mainland China in the collection; the others draw some signs the Japanese or Korean way.
_FACE = 2
#: Height of the letters: this part of the longer side, and never so small that strokes run together.
_SIDE_PER_LETTER = 52
_SMALLEST_LETTERS = 12
_LINE_HEIGHT = 1.35
#: How much of the strip the words may take up before they cover the picture: lines beyond it are left out.
_MOST_OF_HEIGHT = 0.3
_SHADE = 0.55
_SHADED = [round(value * (1 - _SHADE)) for value in range(256)]
_CUT = "…"


def stamp(image: Image.Image, lines: Sequence[str], *, own: bool = False) -> Image.Image:
    """A copy of an RGB or grey picture with the lines on a shaded strip along its bottom; the picture itself
    if it is the caller's `own`, to be drawn on.

    A line that is too wide is cut with an ellipsis, and what would cover more than three tenths of the
    picture is left out, from the last line on. A picture too small for one line is returned as it is.
    """
    letters = max(_SMALLEST_LETTERS, round(max(image.size) / _SIDE_PER_LETTER))
    step = round(letters * _LINE_HEIGHT)
    margin = letters // 2
    fitting = int((image.height * _MOST_OF_HEIGHT - margin) // step)
    shown = [_fitted(line, letters, image.width - 2 * margin) for line in lines[: max(0, fitting)]]
    if not any(shown):
        return image
    top = image.height - step * len(shown) - margin
    strip = image.crop((0, top, image.width, image.height)).point(_SHADED * len(image.getbands()))
    for number, line in enumerate(shown):
        _write(strip, (margin, margin // 2 + number * step), line, letters)
    marked = image if own else image.copy()
    marked.paste(strip, (0, top))
    return marked


def mark_digest(lines: Sequence[str]) -> str:
    """Sixteen hexadecimal digits that tell apart renditions with other words on them."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _write(strip: Image.Image, start: tuple[int, int], line: str, letters: int) -> None:
    """What `ImageDraw.text` writes, from letters that were drawn before: a day's marks share most of theirs,
    and to draw them takes four times as long as to put them down."""
    white = (255,) * len(strip.getbands())
    along = float(start[0])
    for letter in line:
        drawn = _letter(letters, letter)
        if drawn.shape is not None:
            strip.paste(white, (round(along) + drawn.left, start[1] + drawn.top), drawn.shape)
        along += drawn.advance


class _Letter(NamedTuple):
    """A letter's shape, None for a blank; where it lies from the start of its line, and how far it goes."""

    shape: Image.Image | None
    left: int
    top: int
    advance: float


@lru_cache(maxsize=4096)
def _letter(letters: int, letter: str) -> _Letter:
    font = _font(letters)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(letter))
    advance = font.getlength(letter)
    if right <= left or bottom <= top:
        return _Letter(None, 0, 0, advance)
    shape = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(shape).text((-left, -top), letter, fill=255, font=font)
    return _Letter(shape, left, top, advance)


@lru_cache(maxsize=8)
def _font(letters: int) -> ImageFont.FreeTypeFont:
    path = str(noto_cjk_sans_otc.FONT_PATH)
    return ImageFont.truetype(path, letters, index=_FACE, layout_engine=ImageFont.Layout.BASIC)


def _fitted(line: str, letters: int, width: float) -> str:
    """The line as far as it goes into `width` pixels, without what cannot be printed."""
    words = "".join(letter for letter in line if letter.isprintable()).strip()
    if _length(words, letters) <= width:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if _length(words[:middle] + _CUT, letters) <= width:
            low = middle
        else:
            high = middle - 1
    return words[:low] + _CUT if low else ""


def _length(words: str, letters: int) -> float:
    return sum(_letter(letters, letter).advance for letter in words)

"""Finds photos that look like another one among a million, and says how alike two are.

Two steps. A fingerprint of 64 bits, the signs of the lowest frequencies, is compared with every known one:
XOR and a count of bits over 8 MB take a millisecond, so that the question can be asked for twenty ways in
which the picture may have been cropped. No tree is needed: at distances of 13 of 64 bits a BK-tree visits
nearly everything, and one pass in order is faster. The few that are near are then laid over each other, looks
themselves, at every crop up to a tenth, and their edges are correlated: that decides.

The lowest fifth takes no part, because that is where watermarks are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.evidence.look import HEIGHT, WIDTH
from server.evidence.model import Reason

__all__ = ["AlikeLimits", "LookIndex", "Words", "alike_reason", "fingerprints", "is_alike", "likeness"]

Floats = NDArray[np.float32]
Words = NDArray[np.uint64]
#: A part of one side of a picture, as fractions of it: below 0 and above 1 lies what a crop took away.
Span = tuple[float, float]

#: Rows that are compared: the upper four fifths.
_ROWS = HEIGHT * 4 // 5
_USED = _ROWS / HEIGHT
_FREQUENCIES = 9
_BITS = 64
_CHUNK = 65_536

#: How a picture asked for may have been cropped from one that is known, side by side: not at all, on both
#: edges, on either. The last are the other way round: the known one is the crop, where it lies in the middle.
_CROPPED: tuple[Span, ...] = ((0, 1), (-0.035, 1.035), (-0.08, 1), (0, 1.08))
_UNCROPPED: Span = (0.05, 0.95)
_WAYS: tuple[tuple[Span, Span], ...] = (
    *product(_CROPPED, _CROPPED),
    (_UNCROPPED, _UNCROPPED),
    (_UNCROPPED, (0, 1)),
    ((0, 1), _UNCROPPED),
)
#: How far one picture may be cut from the other when they are laid over each other, per edge; the two
#: edges of a side together lose no more than the last.
_CUTS = (0.0, 0.025, 0.05, 0.075, 0.1)
#: From this likeness on, crops between those are tried as well: fine patterns shift within a step.
_WORTH_A_CLOSER_LOOK = 0.6


class AlikeLimits(msgspec.Struct, frozen=True):
    """When two photos count as alike.

    `max_bits` of 64 may differ between fingerprints, and of those that are so near the nearest `most` are
    looked at. Their likeness must come to `percent`, or to `plain_percent` where one of the two shows so
    little (a wall, the sky, one edge) that fewer than `least_detail` places carry it.
    """

    max_bits: int = 13
    most: int = 32
    percent: int = 85
    plain_percent: int = 97
    least_detail: float = 24.0


def alike_reason(photo: str, no: str, percent: int) -> Reason:
    """The finding as it is shown: which photo of which case, and how alike, 0 to 100."""
    return Reason("photo_looks_like", {"photo": photo, "no": no, "percent": percent})


class LookIndex:
    """Fingerprints in memory, 16 bytes a photo, by a key that rises. Not for two threads at once."""

    def __init__(self) -> None:
        self._keys = np.empty(1024, np.int64)
        self._words = np.empty(1024, np.uint64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def last_key(self) -> int:
        """The highest key, 0 while there is none."""
        return int(self._keys[self._size - 1]) if self._size else 0

    def extend(self, keys: Sequence[int], words: Words) -> None:
        """Add fingerprints; the keys are in order and above `last_key`."""
        needed = self._size + len(keys)
        if needed > len(self._keys):
            room = max(needed, 2 * len(self._keys))
            self._keys = np.resize(self._keys, room)
            self._words = np.resize(self._words, room)
        self._keys[self._size : needed] = keys
        self._words[self._size : needed] = words
        self._size = needed

    def near(self, look: bytes, limits: AlikeLimits) -> list[int]:
        """The keys of at most `limits.most` photos whose fingerprints are near, the nearest first."""
        asked = _asked(look)
        found, distances = [], []
        for start in range(0, self._size, _CHUNK):
            words = self._words[start : min(start + _CHUNK, self._size)]
            nearest = np.full(len(words), _BITS, np.uint8)
            for word in asked:
                np.minimum(nearest, np.bitwise_count(words ^ word), out=nearest)
            hits = np.flatnonzero(nearest <= limits.max_bits)
            found.append(self._keys[start + hits])
            distances.append(nearest[hits])
        if not found:
            return []
        order = np.argsort(np.concatenate(distances), kind="stable")[: limits.most]
        return [int(key) for key in np.concatenate(found)[order]]


def fingerprints(looks: Iterable[bytes]) -> Words:
    """64 bits for each look: the signs of its lowest frequencies but the mean."""
    return _words(_pictures(looks), ((0, 1), (0, 1)))


def likeness(one: bytes, other: bytes) -> float:
    """How alike two looks are: 0 for nothing in common, 1 for the same picture, whichever is cropped."""
    first, second = _pictures((one, other))
    return max(0.0, _laid_over(first, second), _laid_over(second, first))


def is_alike(one: bytes, other: bytes, limits: AlikeLimits) -> int | None:
    """The likeness in percent, rounded down, if it is enough; otherwise None."""
    percent = int(100 * likeness(one, other))
    plain = min(_detail(one), _detail(other)) < limits.least_detail
    return percent if percent >= (limits.plain_percent if plain else limits.percent) else None


def _pictures(looks: Iterable[bytes]) -> Floats:
    """Looks as rows of grey levels: number x HEIGHT x WIDTH."""
    return np.frombuffer(b"".join(looks), np.uint8).reshape(-1, HEIGHT, WIDTH).astype(np.float32)


def _asked(look: bytes) -> list[np.uint64]:
    picture = _pictures([look])
    return list(dict.fromkeys(_words(picture, way)[0] for way in _WAYS))


def _words(pictures: Floats, way: tuple[Span, Span]) -> Words:
    across, down = way
    left, right = _waves(_ROWS) @ _rows(down), _waves(WIDTH) @ _window(WIDTH, WIDTH, *across)
    waves = left @ pictures @ right.T
    u, v = _lowest()
    signs = np.packbits(waves[:, u, v] > 0, axis=1)
    return np.ascontiguousarray(signs).view(np.uint64)[:, 0]


@cache
def _lowest() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The 64 lowest pairs of frequencies without the mean."""
    pairs = sorted(
        product(range(_FREQUENCIES), repeat=2), key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair)
    )
    chosen = np.array(pairs[1 : _BITS + 1])
    return chosen[:, 0], chosen[:, 1]


@cache
def _waves(samples: int) -> Floats:
    """The first cosines of the DCT-II over so many samples."""
    places = (np.arange(samples) + 0.5) / samples
    return np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), places)).astype(np.float32)


def _rows(span: Span) -> Floats:
    """The upper part of a span of rows."""
    start, end = span
    return _window(HEIGHT, _ROWS, start, start + _USED * (end - start))


@cache
def _window(samples: int, out: int, start: float, end: float) -> Floats:
    """The matrix that samples a part of a line anew, linearly; beyond its ends the line is mirrored."""
    places = (start + (np.arange(out) + 0.5) / out * (end - start)) * samples - 0.5
    lower = np.floor(places).astype(int)
    part = (places - lower).astype(np.float32)
    matrix = np.zeros((out, samples), np.float32)
    for source, weight in ((lower, 1 - part), (lower + 1, part)):
        inside = np.where(
            source < 0, -1 - source, np.where(source >= samples, 2 * samples - 1 - source, source)
        )
        np.add.at(matrix, (np.arange(out), inside), weight)
    return matrix


@cache
def _spans() -> tuple[Span, ...]:
    """What may be left of a side, by the steps of `_CUTS`."""
    return tuple((low, 1 - high) for low, high in product(_CUTS, _CUTS) if low + high <= _CUTS[-1] + 1e-9)


def _between(span: Span) -> tuple[Span, ...]:
    """A span and those half a step from it on either edge."""
    half = (_CUTS[1] - _CUTS[0]) / 2
    steps = (-half, 0.0, half)
    return tuple((round(span[0] + low, 6), round(span[1] + high, 6)) for low, high in product(steps, steps))


@cache
def _sampled(across: tuple[Span, ...], down: tuple[Span, ...]) -> tuple[Floats, Floats]:
    """Crops of columns and of rows, as matrices; the columns' are turned to stand on the right."""
    columns = np.stack([_window(WIDTH, WIDTH, *span).T for span in across])
    return columns, np.stack([_rows(span) for span in down])


def _laid_over(whole: Floats, part: Floats) -> float:
    """The best correlation of the edges of `part` with those of any crop of `whole`."""
    wanted = _unit(_edges(part[:_ROWS]))
    best, across, down = _best_crop(whole, wanted, _spans(), _spans())
    if best >= _WORTH_A_CLOSER_LOOK:
        best, *_ = _best_crop(whole, wanted, _between(across), _between(down))
    return best


def _best_crop(
    whole: Floats, wanted: Floats, across: tuple[Span, ...], down: tuple[Span, ...]
) -> tuple[float, Span, Span]:
    columns, rows = _sampled(across, down)
    crops = np.matmul((rows @ whole)[:, None], columns[None], dtype=np.float32)
    found = _unit(_edges(crops)) @ wanted
    row, column = divmod(int(found.argmax()), len(across))
    return float(found[row, column]), across[column], down[row]


def _edges(pictures: Floats) -> Floats:
    """Differences between neighbours, to the right and below: brightness and slow shades have none."""
    here = pictures[..., :-1, :-1]
    right, below = pictures[..., :-1, 1:] - here, pictures[..., 1:, :-1] - here
    flat = (*pictures.shape[:-2], -1)
    edges: Floats = np.concatenate([right.reshape(flat), below.reshape(flat)], axis=-1)
    return edges


def _unit(vectors: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    # A picture without edges is like nothing, itself included.
    units: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


def _detail(look: bytes) -> float:
    """Over how many places its edges are spread: the participation ratio of their energy."""
    energy = np.square(_edges(_pictures([look])[0, :_ROWS]), dtype=np.float64)
    spread = float((energy**2).sum())
    return float(energy.sum()) ** 2 / spread if spread else 0.0

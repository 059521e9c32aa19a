"""Finds photos that look like another one among a million, and says how alike two are.

Two steps. A fingerprint of 64 bits, the signs of the lowest frequencies, is compared with every known one:
XOR and a count of bits over 8 MB take a millisecond, so that the question can be asked for twenty ways in
which the picture may have been cropped. No tree is needed: at distances of 13 of 64 bits a BK-tree visits
nearly everything, and one pass in order is faster. The few that are near are then laid over each other, looks
themselves, at every crop up to a tenth, and their edges are correlated: that decides.

The lowest fifth takes no part, because that is where watermarks are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.evidence.look import HEIGHT, WIDTH
from server.evidence.model import Reason

__all__ = [
    "AlikeLimits",
    "LookIndex",
    "Words",
    "alike_reason",
    "are_alike",
    "fingerprints",
    "is_alike",
    "likeness",
    "likenesses",
]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Numbers = NDArray[np.int64]
Words = NDArray[np.uint64]
#: A part of one side of a picture, as fractions of it: below 0 and above 1 lies what a crop took away.
Span = tuple[float, float]
_Spans = tuple[Span, ...]

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
#: Squared grey levels below which differences are those of rounding.
_NO_EDGES = 1e-6


class AlikeLimits(msgspec.Struct, frozen=True):
    """When two photos count as alike.

    `max_bits` of 64 may differ between fingerprints, and of those that are so near the nearest `most` are
    looked at. Their likeness must come to `percent`, or to `plain_percent` where one of the two shows so
    little (a wall, the sky, one edge) that fewer than `least_detail` places carry it. Of one that shows next
    to nothing, fewer than `bare_detail` places, no other picture is told than its equal.
    """

    max_bits: int = 13
    most: int = 32
    percent: int = 85
    plain_percent: int = 97
    least_detail: float = 24.0
    bare_detail: float = 10.0


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
    return likenesses(one, (other,))[0]


def likenesses(one: bytes, others: Sequence[bytes]) -> list[float]:
    """`likeness` of a look and each of some others, for little more than that of one."""
    if not others:
        return []
    first, seconds = _pictures((one,))[0], _pictures(others)
    best = np.maximum(_crops_of_one(first, seconds), _crops_of_many(seconds, first))
    return [float(found) for found in np.maximum(best, 0.0)]


def is_alike(one: bytes, other: bytes, limits: AlikeLimits) -> int | None:
    """The likeness in percent, rounded down, if it is enough; otherwise None."""
    return are_alike(one, (other,), limits)[0]


def are_alike(one: bytes, others: Sequence[bytes], limits: AlikeLimits) -> list[int | None]:
    """`is_alike` of a look and each of some others."""
    return [
        _percent(one, other, int(100 * alike), limits)
        for other, alike in zip(others, likenesses(one, others), strict=True)
    ]


def _percent(one: bytes, other: bytes, percent: int, limits: AlikeLimits) -> int | None:
    if percent < min(limits.percent, limits.plain_percent):
        return None
    detail = min(_detail(one), _detail(other))
    wanted = limits.plain_percent if detail < limits.least_detail else limits.percent
    enough = percent >= wanted and (one == other or detail >= limits.bare_detail)
    return percent if enough else None


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
def _spans() -> _Spans:
    """What may be left of a side, by the steps of `_CUTS`."""
    return tuple((low, 1 - high) for low, high in product(_CUTS, _CUTS) if low + high <= _CUTS[-1] + 1e-9)


@cache
def _between(span: Span) -> _Spans:
    """A span and those half a step from it on either edge."""
    half = (_CUTS[1] - _CUTS[0]) / 2
    steps = (-half, 0.0, half)
    return tuple((round(span[0] + low, 6), round(span[1] + high, 6)) for low, high in product(steps, steps))


@cache
def _sampled(across: _Spans, down: _Spans) -> tuple[Floats, Floats]:
    """Crops of columns and of rows, as matrices; the columns' are turned to stand on the right."""
    columns = np.stack([_window(WIDTH, WIDTH, *span).T for span in across])
    return columns, np.stack([_rows(span) for span in down])


def _crops_of_one(whole: Floats, parts: Floats) -> Floats:
    """For each part, the best correlation of its edges with those of any crop of `whole`."""
    wanted = _unit(_edges(parts[:, :_ROWS]))

    def correlations(numbers: Numbers, across: _Spans, down: _Spans) -> Floats:
        columns, rows = _sampled(across, down)
        crops = np.matmul((rows @ whole)[:, None], columns[None], dtype=np.float32)
        edges = _unit(_edges(crops))
        found: Floats = wanted[numbers] @ edges.reshape(-1, edges.shape[-1]).T
        return found

    return _best(len(parts), correlations)


def _crops_of_many(wholes: Floats, part: Floats) -> Floats:
    """For each of `wholes`, the best correlation of any crop of it with the edges of `part`.

    No crop is made of all of them. The edges of a crop are `rows @ whole @ columns`, so that their product
    with those wanted is one of `whole` with `rows.T @ wanted @ columns.T`, which is the same for all, and the
    square of their length is `trace(whole.T @ (rows.T @ rows) @ whole @ (columns @ columns.T))`, in which
    rows and columns stand apart.
    """
    wanted = np.split(_unit(_edges(part[:_ROWS])).astype(np.float64), 2)
    # Edges do not know how bright a picture is, and sums without it lose less.
    flat = np.asarray(wholes - wholes.mean(axis=(1, 2), keepdims=True), np.float64)

    def correlations(numbers: Numbers, across: _Spans, down: _Spans) -> Floats:
        some, count = flat[numbers], len(numbers)
        asked: Doubles = np.zeros((len(down), len(across), HEIGHT, WIDTH))
        squared: Doubles = np.zeros((count * len(down), len(across)))
        turned = np.ascontiguousarray(some.transpose(0, 2, 1)).reshape(-1, HEIGHT)
        for maker, edges in zip(_edge_makers(across, down), wanted, strict=True):
            held = maker.rows.transpose(0, 2, 1) @ edges.reshape(_ROWS - 1, WIDTH - 1)
            asked += held[:, None] @ maker.columns.transpose(0, 2, 1)[None]
            within = (turned @ maker.down).reshape(count, -1, HEIGHT) @ some
            within = within.reshape(count, WIDTH, len(down), WIDTH).transpose(0, 2, 1, 3)
            squared += within.reshape(count * len(down), -1) @ maker.across
        products = some.reshape(count, -1) @ asked.reshape(-1, HEIGHT * WIDTH).T
        seen = squared.reshape(products.shape)
        # A picture without edges is like nothing.
        found = np.divide(
            products, np.sqrt(np.abs(seen)), out=np.zeros_like(products), where=seen > _NO_EDGES
        )
        return found.astype(np.float32)

    return _best(len(wholes), correlations)


def _best(count: int, correlations: Callable[[Numbers, _Spans, _Spans], Floats]) -> Floats:
    """The best of each of `count` pictures over all crops, looked at more closely where it is worth it.

    `correlations` gives those of some pictures, by number, with crops of columns and rows: a row a picture,
    in which all spans of columns follow each of rows.
    """
    spans = _spans()
    found = correlations(np.arange(count), spans, spans)
    best: Floats = found.max(axis=1)
    places = found.argmax(axis=1)
    closer = best >= _WORTH_A_CLOSER_LOOK
    for place in set(places[closer].tolist()):
        row, column = divmod(place, len(spans))
        numbers = np.flatnonzero(closer & (places == place))
        best[numbers] = correlations(numbers, _between(spans[column]), _between(spans[row])).max(axis=1)
    return best


class _EdgeMaker(NamedTuple):
    """What makes the edges of one direction of all crops.

    `rows` and `columns` are the factors on the left and the right, spans x edges x HEIGHT and spans x WIDTH x
    edges; `down` and `across` their squares, laid out so that one product serves all spans.
    """

    rows: Doubles
    columns: Doubles
    down: Doubles
    across: Doubles


@lru_cache(maxsize=512)
def _edge_makers(across: _Spans, down: _Spans) -> tuple[_EdgeMaker, _EdgeMaker]:
    """Of the edges to the right, and of those below."""
    columns, rows = (crops.astype(np.float64) for crops in _sampled(across, down))
    right = rows[:, :-1], columns[:, :, 1:] - columns[:, :, :-1]
    below = rows[:, 1:] - rows[:, :-1], columns[:, :, :-1]
    return _edge_maker(*right), _edge_maker(*below)


def _edge_maker(rows: Doubles, columns: Doubles) -> _EdgeMaker:
    down = (rows.transpose(0, 2, 1) @ rows).transpose(1, 0, 2).reshape(HEIGHT, -1)
    across = (columns @ columns.transpose(0, 2, 1)).reshape(len(columns), -1).T
    return _EdgeMaker(rows, columns, np.ascontiguousarray(down), np.ascontiguousarray(across))


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

"""Look-alikes: how many reused photos are found among a million, how many new ones are flagged, how fast.

    python bench/lookalikes.py [--known N] [--photos N] [--new N]

The pictures are generated: layers of light, then some dozen boxes of any size and shade, as plant and walls
are. The known million is drawn as looks at once (a look is a layout; drawing it small gives the same), and
among them are `--photos` drawn at 640 x 480. Each of those is reused once in every way, after which it is
a JPEG again: saved at quality 30 to 95, brightened or darkened by up to a fifth, cropped by up to a tenth of
either side anywhere, marked with words on a bar along the lower 14 %, resized to 40 to 140 %, and all of it.
Found is a reuse whose own original is among the findings; a new picture with any finding is a false flag.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from server.evidence.alike import AlikeLimits, LookIndex, are_alike, fingerprints
from server.evidence.look import HEIGHT, WIDTH, look_of

SEED = 20261122
SIZE = (640, 480)
BATCH = 5_000
BOXES, LAYERS = 14, 12
LIMITS = AlikeLimits()
Array = NDArray[np.float64]


class Scenes:
    """`count` scenes, drawn at any size."""

    def __init__(self, chance: np.random.Generator, count: int) -> None:
        self._size = chance.beta(1, 3, (count, BOXES, 2)) * 0.9 + 0.03
        self._at = chance.random((count, BOXES, 2)) * 1.1 - 0.05 - self._size / 2
        self._shade = chance.normal(0, 60, (count, BOXES))
        steps = np.arange(LAYERS)
        fall = 60 / (1 + np.add.outer(steps, steps)) ** 1.2
        self._light = chance.normal(0, 1, (count, LAYERS, LAYERS)) * fall

    def draw(self, width: int, height: int) -> NDArray[np.uint8]:
        across, down = self._covered(0, width), self._covered(1, height)
        grey: Array = np.einsum("bky,bkx,bk->byx", down, across, self._shade, optimize=True)
        grey = grey + np.einsum("buv,uy,vx->byx", self._light, _waves(height), _waves(width), optimize=True)
        return np.clip(grey + 120, 0, 255).astype(np.uint8)

    def _covered(self, axis: int, pixels: int) -> Array:
        """How much of each pixel each box covers, so that edges lie where they lie at any size."""
        low, high = self._at[..., axis, None], (self._at + self._size)[..., axis, None]
        edges = np.arange(pixels + 1) / pixels
        inside = np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])
        covered: Array = np.clip(inside, 0, None) * pixels
        return covered


def _waves(pixels: int) -> Array:
    places = (np.arange(pixels) + 0.5) / pixels
    waves: Array = np.cos(np.pi * np.outer(np.arange(LAYERS), places))
    return waves


def cropped(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    (width, height), loss, place = image.size, chance.random(2) * 0.1, chance.random(2)
    left, top = place * loss
    right, bottom = left + 1 - loss[0], top + 1 - loss[1]
    return image.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))


def brightened(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    by = 1 + chance.uniform(-0.2, 0.2)
    return image.point(lambda value: min(255, value * by))


def marked(image: Image.Image, _chance: np.random.Generator) -> Image.Image:
    made, high = image.copy(), image.height
    pen = ImageDraw.Draw(made)
    pen.rectangle((0, int(high * 0.86), made.width, high), fill=40)
    for line in range(3):
        pen.text((6, int(high * (0.87 + 0.04 * line))), "YK-2026-0365 ME-05 2026-03-05 09:30", fill=255)
    return made


def resized(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    by = chance.uniform(0.4, 1.4)
    return image.resize((int(image.width * by), int(image.height * by)), Image.Resampling.LANCZOS)


def saved(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(chance.integers(30, 96)))
    return Image.open(out)


EDITS: dict[str, tuple[Callable[[Image.Image, np.random.Generator], Image.Image], ...]] = {
    "saved again": (saved,),
    "brightened": (brightened, saved),
    "cropped": (cropped, saved),
    "marked": (marked, saved),
    "resized": (resized, saved),
    "all at once": (cropped, brightened, marked, resized, saved),
}


class Known:
    """Looks and their index, as the server keeps them: fingerprints in memory, looks aside."""

    def __init__(self) -> None:
        self.index = LookIndex()
        self.looks: list[bytes] = []

    def add(self, looks: list[bytes]) -> None:
        first = len(self.looks) + 1
        self.looks += looks
        self.index.extend(range(first, first + len(looks)), fingerprints(looks))

    def find(self, look: bytes) -> list[int]:
        near = self.index.near(look, LIMITS)
        alike = are_alike(look, [self.looks[key - 1] for key in near], LIMITS)
        return [key for key, percent in zip(near, alike, strict=True) if percent is not None]


def small(chance: np.random.Generator, count: int) -> list[bytes]:
    return [look.tobytes() for look in Scenes(chance, count).draw(WIDTH, HEIGHT)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--known", type=int, default=1_000_000)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--new", type=int, default=10_000)
    asked = parser.parse_args()
    chance = np.random.default_rng(SEED)
    photos = [Image.fromarray(one) for one in Scenes(chance, asked.photos).draw(*SIZE)]
    known = Known()
    known.add([look_of(photo) for photo in photos])
    while len(known.looks) < asked.known:
        known.add(small(chance, min(BATCH, asked.known - len(known.looks))))
    print(f"{len(known.looks):,} photos known", flush=True)

    times: list[float] = []

    def find(look: bytes) -> list[int]:
        started = time.perf_counter()
        found = known.find(look)
        times.append((time.perf_counter() - started) * 1000)
        return found

    for name, edits in EDITS.items():
        hits = 0
        for key, photo in enumerate(photos, start=1):
            image = photo
            for edit in edits:
                image = edit(image, chance)
            hits += key in find(look_of(image))
        print(f"  {name:<12} found {hits / len(photos):.4f}", flush=True)
    flagged = sum(
        bool(find(look)) for _ in range(0, asked.new, BATCH) for look in small(chance, min(BATCH, asked.new))
    )
    print(f"  new          {flagged} of {asked.new:,} flagged")
    quantiles = np.quantile(times, [0.5, 0.95, 0.99])
    print("  a question   {:.1f} ms, 95 %: {:.1f} ms, 99 %: {:.1f} ms".format(*quantiles))


if __name__ == "__main__":
    main()

"""Photos: the whole treatment of one picture against what bare Pillow needs to decode it, in one run.

    python bench/photos.py [--rounds N]

`verify` hashes, checks and decodes to the end; `render` writes both renditions. The yardstick, `load`, opens
the same file and decodes it in full. Times are medians in milliseconds on whatever this machine is; compare
ratios, and only within one run.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from server.evidence.model import PhotoClaim, PhotoLimits
from server.evidence.renditions import Size, render_all
from server.evidence.sample import sample_photo
from server.evidence.verify import verify_file
from server.evidence.workers import PhotoWorkers

CASES = (("12 MP", (4000, 3000), 97), ("tablet", (1600, 1200), 90))
NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
LIMITS = PhotoLimits()


def load(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def plain_renditions(path: Path, folder: Path) -> None:
    """What one would write by hand: decode in full, scale twice, save twice."""
    with Image.open(path) as image:
        for side in (1600, 320):
            small = image.copy()
            small.thumbnail((side, side))
            small.save(folder / f"plain-{side}.jpg", quality=82)


def median_ms(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def measure(path: Path, claim: PhotoClaim, folder: Path, rounds: int) -> dict[str, float]:
    outs: dict[Size, Path] = {"thumb": folder / "thumb.jpg", "screen": folder / "screen.jpg"}

    def verify() -> None:
        verdict = verify_file(path, claim, limits=LIMITS, received_at=NOW)
        if not verdict.ok:
            raise SystemExit(f"the benchmark's own photo was refused: {verdict.reasons}")

    with PhotoWorkers(1) as workers:

        def pooled() -> None:
            workers.verify(path, claim, limits=LIMITS, received_at=NOW)
            workers.render_all(path, outs)

        pooled()
        return {
            "load": median_ms(lambda: load(path), rounds),
            "plain": median_ms(lambda: plain_renditions(path, folder), rounds),
            "verify": median_ms(verify, rounds),
            "render": median_ms(lambda: render_all(path, outs), rounds),
            "in a worker": median_ms(pooled, rounds),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    for name, size, quality in CASES:
        data = sample_photo(
            "switchgear", seed=1, taken_at=NOW, lon=117.28, lat=31.86, size=size, quality=quality
        )
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            path = folder / "photo.jpg"
            path.write_bytes(data)
            claim = PhotoClaim(hashlib.sha256(data).hexdigest(), *size, NOW)
            times = measure(path, claim, folder, rounds)
        whole = times["verify"] + times["render"]
        print(f"{name}: {size[0]} x {size[1]}, {len(data) / 1e6:.1f} MB")
        for step, taken in times.items():
            print(f"  {step:<12} {taken:7.1f} ms")
        print(f"  verify + render = {whole:.1f} ms, {whole / times['load']:.2f} x bare load", end="")
        print(f", {whole / times['plain']:.2f} x bare load with the same two renditions")
        print(f"  {1000 / times['in a worker']:.0f} photos a second and worker")


if __name__ == "__main__":
    main()

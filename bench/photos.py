"""Photos: the whole treatment of one picture against what bare Pillow needs to decode it, in one run.

    python bench/photos.py [--rounds N] [--photos N]

`verify` hashes, checks, decodes to the end and takes the look; `render` writes both renditions with their
watermark. Beside them stands bare Pillow: `draft` opens the same file, scales it while it decodes and writes
the same two renditions, `plain` does so without scaling, `load` only decodes. Times are medians in
milliseconds on whatever this machine is; compare ratios, and only within one run. Then one worker treats
`--photos` pictures of 12 megapixels, and the kernel says how much memory it ever held.
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
from server.evidence.renditions import SIZES, Size, render_all
from server.evidence.sample import sample_photo
from server.evidence.verify import verify_file
from server.evidence.workers import PhotoWorkers

CASES = (("12 MP", (4000, 3000), 97), ("tablet", (1600, 1200), 90))
NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
LIMITS = PhotoLimits()
MARK = (
    "YK-2026-0365  ME-05",
    "2026-03-05 09:30:00 +0800",
    "31.86100, 117.28300 WGS-84  ±8 m",
    "合肥市长江西路 1 号",
    "inspector1  01a202c2-e9da-747a-9570-8ce8bcbf2834",
)


def load(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def draft_renditions(path: Path, folder: Path) -> None:
    """The quickest that Pillow does by hand: scale while decoding, the small one from the large."""
    with Image.open(path) as image:
        for name, (side, quality) in (("screen", SIZES["screen"]), ("thumb", SIZES["thumb"])):
            image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=1.2)
            image.save(folder / f"draft-{name}.jpg", quality=quality)


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
            workers.render_all(path, outs, mark=MARK)

        pooled()
        return {
            "load": median_ms(lambda: load(path), rounds),
            "draft": median_ms(lambda: draft_renditions(path, folder), rounds),
            "plain": median_ms(lambda: plain_renditions(path, folder), rounds),
            "verify": median_ms(verify, rounds),
            "render": median_ms(lambda: render_all(path, outs, mark=MARK), rounds),
            "in a worker": median_ms(pooled, rounds),
        }


def peak_mb(path: Path, claim: PhotoClaim, folder: Path, photos: int) -> float:
    """The most that one worker held in memory while it treated the picture so many times."""
    outs: dict[Size, Path] = {"thumb": folder / "thumb.jpg", "screen": folder / "screen.jpg"}
    with PhotoWorkers(1, recycle_after=2 * photos + 1) as workers:
        for _ in range(photos):
            workers.verify(path, claim, limits=LIMITS, received_at=NOW)
            workers.render_all(path, outs, mark=MARK)
        (pid,) = (
            child
            for task in Path("/proc/self/task").iterdir()
            for child in (task / "children").read_text().split()
        )
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--photos", type=int, default=200)
    asked = parser.parse_args()
    for name, size, quality in CASES:
        data = sample_photo(
            "switchgear", seed=1, taken_at=NOW, lon=117.28, lat=31.86, size=size, quality=quality
        )
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            path = folder / "photo.jpg"
            path.write_bytes(data)
            claim = PhotoClaim(hashlib.sha256(data).hexdigest(), *size, NOW)
            times = measure(path, claim, folder, asked.rounds)
            peak = peak_mb(path, claim, folder, asked.photos) if name == "12 MP" else 0.0
        whole = times["verify"] + times["render"]
        print(f"{name}: {size[0]} x {size[1]}, {len(data) / 1e6:.1f} MB")
        for step, taken in times.items():
            print(f"  {step:<12} {taken:7.1f} ms")
        print(f"  verify + render = {whole:.1f} ms", end="")
        for yardstick in ("draft", "plain", "load"):
            print(f", {whole / times[yardstick]:.2f} x {yardstick}", end="")
        print()
        if peak:
            print(f"  a worker held at most {peak:.0f} MB over {asked.photos} of them")
        print(f"  {1000 / times['in a worker']:.0f} photos a second and worker")


if __name__ == "__main__":
    main()

"""Photos: the whole treatment of one picture against what bare Pillow needs to decode it, in one run.

    python bench/photos.py [--rounds N] [--photos N]

`whole` hashes, checks, decodes to the end, takes the look and writes both renditions with their watermark;
`in a worker` asks a worker for the same; `verify` leaves out the renditions. Beside them stands bare Pillow:
`draft` opens the same file, scales it while it decodes and writes the same two renditions, `plain` does so
without scaling, `load` only decodes. Times are medians in milliseconds on whatever this machine is, of ways
that take turns; compare ratios, and only within one run. Then one worker treats `--photos` pictures of 12
megapixels, and the kernel says how much memory it ever held.
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
from server.evidence.renditions import SIZES, UNSHOWN, Shown, Size
from server.evidence.sample import sample_photo
from server.evidence.verify import verify_file
from server.evidence.workers import PhotoWorkers

CASES = (("12 MP", (4000, 3000), 96), ("tablet", (1600, 1200), 90))
NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
LIMITS = PhotoLimits()
Ways = dict[str, Callable[[], object]]
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
            # Within a square Pillow would ask its decoder for more than 1.2 times of the shorter side.
            size = (side, round(side * image.height / image.width))
            image.thumbnail(size, Image.Resampling.BICUBIC, reducing_gap=1.2)
            image.save(folder / f"draft-{name}.jpg", quality=quality)


def plain_renditions(path: Path, folder: Path) -> None:
    """What one would write by hand: decode in full, scale twice, save twice."""
    with Image.open(path) as image:
        for side in (1600, 320):
            small = image.copy()
            small.thumbnail((side, side))
            small.save(folder / f"plain-{side}.jpg", quality=82)


def medians_ms(ways: Ways, folder: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Each way once a round, in turn, so that what else the machine does meets them all alike. What one wrote
    is gone before the next: to write over a file waits for the disk, and a photo's renditions are new.

    By the clock, and of this process's processor time."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    worked: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            for out in folder.glob("*-*.jpg"):
                out.unlink()
            started, busy = time.perf_counter(), time.process_time()
            way()
            if number:
                times[name].append((time.perf_counter() - started) * 1000)
                worked[name].append((time.process_time() - busy) * 1000)
    by_clock, by_processor = (
        {name: statistics.median(taken) for name, taken in one.items()} for one in (times, worked)
    )
    return by_clock, by_processor


def outs_in(folder: Path) -> dict[Size, str]:
    return {size: str(folder / f"whole-{size}.jpg") for size in ("thumb", "screen")}


def measure(
    path: Path, claim: PhotoClaim, folder: Path, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    shown = Shown(outs_in(folder), MARK)

    def judged(wanted: Shown = UNSHOWN) -> None:
        verdict = verify_file(path, claim, limits=LIMITS, received_at=NOW, shown=wanted)
        if not verdict.ok:
            raise SystemExit(f"the benchmark's own photo was refused: {verdict.reasons}")

    with PhotoWorkers(1) as workers:

        def pooled() -> None:
            workers.verify(path, claim, limits=LIMITS, received_at=NOW, shown=shown)

        ways: Ways = {
            "load": lambda: load(path),
            "draft": lambda: draft_renditions(path, folder),
            "plain": lambda: plain_renditions(path, folder),
            "verify": judged,
            "whole": lambda: judged(shown),
            "in a worker": pooled,
        }
        return medians_ms(ways, folder, rounds)


def peak_mb(path: Path, claim: PhotoClaim, folder: Path, photos: int) -> float:
    """The most that one worker held in memory while it treated the picture so many times."""
    shown = Shown(outs_in(folder), MARK)
    with PhotoWorkers(1, recycle_after=photos + 1) as workers:
        for _ in range(photos):
            workers.verify(path, claim, limits=LIMITS, received_at=NOW, shown=shown)
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
    parser.add_argument("--photos", type=int, default=1000)
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
            times, worked = measure(path, claim, folder, asked.rounds)
            peak = peak_mb(path, claim, folder, asked.photos) if name == "12 MP" else 0.0
        print(f"{name}: {size[0]} x {size[1]}, {len(data) / 1e6:.1f} MB")
        for step, taken in times.items():
            busy = "" if step == "in a worker" else f"  ({worked[step]:.1f} ms of processor time)"
            print(f"  {step:<12} {taken:7.1f} ms{busy}")
        for way in ("whole", "in a worker"):
            ratios = ", ".join(
                f"{times[way] / times[other]:.2f} x {other}" for other in ("draft", "plain", "load")
            )
            print(f"  {way}: {ratios}")
        busy_ratio = worked["whole"] / worked["draft"]
        print(f"  whole, by processor time: {busy_ratio:.2f} x draft, {1000 / worked['whole']:.0f} a second")
        if peak:
            print(f"  a worker held at most {peak:.0f} MB over {asked.photos} of them")
        print(f"  {1000 / times['in a worker']:.0f} photos a second and worker")


if __name__ == "__main__":
    main()

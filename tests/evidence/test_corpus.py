"""Hostile and odd files, made here: each gets its verdict from a worker that lives on, within its limits.

The workers' limits are the bounds that hold: two seconds of processor time and 400 MiB of address space for
one photo. A file that passed either would be answered with the cause `timeout`, `memory` or `crash`.
"""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from server.evidence.header import Refused
from server.evidence.model import PhotoLimits, PhotoVerdict
from server.evidence.renditions import Rendition, Size
from server.evidence.sample import draw, make_exif
from server.evidence.workers import PhotoWorkers
from tests.evidence.photos import LAT, LON, RECEIVED, TAKEN, claim_for, png_bomb, saved

CPU_SECONDS, MEMORY_BYTES = 2.0, 400 * 1024 * 1024
LIMITS = PhotoLimits()
SIZE = (96, 72)
SCENE = draw("switchgear", seed=5, size=SIZE)
EXIF = make_exif(TAKEN, lon=LON, lat=LAT)
WHOLE = {
    "JPEG": saved(SCENE, "JPEG", quality=60, exif=EXIF.tobytes()),
    "progressive": saved(SCENE, "JPEG", quality=60, progressive=True),
    "PNG": saved(SCENE.resize((48, 36)), "PNG"),
    "WEBP": saved(SCENE, "WEBP", quality=60),
}


class Bench:
    """One pool for the whole corpus, and the processes that it has used."""

    def __init__(self, pool: PhotoWorkers, folder: Path) -> None:
        self._pool = pool
        self._folder = folder

    def judge(self, data: bytes, size: tuple[int, int] = SIZE) -> PhotoVerdict:
        claim = claim_for(data, width=size[0], height=size[1])
        return self._pool.verify(io.BytesIO(data), claim, limits=LIMITS, received_at=RECEIVED)

    def render(self, data: bytes) -> dict[Size, Rendition] | str:
        """The renditions made, or the code of the refusal."""
        source = self._folder / "source"
        source.write_bytes(data)
        try:
            outs: dict[Size, Path] = {"thumb": self._folder / "t.jpg", "screen": self._folder / "s.jpg"}
            return self._pool.render_all(source, outs, limits=LIMITS)
        except Refused as refused:
            return refused.reason.code

    @staticmethod
    def workers() -> set[int]:
        """The pool's processes, and none that other tests keep, such as a stand-in for a storage."""
        return {
            int(pid)
            for task in Path("/proc/self/task").iterdir()
            for pid in (task / "children").read_text().split()
            if b"server.evidence.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
        }


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with PhotoWorkers(1, CPU_SECONDS, MEMORY_BYTES, attempts=1, recycle_after=100_000) as pool:
        made = Bench(pool, tmp_path_factory.mktemp("corpus"))
        assert made.judge(WHOLE["JPEG"]).ok
        yield made


@pytest.fixture(autouse=True)
def survives(bench: Bench) -> Iterator[None]:
    """Every file of every test is answered by the one process that was there before."""
    before = bench.workers()
    yield
    assert bench.workers() == before
    assert bench.judge(WHOLE["JPEG"]).ok


def refusal(verdict: PhotoVerdict) -> tuple[str, object] | None:
    """Code and cause; None for a photo that passed."""
    return (verdict.reasons[0].code, verdict.reasons[0].params.get("cause")) if verdict.reasons else None


@pytest.mark.parametrize("name", WHOLE)
def test_cut_off_at_every_tenth_byte_it_is_refused(name: str, bench: Bench) -> None:
    data, size = WHOLE[name], (48, 36) if name == "PNG" else SIZE
    assert bench.judge(data, size).ok
    for cut in range(0, len(data) - 1, 10):
        found = refusal(bench.judge(data[:cut], size))
        assert found is not None, cut
        assert found[0] in {"photo_empty", "photo_not_image", "photo_undecodable"}, cut
        assert found[1] in {None, "header", "damaged"}, (cut, found)


@pytest.mark.parametrize("name", WHOLE)
def test_flipped_bytes_end_in_a_verdict(name: str, bench: Bench) -> None:
    """Damage within the data may go unseen by a decoder; it never takes the worker with it."""
    chance = random.Random(name)
    for _ in range(60):
        data = bytearray(WHOLE[name])
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        found = refusal(bench.judge(bytes(data), (48, 36) if name == "PNG" else SIZE))
        assert found is None or found[1] in {None, "header", "damaged", "memory"}, found
        bench.render(bytes(data))


def png(header: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    parts = [chunk(b"IHDR", header), *(chunk(kind, body) for kind, body in chunks), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


ZEROS = zlib.compress(bytes(200_000_000), 9)
SMALL = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("data", "size", "codes"),
    [
        (png_bomb(50_000, 50_000), (50_000, 50_000), {"photo_side_too_long"}),
        (png_bomb(15_000, 15_000), (15_000, 15_000), {"photo_too_many_pixels"}),
        (png_bomb(1, 60_000), (1, 60_000), {"photo_side_too_long"}),
        # A text or a profile that unpacks to 200 MB, and 200 MB of pixels in a picture of 64.
        (
            png(SMALL, (b"zTXt", b"c\0\0" + ZEROS), (b"IDAT", zlib.compress(bytes(72)))),
            (8, 8),
            {"photo_undecodable"},
        ),
        (
            png(SMALL, (b"iCCP", b"c\0\0" + ZEROS), (b"IDAT", zlib.compress(bytes(72)))),
            (8, 8),
            {None, "photo_undecodable"},
        ),
        (png(SMALL, (b"IDAT", ZEROS)), (8, 8), {None, "photo_undecodable"}),
        (png(SMALL, *((b"tEXt", b"c\0x"),) * 5_000, (b"IDAT", zlib.compress(bytes(72)))), (8, 8), {None}),
    ],
    ids=["bomb", "pixels", "tall", "text", "profile", "data", "chunks"],
)
def test_what_unpacks_to_much_is_refused_or_left_packed(
    data: bytes, size: tuple[int, int], codes: set[str | None], bench: Bench
) -> None:
    found = refusal(bench.judge(data, size))
    assert (found and found[0]) in codes
    assert found is None or found[1] not in {"timeout", "crash"}
    assert isinstance(bench.render(data), str) == (found is not None)


def test_a_jpeg_of_many_scans_ends_within_its_time(bench: Bench) -> None:
    """Each scan of a progressive JPEG makes the decoder go over the whole picture again."""
    data = saved(Image.new("L", (1500, 1000), 90), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    repeated = data[:scan] + data[scan:-2] * 200 + data[-2:]
    found = refusal(bench.judge(repeated, (1500, 1000)))
    assert found in {None, ("photo_undecodable", "damaged")}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (15, 17)])
def test_the_smallest_pictures_pass_and_are_rendered(kind: str, size: tuple[int, int], bench: Bench) -> None:
    data = saved(Image.new("RGB", size, (40, 90, 200)), kind)
    assert bench.judge(data, size).ok
    made = bench.render(data)
    assert isinstance(made, dict)
    assert (made["screen"].width, made["screen"].height) == size


@pytest.mark.parametrize(
    "make",
    [
        lambda: saved(SCENE.convert("CMYK"), "JPEG"),
        lambda: saved(SCENE.convert("L"), "JPEG"),
        lambda: saved(SCENE.convert("YCbCr"), "JPEG"),
        lambda: saved(SCENE.convert("1"), "PNG"),
        lambda: saved(SCENE.convert("P"), "PNG"),
        lambda: saved(SCENE.convert("LA"), "PNG"),
        lambda: saved(SCENE.convert("RGBA"), "PNG"),
        lambda: saved(Image.new("I;16", SIZE, 30_000), "PNG"),
        lambda: saved(SCENE.convert("RGBA"), "WEBP", lossless=True),
        lambda: saved(
            SCENE, "JPEG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        ),
        lambda: saved(SCENE, "JPEG", icc_profile=b"no profile at all" * 100),
        lambda: saved(SCENE.convert("CMYK"), "JPEG", icc_profile=b"no profile at all" * 100),
        lambda: saved(SCENE, "JPEG", qtables=[[1] * 64, [1] * 64]),
        lambda: saved(SCENE, "JPEG", restart_marker_blocks=1),
    ],
)
def test_odd_ways_to_store_a_photo_pass_and_are_rendered(make: Callable[[], bytes], bench: Bench) -> None:
    data = make()
    assert bench.judge(data).ok
    assert isinstance(bench.render(data), dict)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "ICO", "PPM", "TGA", "PCX", "SGI", "DDS", "AVIF"])
def test_a_wrong_extension_opens_no_other_decoder(kind: str, bench: Bench) -> None:
    """What a file is says its first bytes; only three decoders are ever called."""
    found = refusal(bench.judge(saved(SCENE, kind)))
    assert found is not None
    assert found[0] == ("photo_heic" if kind == "AVIF" else "photo_not_image")
    assert bench.render(saved(SCENE, kind)) == found[0]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(kind: str, bench: Bench) -> None:
    frames = [SCENE.rotate(turn) for turn in (90, 180)]
    data = saved(SCENE, kind, save_all=True, append_images=frames, duration=80)
    assert refusal(bench.judge(data)) == ("photo_animated", None)


def tiff(*entries: tuple[int, int, int, int], after: int = 0) -> bytes:
    """An EXIF block of one directory of (tag, type, count, value or offset)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + struct.pack("<I", after)


LIES = {
    "the next directory is itself": tiff((0x0112, 3, 1, 6), after=8),
    "Exif is the main directory": tiff((0x8769, 4, 1, 8), (0x0112, 3, 1, 6)),
    "GPS and Interop are the main directory": tiff((0x8825, 4, 1, 8), (0xA005, 4, 1, 8)),
    "a directory behind the end": tiff((0x8769, 4, 1, 0xFFFFFFF0)),
    "four billion values": tiff((0x010F, 2, 0xFFFFFFFF, 8), (0x9003, 2, 0xFFFFFFFF, 8)),
    "an unknown type": tiff((0x0112, 77, 1, 6)),
    "an orientation of 99": tiff((0x0112, 3, 1, 99)),
    "rationals over nothing": tiff((0x8825, 5, 3, 8)),
    "many entries": tiff(*[(0x9286, 7, 60_000, 8)] * 4_000),
    "no header": b"Exif\0\0",
    "another header": b"Exif\0\0XX*\0" + bytes(40),
    "another byte order": b"Exif\0\0MM\0*\0\0\0\x08" + bytes(3),
}


@pytest.mark.parametrize("name", LIES)
def test_exif_that_lies_or_goes_in_circles_costs_only_itself(name: str, bench: Bench) -> None:
    data = saved(SCENE, "JPEG", exif=LIES[name])
    verdict = bench.judge(data)
    assert verdict.ok
    assert verdict.exif is None or (verdict.exif.position is None and verdict.exif.taken_at is None)
    made = bench.render(data)
    assert isinstance(made, dict)
    assert {made["screen"].width, made["screen"].height} == set(SIZE)


def test_exif_of_noise_costs_only_itself(bench: Bench) -> None:
    chance = random.Random(6)
    for _ in range(60):
        noise = bytearray(EXIF.tobytes())
        for _ in range(12):
            noise[chance.randrange(6, len(noise))] = chance.randrange(256)
        assert bench.judge(saved(SCENE, "JPEG", exif=bytes(noise))).ok


def test_a_worker_never_holds_more_than_its_memory(bench: Bench) -> None:
    """The kernel's own high-water mark of the process that judged everything before."""
    bench.render(saved(SCENE.resize((4000, 3000)), "JPEG", quality=85))
    for pid in bench.workers():
        status = Path(f"/proc/{pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmPeak"))
        assert int(peak.split()[1]) * 1024 <= MEMORY_BYTES
        assert os.path.exists(f"/proc/{pid}")

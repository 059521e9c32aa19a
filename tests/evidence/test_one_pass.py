"""One decoding proves a photo whole, gives its look and its renditions; scaling it down hides no damage."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, JpegImagePlugin

from server.evidence.model import PhotoLimits, PhotoVerdict
from server.evidence.renditions import Shown, decode, render_all
from server.evidence.sample import draw
from server.evidence.workers import PhotoWorkers
from tests.evidence.photos import RECEIVED, claim_for, judge, photo, saved

SIZE = (160, 120)
SCENE = draw("switchgear", seed=3, size=SIZE)
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 4},
    "full colour": {"subsampling": 0},
}
LINES = ("YK-2026-0365  ME-05", "2026-03-05 09:30:00 +0800", "合肥市长江西路 1 号")


def whole(data: bytes, side: int) -> bool:
    """Whether a decoding at the scale for `side` comes to its end."""
    try:
        decode(JpegImagePlugin.JpegImageFile(io.BytesIO(data)), side)
    except (OSError, SyntaxError):
        return False
    return True


def scale(data: bytes, side: int) -> int:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    decode(image, side)
    return SIZE[0] // image.width


@pytest.mark.parametrize("kind", KINDS)
def test_cut_off_at_every_tenth_byte_no_scale_takes_it_for_whole(kind: str) -> None:
    data = saved(SCENE, "JPEG", quality=70, **KINDS[kind])
    sides = {4: 30, 2: 60, 1: 160}
    assert {scale(data, side): side for side in sides.values()} == sides
    for side in sides.values():
        assert whole(data, side)
    for cut in range(_first_scan(data), len(data) - 1, 10):
        assert not any(whole(data[:cut], side) for side in sides.values()), cut


@pytest.mark.parametrize("kind", KINDS)
def test_damage_within_is_seen_at_every_scale_or_at_none(kind: str) -> None:
    """What a decoder at full size minds, it minds when it scales, and the other way round."""
    good = saved(SCENE, "JPEG", quality=70, **KINDS[kind])
    chance = random.Random(kind)
    seen = set()
    for _ in range(150):
        data = bytearray(good)
        for _ in range(chance.choice((1, 2, 30))):
            data[chance.randrange(_first_scan(good), len(data))] ^= 1 << chance.randrange(8)
        found = {whole(bytes(data), side) for side in (30, 60, 160)}
        assert len(found) == 1
        seen |= found
    assert True in seen


def _first_scan(data: bytes) -> int:
    return data.index(b"\xff\xda")


def shown(folder: Path, *lines: str) -> Shown:
    return Shown({"thumb": str(folder / "t.jpg"), "screen": str(folder / "s.jpg")}, lines)


def verify(workers: PhotoWorkers, data: bytes, size: tuple[int, int], wanted: Shown) -> PhotoVerdict:
    claim = claim_for(data, width=size[0], height=size[1])
    return workers.verify(io.BytesIO(data), claim, limits=PhotoLimits(), received_at=RECEIVED, shown=wanted)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photo_that_passes_has_its_renditions_at_once(
    orientation: int, workers: PhotoWorkers, write: Callable[..., Path], tmp_path: Path
) -> None:
    """They are the same as those that are made when somebody asks."""
    data = photo(size=(1800, 1350), orientation=orientation)
    size = (1800, 1350) if orientation == 1 else (1350, 1800)
    once, later = tmp_path / "once", tmp_path / "later"
    once.mkdir()
    later.mkdir()
    verdict = verify(workers, data, size, shown(once, *LINES))
    assert verdict.ok
    assert verdict.look == judge(data, claim_for(data, width=size[0], height=size[1])).look
    render_all(write(data), {"thumb": later / "t.jpg", "screen": later / "s.jpg"}, mark=LINES)
    for name, sides in (("t.jpg", (320, 240)), ("s.jpg", (1600, 1200))):
        with Image.open(once / name) as one, Image.open(later / name) as other:
            assert one.size == other.size == sides
            assert ImageChops.difference(one, other).getbbox() is None


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: data + b"PK\x05\x06" + bytes(18)])
def test_a_photo_that_is_refused_leaves_no_rendition(
    damage: Callable[[bytes], bytes], workers: PhotoWorkers, tmp_path: Path
) -> None:
    verdict = verify(workers, damage(photo()), (160, 120), shown(tmp_path))
    assert not verdict.ok
    assert list(tmp_path.iterdir()) == []


def test_other_sides_than_claimed_leave_no_rendition(workers: PhotoWorkers, tmp_path: Path) -> None:
    assert not verify(workers, photo(), (161, 120), shown(tmp_path)).ok
    assert list(tmp_path.iterdir()) == []


def test_a_rendition_that_cannot_be_written_costs_the_photo_nothing(
    workers: PhotoWorkers, tmp_path: Path
) -> None:
    """The cache is made again when it is missing; a verdict is given once."""
    gone = tmp_path / "no such folder"
    assert verify(workers, photo(), (160, 120), shown(gone)) == judge(photo())
    assert not gone.exists()


def test_a_photo_that_kills_its_worker_while_it_is_rendered_is_judged_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second worker is asked for the verdict alone."""
    wanted = shown(tmp_path)
    with PhotoWorkers(1) as pool:
        ask = pool._ask_once
        lines: list[bytes] = []

        def dies_of_renditions(line: bytes) -> Any:
            lines.append(line)
            if b"s.jpg" not in line:
                return ask(line)
            monkeypatch.setattr(pool, "_command", ["/bin/sh", "-c", "echo ready; read line; kill -SEGV $$"])
            try:
                return ask(line)
            finally:
                monkeypatch.undo()

        assert judge(photo()).ok
        pool._ask_once = dies_of_renditions  # type: ignore[method-assign]
        assert verify(pool, photo(), (160, 120), wanted) == judge(photo())
    assert [b"s.jpg" in line for line in lines] == [True, False]
    assert list(tmp_path.iterdir()) == []

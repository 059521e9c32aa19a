"""Renditions are upright, of the right size, true in colour, and tell nothing about who took the photo."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from server.evidence.header import Refused
from server.evidence.model import PhotoLimits
from server.evidence.renditions import SIZES, render, render_all
from server.evidence.sample import STORED
from tests.evidence.photos import photo, png_bomb, saved

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
Write = Callable[..., Path]


def quadrants() -> Image.Image:
    """Red, green, blue and white corners: which way is up shows in every one."""
    image = Image.new("RGB", (400, 200), (255, 255, 255))
    image.paste((220, 20, 20), (0, 0, 200, 100))
    image.paste((20, 200, 20), (200, 0, 400, 100))
    image.paste((20, 20, 220), (0, 100, 200, 200))
    return image


def near(found: Any, wanted: tuple[int, int, int], by: int = 24) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def corners(path: Path) -> list[Any]:
    with Image.open(path) as image:
        wide, high = image.size
        rgb = image.convert("RGB")
        return [rgb.getpixel((x, y)) for y in (high // 4, high * 3 // 4) for x in (wide // 4, wide * 3 // 4)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation: int, write: Write, tmp_path: Path) -> None:
    """The stored pixels are turned as a camera would; the rendition shows the scene as it was."""
    turn = STORED.get(orientation)
    stored = quadrants() if turn is None else quadrants().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = write(saved(stored, "JPEG", quality=95, exif=exif.tobytes()))
    made = render(source, "thumb", tmp_path / "thumb.jpg")
    assert (made.width, made.height) == (320, 160)
    for found, wanted in zip(
        corners(tmp_path / "thumb.jpg"),
        [(220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255)],
        strict=True,
    ):
        assert near(found, wanted)


def test_sizes_keep_the_shape_and_never_enlarge(write: Write, tmp_path: Path) -> None:
    big = render_all(
        write(saved(Image.new("RGB", (2000, 1000)), "JPEG")),
        {"thumb": tmp_path / "t.jpg", "screen": tmp_path / "s.jpg"},
    )
    assert {size: (made.width, made.height) for size, made in big.items()} == {
        "thumb": (320, 160),
        "screen": (1600, 800),
    }
    small = render(write(saved(Image.new("RGB", (64, 48)), "JPEG")), "screen", tmp_path / "x.jpg")
    assert (small.width, small.height) == (64, 48)
    assert small.bytes == (tmp_path / "x.jpg").stat().st_size


def test_a_thumb_from_the_screen_picture_looks_like_one_from_the_original(
    write: Write, tmp_path: Path
) -> None:
    source = write(photo(size=(2000, 1500), kind="nameplate"))
    render_all(source, {"thumb": tmp_path / "both.jpg", "screen": tmp_path / "s.jpg"})
    render(source, "thumb", tmp_path / "one.jpg")
    with Image.open(tmp_path / "both.jpg") as both, Image.open(tmp_path / "one.jpg") as one:
        difference = ImageStat.Stat(ImageChops.difference(both, one)).mean
    assert max(difference) < 6


def test_nothing_personal_is_left(write: Write, tmp_path: Path) -> None:
    """EXIF, XMP and comments name cameras, people and places."""
    exif = Image.open(io.BytesIO(photo())).getexif()
    data = saved(
        quadrants(), "JPEG", exif=exif.tobytes(), comment=b"by somebody", xmp=b"<x:xmpmeta>owner</x:xmpmeta>"
    )
    assert b"somebody" in data
    assert b"xmpmeta" in data
    for size in SIZES:
        out = tmp_path / f"{size}.jpg"
        render(write(data), size, out)
        written = out.read_bytes()
        for trace in (b"Exif", b"somebody", b"xmpmeta", b"Hezha Demo"):
            assert trace not in written


def test_the_colour_profile_stays(write: Write, tmp_path: Path) -> None:
    render(write(saved(quadrants(), "JPEG", icc_profile=SRGB)), "thumb", tmp_path / "t.jpg")
    with Image.open(tmp_path / "t.jpg") as image:
        assert image.info["icc_profile"] == SRGB


def test_transparency_is_laid_on_white(write: Write, tmp_path: Path) -> None:
    clear = Image.new("RGBA", (100, 100), (200, 0, 0, 0))
    palette = quadrants().convert("P")
    for number, data in enumerate(
        (
            saved(clear, "PNG"),
            saved(clear, "WEBP", lossless=True),
            saved(clear.convert("LA"), "PNG"),
            saved(Image.new("P", (100, 100), 0), "PNG", transparency=0),
            saved(Image.new("RGB", (100, 100), (9, 9, 9)), "PNG", transparency=(9, 9, 9)),
        )
    ):
        render(write(data, f"{number}.bin"), "thumb", tmp_path / f"{number}.jpg")
        assert all(near(found, (255, 255, 255)) for found in corners(tmp_path / f"{number}.jpg"))
    render(write(saved(palette, "PNG"), "p.png"), "thumb", tmp_path / "p.jpg")
    assert near(corners(tmp_path / "p.jpg")[0], (220, 20, 20))


def test_ink_and_sixteen_bits_come_out_as_seen(write: Write, tmp_path: Path) -> None:
    render(write(saved(quadrants().convert("CMYK"), "JPEG", quality=95)), "thumb", tmp_path / "c.jpg")
    assert near(corners(tmp_path / "c.jpg")[0], (220, 20, 20), 40)
    deep = Image.new("I;16", (64, 64), 32768)
    render(write(saved(deep, "PNG"), "deep.png"), "thumb", tmp_path / "d.jpg")
    assert near(corners(tmp_path / "d.jpg")[0], (128, 128, 128), 4)


def test_a_grey_photo_stays_grey(write: Write, tmp_path: Path) -> None:
    render(write(saved(quadrants().convert("L"), "JPEG")), "thumb", tmp_path / "g.jpg")
    with Image.open(tmp_path / "g.jpg") as image:
        assert image.mode == "L"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (png_bomb(50_000, 200), "photo_side_too_long"),
        (photo()[:-400], "photo_undecodable"),
        (b"nothing", "photo_not_image"),
    ],
)
def test_what_cannot_be_rendered_is_refused_and_leaves_no_file(
    data: bytes, code: str, write: Write, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(Refused) as caught:
        render(write(data), "screen", folder / "s.jpg")
    assert caught.value.reason.code == code
    assert list(folder.iterdir()) == []


def test_a_reader_never_meets_half_a_picture(write: Write, tmp_path: Path) -> None:
    source, out = write(photo(size=(800, 600))), tmp_path / "s.jpg"
    render(source, "screen", out)
    stop = threading.Event()
    broken: list[Exception] = []

    def read() -> None:
        while not stop.is_set():
            try:
                Image.open(io.BytesIO(out.read_bytes())).load()
            except OSError as error:
                broken.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(10):
        render(source, "screen", out)
    stop.set()
    reader.join()
    assert broken == []


def test_the_original_is_only_read(write: Write, tmp_path: Path) -> None:
    data = photo(orientation=6)
    source = write(data)
    render_all(source, {"thumb": tmp_path / "t.jpg", "screen": tmp_path / "s.jpg"}, limits=PhotoLimits())
    assert source.read_bytes() == data

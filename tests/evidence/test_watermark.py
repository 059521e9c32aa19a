"""A rendition says which case, when and where; the picture stays to be seen and the original untouched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from server.evidence.renditions import render_all
from server.evidence.watermark import _font, _write, mark_digest, stamp
from server.evidence.workers import PhotoWorkers
from tests.evidence.photos import photo, saved

LINES = (
    "YK-2026-0365  ME-05",
    "2026-03-05 09:30:00 +0800",
    "31.86100, 117.28300 WGS-84  ±8 m",
    "合肥市长江西路 1 号",
)
GREY = Image.new("RGB", (1600, 1200), (120, 120, 120))


def changed_rows(before: Image.Image, after: Image.Image) -> tuple[int, int]:
    """The first and the last row that differ."""
    box = ImageChops.difference(before.convert("L"), after.convert("L")).getbbox()
    assert box is not None
    return box[1], box[3]


def test_the_strip_lies_along_the_bottom_and_leaves_the_rest() -> None:
    marked = stamp(GREY, LINES)
    top, bottom = changed_rows(GREY, marked)
    assert bottom == GREY.height
    assert top > GREY.height * 0.8
    assert (marked.mode, marked.size) == (GREY.mode, GREY.size)


def test_chinese_is_drawn_and_not_boxes() -> None:
    """A font without a letter draws the same box for every one that it lacks."""
    one, other = stamp(GREY, ("合闸",)), stamp(GREY, ("电网",))
    assert ImageChops.difference(one, other).getbbox() is not None
    assert ImageChops.difference(stamp(GREY, ("\ue000",)), stamp(GREY, ("\ue001",))).getbbox() is None


def test_it_is_white_on_shade_in_grey_pictures_too() -> None:
    marked = stamp(GREY.convert("L"), LINES)
    assert marked.mode == "L"
    assert marked.getextrema() == (54, 255)


def test_letters_put_down_one_by_one_are_the_line_as_the_font_writes_it() -> None:
    """They are drawn once for all marks; nothing may come out closer, wider, higher or lower for that."""
    for letters in (12, 31):
        font = _font(letters)
        for line in LINES:
            wanted, found = (Image.new("L", (1000, 60)) for _ in range(2))
            ImageDraw.Draw(wanted).text((15, 5), line, fill=255, font=font)
            _write(found, (15, 5), line, letters)
            assert wanted.getbbox() == found.getbbox()
            assert wanted.tobytes() == found.tobytes(), line


def test_only_a_picture_of_ones_own_is_drawn_on() -> None:
    own = GREY.copy()
    assert stamp(GREY, LINES) is not GREY
    assert GREY.getextrema() == ((120, 120),) * 3
    assert stamp(own, LINES, own=True) is own
    assert own.tobytes() == stamp(GREY, LINES).tobytes()


def test_the_same_words_give_the_same_picture_and_other_words_another_digest() -> None:
    assert stamp(GREY, LINES).tobytes() == stamp(GREY, LINES).tobytes()
    assert mark_digest(LINES) != mark_digest(LINES[:3]) != mark_digest(())
    assert mark_digest(("a", "b")) != mark_digest(("ab",))


@given(
    st.lists(st.text(max_size=200), max_size=8),
    st.tuples(st.integers(1, 500), st.integers(1, 500)),
)
@settings(max_examples=40, deadline=None)
def test_any_words_on_any_picture_cover_less_than_a_third(lines: list[str], size: tuple[int, int]) -> None:
    plain = Image.new("RGB", size, (90, 90, 90))
    marked = stamp(plain, lines)
    assert marked.size == size
    box = ImageChops.difference(plain, marked).getbbox()
    assert box is None or box[1] >= size[1] * 0.69


def test_too_long_a_line_is_cut_and_says_so() -> None:
    """What is cut off makes no difference to the picture; what is shown does."""
    long = "字" * 400
    assert stamp(GREY, (long,)).tobytes() == stamp(GREY, (long + "尾",)).tobytes()
    assert stamp(GREY, (long,)).tobytes() != stamp(GREY, (long[:20],)).tobytes()


def test_renditions_carry_it_and_the_original_does_not(
    workers: PhotoWorkers, write: Callable[..., Path], tmp_path: Path
) -> None:
    data = photo(size=(800, 600))
    source = write(data)
    plain = {"thumb": tmp_path / "pt.jpg", "screen": tmp_path / "ps.jpg"}
    marked = {"thumb": tmp_path / "mt.jpg", "screen": tmp_path / "ms.jpg"}
    render_all(source, plain)  # type: ignore[arg-type]
    workers.render_all(source, marked, mark=LINES)  # type: ignore[arg-type]
    assert source.read_bytes() == data
    for size in ("thumb", "screen"):
        with Image.open(plain[size]) as before, Image.open(marked[size]) as after:
            rows = (
                ImageChops.difference(before, after).point(lambda value: 255 if value > 60 else 0).getbbox()
            )
            assert rows is not None
            assert rows[1] > after.height * 0.65


def test_the_thumbnail_is_made_from_the_unmarked_picture(write: Callable[..., Path], tmp_path: Path) -> None:
    """Otherwise it would carry the screen's strip, too small to be read, beneath its own."""
    source = write(saved(GREY, "JPEG"))
    render_all(source, {"thumb": tmp_path / "t.jpg", "screen": tmp_path / "s.jpg"}, mark=LINES)
    with Image.open(tmp_path / "t.jpg") as thumb:
        top, _ = changed_rows(Image.new("RGB", thumb.size, (120, 120, 120)), thumb)
        assert top > thumb.height * 0.88

"""Reused photos are found whatever was done to them, others are not, and no picture is like an empty wall."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from server.evidence import alike
from server.evidence.alike import (
    AlikeLimits,
    LookIndex,
    are_alike,
    fingerprints,
    is_alike,
    likeness,
    likenesses,
)
from server.evidence.look import HEIGHT, WIDTH, look_of
from server.evidence.renditions import upright
from server.evidence.sample import KINDS, STORED, draw
from server.evidence.watermark import stamp
from tests.evidence.photos import judge, photo, saved

LIMITS = AlikeLimits()
SIZE = (640, 480)
SCENES = {kind: draw(kind, seed=number, size=SIZE) for number, kind in enumerate(KINDS)}
LOOKS = {kind: look_of(scene) for kind, scene in SCENES.items()}
LINES = (
    "YK-2026-0365  ME-05",
    "2026-03-05 09:30:00 +0800",
    "31.86100, 117.28300 WGS-84",
    "合肥市长江西路 1 号",
)


def again(image: Image.Image, quality: int = 75) -> Image.Image:
    return Image.open(io.BytesIO(saved(image, "JPEG", quality=quality)))


def crop(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))


EDITS = {
    "quality 30": lambda image: again(image, 30),
    "brighter": lambda image: again(ImageEnhance.Brightness(image).enhance(1.2)),
    "darker": lambda image: again(ImageEnhance.Brightness(image).enhance(0.8)),
    "smaller": lambda image: again(image.resize((300, 225))),
    "grey": lambda image: again(image.convert("L")),
    "watermarked": lambda image: again(stamp(image, LINES)),
    "cropped in the corner": lambda image: again(crop(image, 0, 0, 0.93, 0.92)),
    "cropped all around": lambda image: again(crop(image, 0.05, 0.05, 0.95, 0.95)),
    "all of it": lambda image: again(
        stamp(ImageEnhance.Brightness(crop(image, 0.03, 0, 1, 0.94)).enhance(1.15), LINES).resize((500, 370)),
        50,
    ),
}


@pytest.fixture(scope="module")
def index() -> LookIndex:
    """Every scene among twenty thousand layouts of noise."""
    made = LookIndex()
    chance = np.random.default_rng(7)
    made.extend(range(1, len(LOOKS) + 1), fingerprints(LOOKS.values()))
    noise = chance.integers(0, 256, (20_000, HEIGHT * WIDTH), np.uint8)
    made.extend(range(1_000, 21_000), fingerprints(row.tobytes() for row in noise))
    return made


@pytest.mark.parametrize("edit", EDITS)
def test_a_reused_photo_is_found(edit: str, index: LookIndex) -> None:
    """A row of equal cubicles is the hardest when cropped, as it looks alike one cubicle further: that one
    may be missed. Whatever is compared is recognized, whichever of the two came first."""
    for key, (kind, scene) in enumerate(SCENES.items(), start=1):
        changed = look_of(EDITS[edit](scene))
        found = key in index.near(changed, LIMITS)
        assert found or (kind == "switchgear" and "crop" in edit), kind
        assert is_alike(changed, LOOKS[kind], LIMITS) is not None, kind
        assert is_alike(LOOKS[kind], changed, LIMITS) is not None, kind


@pytest.mark.parametrize("edit", [edit for edit in EDITS if "crop" not in edit and "all" not in edit])
def test_one_that_came_before_its_original_is_found_as_well(edit: str) -> None:
    for kind, scene in SCENES.items():
        index = LookIndex()
        index.extend([1], fingerprints([look_of(EDITS[edit](scene))]))
        assert index.near(LOOKS[kind], LIMITS) == [1], kind


def test_other_scenes_and_negatives_are_not_alike() -> None:
    for kind, look in LOOKS.items():
        for other, against in LOOKS.items():
            assert (is_alike(look, against, LIMITS) is not None) == (kind == other), (kind, other)
        assert is_alike(look, look_of(ImageOps.invert(SCENES[kind])), LIMITS) is None


def test_empty_walls_are_like_nothing_and_plain_pictures_must_agree_more() -> None:
    wall = look_of(Image.new("L", SIZE, 180))
    assert likeness(wall, wall) == 0
    assert is_alike(wall, wall, LIMITS) is None
    half = Image.new("L", SIZE, 60)
    half.paste(200, (0, 0, SIZE[0], 201))
    lower = Image.new("L", SIZE, 60)
    lower.paste(200, (0, 0, SIZE[0], 214))
    one, other = look_of(half), look_of(lower)
    assert is_alike(one, one, LIMITS) == 100
    strict = AlikeLimits(percent=20, plain_percent=101)
    assert is_alike(one, other, strict) is None
    assert is_alike(one, other, AlikeLimits(percent=20, least_detail=0)) is not None


looks = st.binary(min_size=WIDTH * HEIGHT, max_size=WIDTH * HEIGHT)


@given(looks, looks)
@settings(max_examples=40, deadline=None)
def test_likeness_is_symmetric_between_nothing_and_all(one: bytes, other: bytes) -> None:
    found = likeness(one, other)
    assert 0 <= found <= 1.0001
    assert found == pytest.approx(likeness(other, one), abs=1e-4)


@given(st.lists(looks, min_size=1, max_size=30, unique=True), st.data())
@settings(max_examples=30, deadline=None)
def test_the_index_finds_each_look_it_holds_in_however_many_parts_it_came(
    many: list[bytes], data: st.DataObject
) -> None:
    index, at = LookIndex(), 0
    assert (index.near(many[0], LIMITS), index.last_key, len(index)) == ([], 0, 0)
    while at < len(many):
        part = many[at : at + data.draw(st.integers(1, 10))]
        index.extend(range(at + 1, at + len(part) + 1), fingerprints(part))
        at += len(part)
    assert (index.last_key, len(index)) == (len(many), len(many))
    for key, look in enumerate(many, start=1):
        assert key in index.near(look, AlikeLimits(most=len(many)))
        assert len(index.near(look, AlikeLimits(max_bits=64, most=3))) == min(3, len(many))


def test_an_index_outgrows_its_first_room() -> None:
    index, chance = LookIndex(), np.random.default_rng(1)
    words = chance.integers(0, 2**63, 5_000, np.uint64)
    words[4_999] = fingerprints([LOOKS["weld"]])[0]
    for start in range(0, 5_000, 700):
        index.extend(range(start + 1, min(start + 700, 5_000) + 1), words[start : start + 700])
    assert index.near(LOOKS["weld"], LIMITS)[0] == 5_000


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_look_is_upright_whichever_way_the_pixels_are_stored(orientation: int) -> None:
    turn = STORED.get(orientation)
    stored = SCENES["meter"] if turn is None else SCENES["meter"].transpose(turn)
    assert likeness(look_of(upright(stored, orientation, 320)), LOOKS["meter"]) > 0.99


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "CMYK", "P", "1", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (3, 200), SIZE])
def test_every_way_to_store_a_picture_has_a_look(mode: str, size: tuple[int, int]) -> None:
    plain = SCENES["door"].resize(size)
    image = Image.new("I;16", size, 9_000) if mode == "I;16" else plain.convert(mode)
    assert len(look_of(image)) == WIDTH * HEIGHT


def test_a_verdict_carries_the_look_of_what_could_be_decoded() -> None:
    whole = photo(size=SIZE)
    seen = judge(whole)
    assert seen.look is not None
    assert likeness(seen.look, look_of(Image.open(io.BytesIO(whole)))) > 0.98
    assert judge(whole[:-200]).look is None


def one_by_one(whole: bytes, part: bytes) -> float:
    """The correlation of the edges of `part` with those of every crop of `whole`, each crop really made."""
    spans = alike._spans()
    columns, rows = alike._sampled(spans, spans)
    wanted = alike._unit(alike._edges(alike._pictures([part])[0, : len(rows[0])]))
    picture = alike._pictures([whole])[0]
    crops = [row @ picture @ column for row in rows for column in columns]
    return max(float(alike._unit(alike._edges(crop)) @ wanted) for crop in crops)


@given(looks, st.lists(looks, min_size=1, max_size=5))
@settings(max_examples=10, deadline=None)
def test_many_are_compared_at_once_as_one_by_one(one: bytes, others: list[bytes]) -> None:
    """Of many no crop is made: their likenesses are those of crops that are made and laid over."""
    others = [*others, LOOKS["weld"], one]
    found = likenesses(one, others)
    assert found == pytest.approx([likeness(one, other) for other in others], abs=1e-5)
    for likely, other in zip(found, others, strict=True):
        coarse = max(0.0, one_by_one(one, other), one_by_one(other, one))
        # A closer look is taken of the promising and can only find more.
        assert likely == pytest.approx(coarse, abs=1e-4) or (coarse >= 0.59 and likely >= coarse - 1e-4)


def test_some_of_many_are_alike() -> None:
    edited = look_of(EDITS["cropped all around"](SCENES["meter"]))
    others = [LOOKS[kind] for kind in ("meter", "door", "weld")]
    found = are_alike(edited, others, LIMITS)
    assert found[0] is not None
    assert found == [is_alike(edited, other, LIMITS) for other in others]
    assert are_alike(edited, [], LIMITS) == []


def test_of_a_picture_of_one_edge_only_its_equal_is_told() -> None:
    """One edge lies somewhere in many pictures, and is all that a million of them need to agree on."""
    bare = Image.new("L", SIZE, 90)
    bare.paste(140, (400, 300, 440, 330))
    moved = Image.new("L", SIZE, 90)
    moved.paste(160, (402, 301, 442, 331))
    one, other = look_of(bare), look_of(moved)
    assert alike._detail(one) < LIMITS.least_detail
    strict = AlikeLimits(bare_detail=alike._detail(one) + 1)
    assert likeness(one, other) > 0.97
    assert is_alike(one, other, AlikeLimits(bare_detail=0.0)) is not None
    assert is_alike(one, other, strict) is None
    assert is_alike(one, one, strict) is not None

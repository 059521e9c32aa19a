"""Sample photos are real JPEG files that pass for a tablet's, the same for the same seed."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from PIL import Image, ImageStat

from server.evidence.sample import KINDS, sample_photo
from tests.evidence.photos import LAT, LON, SIZE, TAKEN, claim_for, judge, photo


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_photo_that_verifies(kind: str) -> None:
    data = photo(kind=kind, text_lines=("CASE 7", "PART E-03"))
    verdict = judge(data)
    assert (verdict.ok, verdict.flags) == (True, ())
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == SIZE
        assert min(ImageStat.Stat(image.convert("L")).stddev) > 12


def test_kinds_and_seeds_differ_and_the_same_seed_does_not() -> None:
    made = {photo(kind=kind, seed=seed) for kind in KINDS for seed in (1, 2)}
    assert len(made) == 2 * len(KINDS)
    assert photo(seed=5) == photo(seed=5)


@pytest.mark.parametrize("size", [(160, 120), (120, 160), (200, 100), (64, 64)])
@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_the_size_is_that_of_the_upright_picture(size: tuple[int, int], orientation: int) -> None:
    data = photo(size=size, orientation=orientation)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (size if orientation == 1 else size[::-1])
    assert judge(data, claim_for(data, width=size[0], height=size[1])).ok


def test_the_card_shows_and_foreign_letters_do_not_fail() -> None:
    assert photo(text_lines=("工单 7", "Ω")) != photo()


def test_a_time_needs_a_zone() -> None:
    given: dict[str, Any] = {"seed": 1, "lon": LON, "lat": LAT, "size": SIZE}
    with pytest.raises(ValueError, match="zone"):
        sample_photo("site", taken_at=TAKEN.replace(tzinfo=None), **given)
    assert isinstance(TAKEN, datetime)

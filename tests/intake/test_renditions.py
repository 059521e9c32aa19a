"""Renditions are a cache: what is asked for stays, what nobody asks for goes, no original is ever touched."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.casework.renditions import AT_ONCE, rendition_path
from server.evidence.header import Refused
from server.evidence.originals.document import ATTACHMENT
from server.intake import renditions
from server.intake.photos import watermark
from server.intake.renditions import Rebuilt, Swept, cache_size, keep_swept, rebuild, sweep
from tests.desk import START, Desk, InProcess, open_desk, photo_document, picture

#: Later than any file that a test leaves as it was made.
NOW = datetime.now(UTC) + timedelta(days=30)
DAY = timedelta(days=1)
PHOTOS = 3


class Cache:
    """Two cases with photos, and the files of their renditions. The second case has ended."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.cases = [desk.open_case(), desk.open_case()]
        self.originals: dict[tuple[str, str], bytes] = {}
        for number, case in enumerate(self.cases):
            task = desk.assign(case)
            for n in range(PHOTOS):
                photo = f"p-{number}-{n}"
                data = picture(10 * number + n, size=(400, 300))
                document = photo_document(photo, task, "PH-01", data=data)
                document["sha256"] = hashlib.sha256(data).hexdigest()
                desk.write("inspector", desk.media(case), {**document, "width": 400, "height": 300})
                self.originals[case, photo] = data
        desk.intake()
        desk.post(f"/cases/{self.cases[1]}/tasks/{task}/cancel", {"reason": "no longer needed"})
        desk.post(f"/cases/{self.cases[1]}/transitions", {"to": "cancelled", "note": "the customer moved"})
        self.files = {path: path.read_bytes() for path in self.every()}

    @property
    def folder(self) -> Path:
        return self.desk.made.settings.data_dir / "renditions"

    def every(self) -> list[Path]:
        return sorted(self.folder.rglob("*.jpg"))

    def of(self, case: str) -> set[Path]:
        """The files that people look at first of a case's photos."""
        made = self.desk.made
        loaded = made.cases.load(case).case
        found = set()
        for (own, photo), data in self.originals.items():
            if own == case:
                document = made.store.get(made.names.media(case), f"photo:{photo}")
                mark = watermark(loaded, document, made.cases.policy(loaded.organisation))
                sha256 = hashlib.sha256(data).hexdigest()
                found |= {rendition_path(made.settings.data_dir, sha256, size, mark) for size in AT_ONCE}
        return found

    def restore(self) -> None:
        for path in self.every():
            path.unlink()
        for path, data in self.files.items():
            path.write_bytes(data)
            os.utime(path, (START.timestamp(), START.timestamp()))

    def untouched(self) -> bool:
        """Whether every original still is what was sent."""
        made = self.desk.made
        for (case, photo), data in self.originals.items():
            with made.store.open_attachment(made.names.media(case), f"photo:{photo}", ATTACHMENT) as kept:
                if kept.stream.read() != data:
                    return False
        return True


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    with open_desk(tmp_path_factory.mktemp("renditions")) as desk:
        yield Cache(desk)


@pytest.fixture
def cache(module_cache: Cache) -> Cache:
    module_cache.restore()
    return module_cache


def test_what_photos_ask_for_stays(cache: Cache) -> None:
    assert set(cache.every()) == cache.of(cache.cases[0]) | cache.of(cache.cases[1])
    swept = sweep(cache.desk.made, NOW, min_age=DAY)
    assert (swept.stray, swept.retired, swept.bytes) == (0, 0, 0)
    assert set(cache.every()) == set(cache.files)


@settings(max_examples=25, deadline=None)
@given(
    lost=st.sets(st.integers(0, 2 * 2 * PHOTOS - 1)),
    strays=st.lists(st.tuples(st.integers(0, 255), st.booleans()), max_size=6, unique_by=lambda one: one[0]),
    per_pass=st.integers(1, 20),
    much_later=st.booleans(),
)
def test_whatever_goes_can_be_made_again_and_no_original_is_touched(
    module_cache: Cache, lost: set[int], strays: list[tuple[int, bool]], per_pass: int, much_later: bool
) -> None:
    """Some files are gone, some belong to nobody, some of those are new; two years may have passed."""
    cache, made = module_cache, module_cache.desk.made
    cache.restore()
    now = NOW + timedelta(days=800) if much_later else NOW
    for n in lost:
        sorted(cache.files)[n].unlink()
    young: set[Path] = set()
    old: set[Path] = set()
    for number, is_young in strays:
        path = rendition_path(made.settings.data_dir, f"{number:02x}" * 32, "thumb", ("gone",))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"stray")
        moment = (now - DAY / 2 if is_young else now - 2 * DAY).timestamp()
        os.utime(path, (moment, moment))
        (young if is_young else old).add(path)
    before = set(cache.every())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renditions, "_PASS", per_pass)
        swept = sweep(made, now, min_age=DAY)
    left = set(cache.every())
    retired = before & cache.of(cache.cases[1]) if much_later else set()
    assert before - left == old | retired
    assert (swept.stray, swept.retired) == (len(old), len(retired))
    assert left >= young | (before & cache.of(cache.cases[0]))
    assert cache.untouched()
    found = sum((rebuild(made, case) for case in cache.cases), Rebuilt())
    assert (found.made, found.failed) == (len(cache.files.keys() - left), ())
    assert {path: path.read_bytes() for path in cache.files} == cache.files


def test_a_rendition_whose_watermark_has_changed_is_a_stray(cache: Cache) -> None:
    desk = cache.desk
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task, photo="p-x")
    desk.intake()
    before = set(cache.every()) - set(cache.files)
    desk.patch(
        f"/cases/{case}", {"customer": {"name": "甲", "address": "another street 7"}, "reason": "moved"}
    )
    swept = sweep(desk.made, NOW, min_age=DAY)
    assert swept.stray == len(before) == len(AT_ONCE)
    assert rebuild(desk.made, case).made == len(AT_ONCE)
    assert not before & set(cache.every())
    assert sweep(desk.made, NOW, min_age=DAY).stray == 0


def test_what_was_looked_at_lately_stays(cache: Cache) -> None:
    """Were it otherwise, a picture could go while it is shown."""
    later = NOW + timedelta(days=800)
    [(_, photo), *_] = [key for key in cache.originals if key[0] == cache.cases[1]]
    assert cache.desk.ask("GET", f"/photos/{photo}?size=thumb").status_code == 200
    touched = {path for path in cache.files if path.stat().st_mtime > START.timestamp()}
    assert len(touched) == 1
    since = later - datetime.now(UTC) + DAY
    sweep(cache.desk.made, later, min_age=since)
    assert touched <= set(cache.every())
    assert set(cache.every()) - cache.of(cache.cases[0]) == touched


def test_renditions_are_made_anew_on_demand_alone(cache: Cache) -> None:
    made = cache.desk.made
    whole = len(cache.of(cache.cases[0]))
    assert rebuild(made, cache.cases[0]) == Rebuilt(whole, 0, ())
    for path in cache.of(cache.cases[0]):
        path.write_bytes(b"damaged")
    assert rebuild(made, cache.cases[0]).made == 0
    assert rebuild(made, cache.cases[0], anew=True) == Rebuilt(0, whole, ())
    assert {path: path.read_bytes() for path in cache.files} == cache.files


def test_a_photo_that_cannot_be_shown_is_named(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Refused("photo_not_decodable")

    monkeypatch.setattr(InProcess, "render_all", refuse)
    found = rebuild(cache.desk.made, cache.cases[0], anew=True)
    assert sorted(found.failed) == [f"p-0-{n}" for n in range(PHOTOS)]
    assert (found.made, found.kept) == (0, 0)


def test_the_worker_sweeps_when_it_is_due_and_not_before(cache: Cache) -> None:
    """At first it only takes down when; a failure is not the end."""
    made, stop = cache.desk.made, threading.Event()
    week = timedelta(seconds=made.settings.rendition_sweep_seconds)
    stray = next(iter(cache.files)).with_name("0" * 64 + "-thumb-x.jpg")
    stray.write_bytes(b"stray")
    os.utime(stray, (0, 0))
    moments = iter([NOW, NOW + week / 2, None, NOW + week, NOW + week, NOW + 2 * week])
    seen: list[bool] = []

    def clock() -> datetime:
        seen.append(stray.exists())
        moment = next(moments)
        if len(seen) == 6:
            stop.set()
        if moment is None:
            raise OSError("no clock")
        return moment

    settings = dataclasses.replace(made.settings, maintenance_seconds=0.001)
    keep_swept(dataclasses.replace(made, clock=clock, settings=settings), stop)
    assert seen == [True, True, True, True, False, False]
    assert set(cache.every()) == set(cache.files)


def test_a_sweep_that_is_stopped_removes_nothing_that_it_has_not_looked_for(cache: Cache) -> None:
    asked: list[int] = []

    def stopping() -> bool:
        asked.append(1)
        return len(asked) > 1

    assert sweep(cache.desk.made, NOW, min_age=DAY, stopping=stopping) == Swept()
    assert set(cache.every()) == set(cache.files)


def test_the_cache_is_measured(cache: Cache) -> None:
    files, size = cache_size(cache.desk.made.settings.data_dir)
    assert files == len(cache.files)
    assert size == sum(map(len, cache.files.values()))
    assert cache_size(cache.folder / "nowhere") == (0, 0)

"""The month's picture shows every work of the plan where it is, and hides nothing behind anything else."""

from __future__ import annotations

import datetime as dt
from itertools import combinations
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from server.outages.instance import Blackout, Instance
from server.outages.plan import LiveWork, Outage, Plan, Unplaced
from server.scheduling.picture import BAR, COLOURS, DAY, HEAD, LEFT, Feeders, draw
from server.texts import LANGUAGES
from tests.scheduling.demo_plan import FEEDERS, MONTH, PLAN

SVG = "{http://www.w3.org/2000/svg}"


def drawn(month: Instance = MONTH, plan: Plan = PLAN, feeders: Feeders = FEEDERS) -> ElementTree.Element:
    why = {one.work: [f"{one.work} is out.", f"No crew for {one.work}."] for one in plan.unplaced}
    return ElementTree.fromstring(draw(month, plan, feeders, "en", reasons=why))


def words(picture: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in picture.iter(f"{SVG}text")]


def bars(picture: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """The bars by the work that their tooltips name."""
    found = (
        one for one in picture.iter(f"{SVG}rect") if one.get("rx") and one.find(f"{SVG}title") is not None
    )
    return {str(one.findtext(f"{SVG}title")).partition(" ")[0]: one for one in found}


def place(one: ElementTree.Element) -> tuple[float, float]:
    return float(str(one.get("x"))), float(str(one.get("y")))


def test_every_placed_work_stands_once_on_its_day_in_the_half_that_binds_its_crew() -> None:
    placed = {one.work: (outage.date, one.half) for outage in PLAN.outages for one in outage.works}
    placed |= {one.work: (one.date, one.half) for one in PLAN.live}
    shown = bars(drawn())
    assert shown.keys() == placed.keys()
    for work, (day, half) in placed.items():
        x, width = place(shown[work])[0] - 1, float(str(shown[work].get("width"))) + 2
        begin = LEFT + DAY * ((day - MONTH.calendar.first).days + (0.5 if half == "afternoon" else 0.0))
        assert (x, width) == (begin, DAY if half is None else DAY / 2)


def test_works_stand_beside_the_name_of_the_feeder_that_supplies_their_place() -> None:
    picture = drawn()
    names = sorted(
        (place(one)[1], one.text) for one in picture.iter(f"{SVG}text") if one.get("class") == "strong"
    )
    for work, bar in bars(picture).items():
        above = [name for y, name in names if y <= place(bar)[1] + BAR]
        assert above[-1] == FEEDERS.names[FEEDERS.of[work]]


def test_what_is_done_live_is_told_apart() -> None:
    picture = bars(drawn())
    live = {one.work for one in PLAN.live}
    assert live
    assert {work for work, bar in picture.items() if bar.get("fill") == "#fff"} == live
    kinds = {one.id: one.kind for one in MONTH.works}
    assert all(bar.get("fill") == COLOURS[kinds[work]] for work, bar in picture.items() if work not in live)


def test_works_of_one_day_and_feeder_hide_neither_each_other_nor_their_labels() -> None:
    """All on the 30th: there the labels stand left of their bars."""
    day = dt.date(2026, 6, 30)
    crowded = replace(
        PLAN,
        outages=(),
        live=tuple(LiveWork(work=one.id, date=day, half=None, late_days=3) for one in MONTH.works),
        unplaced=(),
    )
    picture = drawn(plan=crowded, feeders=Feeders({}, {}))
    spots = [place(one) for one in bars(picture).values()]
    assert len(spots) == len(MONTH.works)
    assert all(abs(one[1] - other[1]) >= BAR for one, other in combinations(spots, 2))
    assert "(no feeder)" in words(picture)
    width = float(str(picture.get("viewBox")).split()[2])
    assert all(0 <= place(one)[0] <= width for one in picture.iter(f"{SVG}text"))


def test_what_is_left_out_is_told_with_the_facts_in_its_way() -> None:
    told = words(drawn())
    assert "T-13 学校食堂增容搭火: No crew for T-13." in told
    whole = replace(PLAN, unplaced=())
    assert "Every work has a day." in words(drawn(plan=whole))
    unasked = draw(MONTH, PLAN, FEEDERS, "en")
    assert "T-13 学校食堂增容搭火: reasons were not asked for." in unasked


def test_days_on_which_nothing_is_switched_off_are_shaded() -> None:
    def shaded(month: Instance, style: str) -> list[tuple[float, float, float]]:
        found = [one for one in drawn(month).iter(f"{SVG}rect") if one.get("class") == style and one.get("x")]
        return [(*place(one), float(str(one.get("height")))) for one in found]

    rest = [one[0] for one in shaded(MONTH, "rest")]
    assert rest == [LEFT + DAY * (day.day - 1) for day in sorted(MONTH.calendar.rest_days)]
    [(x, y, whole)] = shaded(MONTH, "blackout")
    assert (x, y) == (LEFT + 4 * DAY, HEAD)
    feeder = next(iter(FEEDERS.of.values()))
    own = Blackout(first=dt.date(2026, 6, 5), last=dt.date(2026, 6, 5), feeders=(feeder,))
    elsewhere = Blackout(first=dt.date(2026, 7, 5), last=dt.date(2026, 7, 6))
    month = replace(MONTH, calendar=replace(MONTH.calendar, blackouts=(own, elsewhere)))
    [(x, y, height)] = shaded(month, "blackout")
    assert x == LEFT + 4 * DAY
    assert height < whole


def test_a_day_in_reserve_and_how_late_a_work_is_are_drawn() -> None:
    outage: Outage = next(one for one in PLAN.outages if one.rain_date is not None)
    late = replace(outage, works=tuple(replace(one, late_days=2) for one in outage.works))
    picture = drawn(plan=replace(PLAN, outages=(late,), live=()))
    reserved = [one for one in picture.iter(f"{SVG}rect") if one.get("class") == "reserve" and one.get("x")]
    assert outage.rain_date is not None
    assert [place(one)[0] for one in reserved] == [LEFT + DAY * (outage.rain_date.day - 1) + 2]
    assert len([one for one in picture.iter(f"{SVG}path") if one.get("class") == "late"]) == 1 + len(
        late.works
    )


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a & b", "\x00\x0b\ufffe", "长" * 400])
def test_what_people_wrote_is_only_ever_words(name: str) -> None:
    month = replace(MONTH, works=tuple(replace(one, name=name) for one in MONTH.works))
    picture = drawn(month)
    assert {one.tag for one in picture.iter()} == {one.tag for one in drawn().iter()}


def test_an_id_that_no_person_gave_is_no_label() -> None:
    long = "01a203d4-c254-79fb-8b88-c85086d4e6c1"
    work = replace(MONTH.works[0], id=long)
    month = replace(MONTH, works=(work, replace(work, id=f"{long}2", name="")))
    day = dt.date(2026, 6, 30)
    live = tuple(LiveWork(work=one.id, date=day, half=None) for one in month.works)
    told = words(drawn(month, replace(PLAN, outages=(), live=live, unplaced=())))
    assert work.name in told
    assert [one for one in told if one.startswith(long[:20])] == [f"{long[:29]}…"]


def test_a_month_without_works_is_a_picture_too() -> None:
    empty = replace(PLAN, outages=(), live=(), days=(), unplaced=(Unplaced(work="gone"),))
    assert "gone: No crew for gone." in words(drawn(plan=empty))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_same_plan_is_the_same_picture(lang: str) -> None:
    assert draw(MONTH, PLAN, FEEDERS, lang) == draw(MONTH, PLAN, FEEDERS, lang)

"""Works and plans are listed from tables: found by what they are, in order, a page at a time, and never older
than what was written."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.readmodel.scheduling import WORK_SORTS
from tests.desk import Desk, open_desk, refused
from tests.readmodel.scheduled import plan, work


@pytest.fixture
def town(desk: Desk) -> Desk:
    """Works of all kinds, and plans of two of them."""
    for one in (
        work("a", cases=("c-1", "c-2"), kind="connection"),
        work("b", after_hours=2, feeders=("f1", "f2"), state="approved"),
        work("c", after_hours=1, wanted=None, feeders=(), state="approved"),
        work("d", wanted=date(2027, 1, 4), state="planned", plan="p", day=date(2026, 12, 30)),
        work("e", organisation="north"),
    ):
        desk.made.works.add(one)
    desk.made.plans.add(plan("p", works=("a", "d"), after_hours=3, state="cancelled"), b"{}")
    desk.made.plans.add(plan("q", works=("b",), month="2027-01"), b"{}")
    return desk


def found(desk: Desk, path: str) -> list[str]:
    told = desk.get(path)
    assert told["total"] == len(told["items"])
    return [one["id"] for one in told["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcd"),
        ("state=approved", "bc"),
        ("month=2026-12", "abd"),
        ("month=2027-01", ""),
        ("feeder=f1", "abd"),
        ("feeder=f2&state=approved", "b"),
        ("case=c-2", "a"),
        ("kind=connection", "a"),
        ("kind=maintenance&month=2026-12&network=net", "bd"),
        ("plan=p", "d"),
        ("network=other", ""),
        ("sort=-id", "dcba"),
        ("sort=requested", "adcb"),
        ("sort=-requested", "bcda"),
        ("sort=month", "abdc"),
        ("sort=-month", "dbac"),
    ],
)
def test_works_are_found_by_what_they_are(town: Desk, query: str, expected: str) -> None:
    assert found(town, f"/works?{query}") == list(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "qp"),
        ("sort=-requested", "pq"),
        ("sort=-month", "qp"),
        ("month=2026-12", "p"),
        ("state=cancelled", "p"),
        ("work=b", "q"),
        ("case=c-1", "p"),
        ("feeder=f2", "q"),
        ("kind=connection", "p"),
        ("kind=repair", ""),
    ],
)
def test_plans_are_found_by_what_they_are_and_by_their_works(town: Desk, query: str, expected: str) -> None:
    assert found(town, f"/plans?{query}") == list(expected)


@pytest.mark.parametrize("query", ["month=2026-13", "kind=none", "sort=name", "feeder=", "day=2026-12-01"])
def test_what_nothing_can_be_found_by_is_refused(town: Desk, query: str) -> None:
    refused(town.ask("GET", f"/works?{query}"), 422, "invalid_fields")


@pytest.mark.parametrize("sort", [*WORK_SORTS, *(f"-{one}" for one in WORK_SORTS)])
def test_pages_are_the_whole_list_whatever_comes_meanwhile(town: Desk, sort: str) -> None:
    whole = [one["id"] for one in town.get(f"/works?sort={sort}")["items"]]
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = town.get(f"/works?sort={sort}&limit=1" + (f"&after={after}" if after else ""))
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
        if len(seen) == 2:
            # Before what was seen, by whatever the list is in order of.
            first = "z" if sort == "-id" else "A"
            town.made.works.add(work(first, after_hours=-9 if "-" not in sort else 9, wanted=None))
    assert [one for one in seen if one not in {"A", "z"}] == whole


def test_lists_show_what_was_just_written(town: Desk) -> None:
    def withdraw(known: Any) -> Any:
        return replace(known, state="withdrawn")

    town.made.works.change("demo", "a", withdraw, if_rev=None)
    assert found(town, "/works?state=withdrawn") == ["a"]
    town.made.plans.change("demo", "q", lambda known: replace(known, state="running"))
    assert found(town, "/plans?state=running") == ["q"]


def test_what_another_server_wrote_is_shown_once_its_change_is_heard_of(town: Desk) -> None:
    town.made.readmodel.clear()
    assert town.get("/works") == {"items": [], "total": 0, "next": None}
    town.intake()
    assert (found(town, "/works"), found(town, "/plans")) == (list("abcd"), list("qp"))


def test_an_older_revision_never_shows_again(town: Desk) -> None:
    old, rev = town.made.works.get("demo", "a")
    town.made.works.change("demo", "a", lambda known: replace(known, state="withdrawn"), if_rev=rev)
    town.made.listing.show_work(old, rev)
    assert found(town, "/works?state=withdrawn") == ["a"]


def test_a_rebuild_and_a_lost_file_show_the_same(town: Desk) -> None:
    before = town.get("/works"), town.get("/plans")
    town.made.readmodel.clear()
    town.made.cases.project_all()
    assert (town.get("/works"), town.get("/plans")) == before


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["requested", "approved", "planned"]),
            st.sampled_from([None, date(2026, 12, 3), date(2027, 1, 8)]),
            st.sampled_from(["maintenance", "repair"]),
            st.integers(0, 3),
        ),
        max_size=12,
    ),
    st.sampled_from([*WORK_SORTS, *(f"-{one}" for one in WORK_SORTS)]),
    st.fixed_dictionaries(
        {}, optional={"state": st.just("approved"), "month": st.just("2026-12"), "kind": st.just("repair")}
    ),
)
def test_a_list_is_what_sorting_all_of_them_gives(
    lists: Desk, told: list[tuple[Any, ...]], sort: str, wanted: dict[str, str]
) -> None:
    lists.made.readmodel.clear()
    every = []
    for number, (state, day, kind, hours) in enumerate(told):
        one = work(f"w-{number:02}", wanted=day, kind=kind, after_hours=hours, state=state)
        lists.made.listing.show_work(one, "1-0")
        month = None if day is None else f"{day:%Y-%m}"
        row = {"id": one.id, "state": state, "month": month, "kind": kind, "requested": hours}
        if all(row[name] == value for name, value in wanted.items()):
            every.append(row)
    name, down = sort.removeprefix("-"), sort.startswith("-")
    expected = sorted(
        sorted(every, key=lambda row: (str(row[name]), str(row["id"])), reverse=down),
        key=lambda row: row[name] is None,
    )
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        query = "&".join(f"{key}={value}" for key, value in {**wanted, "sort": sort, "limit": 5}.items())
        page = lists.get(f"/works?{query}" + (f"&after={after}" if after else ""))
        assert page["total"] == len(expected)
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert seen == [row["id"] for row in expected]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_desk(tmp_path_factory.mktemp("lists")) as desk:
        yield desk

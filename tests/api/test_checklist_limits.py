"""An organisation's own limits over HTTP: added by one, ended by two, and named where they decided."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.desk import JSON, Desk, refused
from tests.drafting import begin, body, published, sound

LIMITS = "/checklists/limits"


def limit(**changes: Any) -> JSON:
    return {
        "item": "NR-01",
        "since": "2026-11-01",
        "max": 2.0,
        "basis": {"zh-CN": "省公司 2026-12 号文", "en": "circular 2026-12"},
        "source": "circular 2026-12, 3.2",
        **changes,
    }


@pytest.fixture
def office(desk: Desk) -> Desk:
    """A second manager, one of another organisation, and a version of the checklist that can be limited."""
    published(desk)
    desk.hire("second", "admin")
    desk.hire("stranger", "manager", organisation="north")
    return desk


def added(desk: Desk, **changes: Any) -> JSON:
    return desk.post(LIMITS, limit(**changes), by="admin")


def proposed(desk: Desk, name: str) -> str:
    """Have the administrator propose the end of a limit; the limit's ETag."""
    answer = desk.ask(
        "POST", f"{LIMITS}/{name}/end", json={"until": "2026-11-05", "reason": "withdrawn"}, by="admin"
    )
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["until"] is None, "a proposal changes nothing"
    return str(answer.headers["ETag"])


def confirm(desk: Desk, name: str, rev: str, by: str) -> Any:
    return desk.ask("POST", f"{LIMITS}/{name}/end/confirm", by=by, headers={"If-Match": rev})


def test_one_administrator_adds_a_limit_for_the_own_organisation(office: Desk) -> None:
    made = added(office)
    assert (made["organisation"], made["max"], made["until"], made["ending"]) == ("demo", 2.0, None, None)
    assert {"mini@2", "mini-survey@1"} <= set(made["applies_to"])
    assert "mini@1" not in made["applies_to"], "the newest version is named"
    assert [(event["event"], event["by"]) for event in made["history"]] == [("added", "admin")]
    assert office.get(f"{LIMITS}/{made['id']}", by="inspector") == made
    document = office.document(office.made.names.library, f"checklist-limit:{made['id']}")
    assert document["limit"]["max"] == 2.0, "tablets find it in the library"


def test_the_same_request_finds_what_it_added_and_another_is_refused(office: Desk) -> None:
    made = added(office, id="l-1")
    assert added(office, id="l-1") == made
    refused(office.ask("POST", LIMITS, json=limit(id="l-1", max=1.0), by="admin"), 409, "limit_exists")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"max": 4.0}, "limit_not_stricter", "field:max"),
        ({"max": None}, "limit_not_sound", "field:max"),
        ({"item": "PF-01"}, "limit_not_measured", "field:item"),
        ({"item": "NR-09"}, "limit_item_unknown", "field:item"),
        ({"checklist": "none"}, "limit_item_unknown", "field:item"),
        ({"unit": "kV"}, "limit_unit_mismatch", "field:unit"),
        ({"until": "2026-10-01"}, "limit_days_reversed", "field:until"),
        ({"when": "facts.nothing"}, "limit_not_sound", "field:max"),
    ],
)
def test_what_is_no_stricter_limit_is_refused_with_its_field(
    office: Desk, changes: JSON, code: str, field: str
) -> None:
    for language in ("zh-CN", "en"):
        answer = office.ask(
            "POST", LIMITS, json=limit(**changes), by="admin", headers={"Accept-Language": language}
        )
        assert refused(answer, 422, code)["facts"] == [field]
    assert office.get(LIMITS)["items"] == []


def test_a_limit_of_an_organisation_that_nobody_belongs_to_is_refused(office: Desk) -> None:
    """A misspelt name would hold for nobody, and whoever entered it would believe that it holds."""
    answer = office.ask("POST", LIMITS, json=limit(organisation="nroth"), by="admin")
    refused(answer, 422, "organisation_unknown")
    assert added(office, organisation="north")["organisation"] == "north"


def test_a_draft_says_which_limits_it_would_lose(office: Desk) -> None:
    name = added(office)["id"]
    whole = sound(3)
    section = whole.sections[0]
    without = replace(whole, sections=(replace(section, items=section.items[:-1]),))
    rev = begin(office, whole)
    assert office.get("/checklists/drafts/mini")["limits_lost"] == []
    changed = office.ask("PUT", "/checklists/drafts/mini", json=body(without), headers={"If-Match": rev})
    assert changed.get_json()["limits_lost"] == [name]


def test_limits_are_found_by_organisation_item_and_day(office: Desk) -> None:
    added(office, id="ours")
    added(office, id="theirs", organisation="north")
    added(office, id="all", organisation=None, since="2026-12-01")

    def ids(query: str) -> list[str]:
        return [one["id"] for one in office.get(f"{LIMITS}?{query}")["items"]]

    assert ids("") == ["all", "ours", "theirs"]
    assert ids("organisation=north") == ["all", "theirs"]
    assert ids("day=2026-11-15") == ["ours", "theirs"]
    assert ids("item=PF-01") == []


# -- ending loosens


def test_a_second_person_ends_a_limit(office: Desk) -> None:
    name = added(office)["id"]
    rev = proposed(office, name)
    own = refused(confirm(office, name, rev, "admin"), 403, "limit_end_own")
    assert own["facts"] == ["person:another"]
    ended = confirm(office, name, rev, "manager").get_json()
    assert (ended["until"], ended["ending"]) == ("2026-11-05", None)
    assert [event["event"] for event in ended["history"]] == ["added", "end_proposed", "ended"]


def test_a_manager_ends_nothing_of_others(office: Desk) -> None:
    """Nor what holds for every organisation of the house: that takes another administrator."""
    name, everywhere = added(office)["id"], added(office, organisation=None)["id"]
    revs = {one: proposed(office, one) for one in (name, everywhere)}
    refused(confirm(office, name, revs[name], "stranger"), 403, "forbidden")
    refused(confirm(office, everywhere, revs[everywhere], "manager"), 403, "forbidden")
    assert confirm(office, everywhere, revs[everywhere], "second").status_code == 200


def test_an_end_is_confirmed_as_it_was_read(office: Desk) -> None:
    name = added(office)["id"]
    old = proposed(office, name)
    office.post(f"{LIMITS}/{name}/end/reject", {"reason": "still in force"}, by="manager")
    proposed(office, name)
    refused(confirm(office, name, old, "manager"), 412, "precondition_failed")
    answer = office.ask("POST", f"{LIMITS}/{name}/end/confirm")
    refused(answer, 428, "precondition_required")


def test_no_limit_ends_before_today(office: Desk) -> None:
    name = added(office)["id"]
    path, passed = f"{LIMITS}/{name}/end", {"until": "2026-11-01", "reason": "x"}
    refused(office.ask("POST", path, json=passed, by="admin"), 422, "limit_end_passed")
    rev = proposed(office, name)
    office.clock.forward(days=10)
    refused(confirm(office, name, rev, "manager"), 422, "limit_end_passed")


def test_a_limit_that_is_not_there_is_not_found(office: Desk) -> None:
    for method, path, sent in (
        ("GET", f"{LIMITS}/none", None),
        ("GET", f"{LIMITS}/No%20Id", None),
        ("POST", f"{LIMITS}/none/end", {"until": "2026-11-05", "reason": "x"}),
        ("POST", f"{LIMITS}/none/end/reject", {"reason": "x"}),
    ):
        refused(office.ask(method, path, json=sent, by="admin"), 404, "not_found")

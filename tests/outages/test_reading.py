"""Bad input is answered with every field that is wrong, and with what to do, in both languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

import server.outages.reading
from server.outages.reading import read_instance
from server.outages.schemas import schemas
from server.texts import LANGUAGES, text
from tests.outages.instances import changed, document, read

DOCS = Path(__file__).parents[2] / "docs" / "schemas"


def island() -> dict[str, Any]:
    """The network of `document` with a node that nothing reaches."""
    network: dict[str, Any] = document()["network"]
    lonely = [
        {
            "type": "Feature",
            "id": f"far{number}",
            "geometry": None,
            "properties": {"kind": "node", "id": f"far{number}"},
        }
        for number in (0, 1)
    ]
    line = {"kind": "line", "id": "far", "from": "far0", "to": "far1"}
    lonely.append({"type": "Feature", "id": "far", "geometry": None, "properties": line})
    return {**network, "features": [*network["features"], *lonely]}


def meshed() -> dict[str, Any]:
    network: dict[str, Any] = document()["network"]
    features = [
        {**one, "properties": {**one["properties"], "closed": True}}
        if one["properties"]["id"].startswith("T")
        else one
        for one in network["features"]
    ]
    return {**network, "features": features}


#: What is wrong, the code that says so, and where.
BAD: list[tuple[str, Any, str, str]] = [
    ("network", island(), "network_unreachable", "/network"),
    ("network", meshed(), "network_meshed", "/network"),
    ("network", {"type": "FeatureCollection"}, "network_not_a_collection", "/network"),
    ("network", {"file": "elsewhere.json"}, "outage_network_elsewhere", "/network"),
    ("network", None, "outage_field_missing", "/network"),
    ("calendar.last", "2026-06-01", "outage_month_empty", "/calendar/last"),
    ("calendar.last", "2027-06-01", "outage_month_too_long", "/calendar/last"),
    ("calendar.last", "June", "outage_unreadable", "/calendar/last"),
    ("calendar.windows.morning", {"from": "12:00", "to": "08:00"}, "outage_ends_before_start", "/to"),
    ("calendar.windows.afternoon", {"from": "11:00", "to": "17:00"}, "outage_windows_overlap", "/from"),
    ("calendar.windows.afternoon", {"from": "25:00", "to": "17:00"}, "outage_unreadable", "/from"),
    ("calendar.quiet", [{"hours": {"from": "09:00", "to": "09:00"}}], "outage_ends_before_start", "/to"),
    (
        "calendar.blackouts",
        [{"first": "2026-06-09", "last": "2026-06-08"}],
        "outage_ends_before_start",
        "/last",
    ),
    (
        "calendar.blackouts",
        [{"first": "2026-06-08", "last": "2026-06-08", "feeders": ["F9"]}],
        "outage_feeder_unknown",
        "/calendar/blackouts/0/feeders/0",
    ),
    ("crews.1.skill", "line", "outage_twice", "/crews/1/skill"),
    ("crews.0.count", -1, "outage_unreadable", "/crews/0/count"),
    ("objective.stages", [["hours"], ["hours"]], "outage_twice", "/objective/stages"),
    ("objective.stages", [[]], "outage_stage_empty", "/objective/stages/0"),
    ("works.0.section", "F9S9", "outage_section_unknown", "/works/0/section"),
    ("works.0.section", "~bar0", "outage_section_has_source", "/works/0/section"),
    ("works.0.device", "K0.1", "outage_place_ambiguous", "/works/0/section"),
    ("works.1.id", "W1", "outage_twice", "/works/1/id"),
    ("works.0.minutes", 0, "outage_unreadable", "/works/0/minutes"),
    ("works.0.minutes", 600, "outage_work_too_long", "/works/0/minutes"),
    ("works.0.skill", "diving", "outage_skill_unknown", "/works/0/skill"),
    ("works.0.windows", [], "outage_windows_none", "/works/0/windows"),
    ("works.0.windows", ["night"], "outage_unreadable", "/works/0/windows/0"),
    ("works.0.latest", "2026-06-01", "outage_work_ends_before_start", "/works/0/latest"),
    ("works.0.rain", {"last": "2026-06-01"}, "outage_rain_too_early", "/works/0/rain/last"),
    ("works.0.pin", {"date": "2026-07-01"}, "outage_pin_outside", "/works/0/pin/date"),
    ("works.0.after", ["W1"], "outage_work_unknown", "/works/0/after/0"),
    ("works.0.after", ["W9"], "outage_work_unknown", "/works/0/after/0"),
    ("works.0.same_crew", ["W2"], "outage_crew_differs", "/works/0/same_crew/0"),
    ("works.0.color", "red", "outage_field_unknown", "/works/0/color"),
    ("works.0.skill", None, "outage_field_missing", "/works/0/skill"),
    ("customers", [{"id": "nobody"}], "outage_customer_unknown", "/customers/0/id"),
    ("past", [{"section": "F9S9", "date": "2026-05-01"}], "outage_past_unknown", "/past/0/section"),
    ("schema", "outage-instance-9", "outage_unreadable", "/schema"),
]


@pytest.mark.parametrize(("path", "value", "code", "place"), BAD)
def test_a_fault_is_told_with_its_field_and_a_remedy(path: str, value: Any, code: str, place: str) -> None:
    reading = read(changed(document(), path, value))
    assert not reading.usable
    assert reading.instance is None
    found = [one for one in reading.findings if one.code == code]
    assert found, [one.code for one in reading.findings]
    assert any(place in one.place for one in found), found
    for language in LANGUAGES:
        words = text(code, language, **found[0].params)
        assert words != code
        assert not re.search(r"\{\w+\}", words), words


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"works.0.forbid": ["2026-06-09"], "works.0.pin": {"date": "2026-06-09"}}, "outage_pin_forbidden"),
        (
            {"works.0.windows": ["day"], "works.0.pin": {"date": "2026-06-09", "window": "morning"}},
            "outage_pin_window",
        ),
        ({"works.0.after": ["W2"], "works.1.after": ["W1"]}, "outage_after_ring"),
        ({"works.0.with": ["W2"], "works.0.not_with": ["W2"]}, "outage_with_and_apart"),
        ({"works.0.section": None, "works.0.device": "nothing"}, "outage_device_unknown"),
    ],
)
def test_what_contradicts_itself_is_told(change: dict[str, Any], code: str) -> None:
    made = document()
    for path, value in change.items():
        made = changed(made, path, value)
    assert code in {one.code for one in read(made).findings}


def test_all_faults_come_at_once() -> None:
    made = document()
    for path, value in {"works.0.minutes": "long", "works.1.skill": None, "crews.0.count": -1}.items():
        made = changed(made, path, value)
    places = {one.place for one in read(made).findings}
    assert {"/works/0/minutes", "/works/1/skill", "/crews/0/count"} <= places
    made = document()
    for path, value in {"works.0.section": "x", "works.1.skill": "x", "calendar.last": "2026-06-01"}.items():
        made = changed(made, path, value)
    assert len([one for one in read(made).findings if one.grave]) >= 3


def test_too_many_works_are_refused_before_anything_is_read() -> None:
    reading = read_instance({**document(), "works": [{}] * 10_001})
    assert [one.code for one in reading.findings] == ["outage_too_many_works"]
    assert read_instance([]).findings[0].code == "outage_not_an_object"


def test_a_device_stands_for_the_sections_it_needs() -> None:
    for device, usable in (("K0.1", True), ("l-F0S0.1", True), ("t-F0S1.0", True), ("SRC0", False)):
        made = changed(changed(document(), "works.0.section", None), "works.0.device", device)
        codes = {one.code for one in read(made).findings if one.grave}
        assert ("outage_device_unknown" in codes) != usable, (device, codes)


def test_the_published_schemas_are_those_of_the_code_and_take_what_is_read() -> None:
    for name, schema in schemas().items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert msgspec.json.decode((DOCS / f"{name}.json").read_bytes()) == schema, (
            "run: python -m server.outages.schemas docs/schemas"
        )
    validator = jsonschema.Draft202012Validator(schemas()["outage-instance-1"])
    validator.validate(document())
    reading = read(document())
    assert reading.usable, reading.findings
    assert reading.instance is not None
    validator.validate(msgspec.json.decode(msgspec.json.encode(reading.instance)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(changed(document(), "works.0.minutes", 0))


def test_every_code_of_reading_has_words() -> None:
    source = Path(server.outages.reading.__file__).read_text("utf-8")
    codes = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("outage_")
    } - {"outage_"}
    assert len(codes) > 25
    for code in codes:
        for language in LANGUAGES:
            assert text(code, language) != code, (code, language)

"""A site that would leave its case without a fence is refused when it is given, with the place and remedy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desk import Desk, refused

SQUARE = [[121.0, 29.0], [121.001, 29.0], [121.001, 29.001], [121.0, 29.001], [121.0, 29.0]]
BOW = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
UNUSABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"lon": 29.6, "lat": 88.1}, "coordinate_swap_suspected", "#/site"),
    ({"lon": 0.0, "lat": 0.0}, "coordinate_zero", "#/site"),
    ({"boundary": [BOW]}, "fence_crosses_itself", "#/site/boundary"),
    ({"boundary": []}, "fence_empty", "#/site/boundary"),
    ({"boundary": [SQUARE[:4]]}, "fence_ring_open", "#/site/boundary/0"),
    ({"boundary": [SQUARE, SQUARE[:2]]}, "fence_ring_too_short", "#/site/boundary/1"),
    ({"boundary": [[[121.0, 290.0], *SQUARE[1:]]]}, "coordinate_out_of_range", "#/site/boundary/0/0"),
]


@pytest.mark.parametrize(("site", "code", "pointer"), UNUSABLE)
def test_an_unusable_site_is_refused_with_its_place(
    house: Desk, site: dict[str, Any], code: str, pointer: str
) -> None:
    application = house.application(site={"lon": 121.0, "lat": 29.0, "datum": "wgs84", **site})
    problem = refused(house.ask("POST", "/cases", json=application), 422, "site_refused")
    [error] = problem["errors"]
    assert (error["code"], error["pointer"]) == (code, pointer)
    assert error["message"] != code


def test_a_site_is_amended_under_the_same_rule(house: Desk) -> None:
    case = house.open_case()
    bow = {"lon": 121.0, "lat": 29.0, "datum": "wgs84", "boundary": [BOW]}
    body = {"reason": "surveyed", "site": bow}
    refused(house.ask("PATCH", f"/cases/{case}", json=body), 422, "site_refused")
    good = {**bow, "boundary": [SQUARE], "radius_m": None}
    assert house.patch(f"/cases/{case}", {**body, "site": good})["site"]["boundary"] == [SQUARE]


def test_a_boundary_comes_as_geojson_and_goes_out_as_geojson(house: Desk) -> None:
    polygon = {"type": "Polygon", "coordinates": [SQUARE]}
    site = {"lon": 121.0, "lat": 29.0, "datum": "wgs84", "boundary": polygon}
    case = house.post("/cases", house.application(site=site))
    assert case["site"]["boundary"] == [SQUARE]
    (shown,) = house.get(f"/cases/{case['id']}/map")["features"]
    assert shown["geometry"] == polygon
    bow = {**site, "boundary": {"type": "Polygon", "coordinates": [BOW]}}
    problem = refused(house.ask("POST", "/cases", json=house.application(site=bow)), 422, "site_refused")
    assert [(one["code"], one["pointer"]) for one in problem["errors"]] == [
        ("fence_crosses_itself", "#/site/boundary")
    ]

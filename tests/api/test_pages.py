"""The API page opens with nothing but this server, and health says what is so."""

from __future__ import annotations

import re

from server.intake.pulse import Watched, pulse_file
from tests.desk import Desk


def fetched(desk: Desk, path: str) -> tuple[int, str, str]:
    """Status, type and text of an address, read to its end."""
    with desk.client.get(path) as answer:
        return answer.status_code, answer.mimetype or "", answer.get_data(as_text=True)


def test_the_api_page_and_all_that_it_asks_for_come_from_here(desk: Desk) -> None:
    status, kind, page = fetched(desk, "/api/docs")
    assert (status, kind) == (200, "text/html")
    asked_for = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert asked_for
    for address in asked_for:
        if address == "data:,":
            continue
        assert "//" not in address, f"{address} would need a network"
        assert fetched(desk, f"/api/{address}")[0] == 200


def test_the_page_reads_the_document_that_is_served(desk: Desk) -> None:
    _, _, start = fetched(desk, "/api/docs/start.js")
    found = re.search(r'url: "([^"]+)"', start)
    assert found is not None
    document = desk.client.get(f"/api/{found[1]}").get_json()
    assert document["openapi"].startswith("3.")
    assert "/api/v1/cases/{case_id}/energization/authorize" in document["paths"]


def test_no_path_leads_out_of_the_page_s_folder(desk: Desk) -> None:
    assert desk.client.get("/api/docs/../../pyproject.toml").status_code == 404
    assert desk.client.get("/api/docs/%2e%2e/%2e%2e/pyproject.toml").status_code == 404


def test_the_front_door_leads_to_the_page(desk: Desk) -> None:
    answer = desk.client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/api/docs")


def test_health_needs_no_sign_in(desk: Desk) -> None:
    assert desk.client.get("/healthz").get_json() == {"status": "ok"}
    ready = desk.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["free_bytes"] > 0
    assert ready.get_json()["worker"] == {"state": "absent"}


def test_readiness_tells_of_a_worker_and_whether_it_moves(desk: Desk) -> None:
    """Standing still closes no door: what tablets send is kept until it moves again."""
    began = desk.made.clock().timestamp()
    path = pulse_file(desk.made.settings)
    for noted, state in ((began, "working"), (began - 3600, "silent")):
        pulse = Watched(60.0, watch=lambda _: None, clock=lambda at=noted: at)  # type: ignore[misc]
        pulse.publish(path)
        ready = desk.client.get("/readyz")
        assert (ready.status_code, ready.get_json()["worker"]["state"]) == (200, state)
    assert ready.get_json()["worker"]["age_seconds"] >= 3600

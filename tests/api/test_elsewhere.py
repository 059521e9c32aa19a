"""Hezha on a CouchDB: `/sync` says where to go, health says whether tablets can, and an outage is a 503."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from server.app import create_app
from server.couch_storage import open_couch
from server.services import system_clock
from tests.desk import open_desk

NOWHERE = "http://root:top-secret@127.0.0.1:1"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    """An office whose CouchDB went away after it was opened."""
    with open_desk(tmp_path) as desk:
        settings = replace(desk.made.settings, couchdb_url=NOWHERE, couchdb_attempts=1)
        gone = open_couch(settings, system_clock)
        yield create_app(services=replace(desk.made, settings=settings, store=gone)).test_client()
        gone.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "COPY"])
@pytest.mark.parametrize("path", ["/sync/", "/sync/case-1/a%2Fb", "/sync/_session"])
def test_sync_says_where_to_go(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == 501
    told = answer.get_json()
    assert told["error"] == "not_implemented"
    assert "HEZHA_SYNC_URL" in told["reason"]


def test_an_outage_is_503_without_a_password(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "unavailable"
    assert answer.headers["Retry-After"] == "5"  # HEZHA_RETRY_SECONDS
    assert "top-secret" not in answer.text


def test_a_process_that_cannot_reach_couchdb_is_alive(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200

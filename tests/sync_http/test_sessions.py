"""Cookie sessions as CouchDB's clients use them, and what a foreign page cannot do with them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import create_blueprint
from tests.sync_http.conftest import LIMITS, Asker, Desk, by_name


@pytest.fixture
def browser(nobody: Asker) -> Asker:
    """Asks without credentials of its own; it keeps cookies."""
    return nobody


LOGIN = {"name": "wang", "password": "wang"}


def given(client: FlaskClient) -> str | None:
    cookie = client.get_cookie("AuthSession", path="/sync")
    return None if cookie is None else cookie.value


@pytest.mark.parametrize(
    "sent",
    [
        {"json": LOGIN},
        {"json": {"username": "wang", "password": "wang"}},
        {"data": LOGIN},
        {"data": {"username": "wang", "name": "wang", "password": "wang"}},
    ],
)
def test_one_signs_in_with_json_or_a_form_and_is_known_by_the_cookie(
    browser: Asker, sent: dict[str, Any]
) -> None:
    browser.get("/case-1", status=401)
    answer = browser.ask("POST", "/_session", status=200, **sent)
    assert answer.json == {"ok": True, "name": "wang", "roles": ["inspector"]}
    assert browser.get("/case-1")["db_name"] == "case-1"
    session = browser.get("/_session")
    assert session["userCtx"] == {"name": "wang", "roles": ["inspector"]}
    assert session["info"]["authenticated"] == "cookie"
    assert session["info"]["authentication_handlers"] == ["cookie", "jwt", "default"]


def test_a_script_cannot_read_the_cookie_and_another_site_cannot_have_it_sent(browser: Asker) -> None:
    header = browser.ask("POST", "/_session", LOGIN).headers["Set-Cookie"]
    parts = {part.strip() for part in header.split(";")}
    assert {"HttpOnly", "SameSite=Strict", "Path=/sync", "Max-Age=600"} <= parts
    assert "Secure" not in parts
    https = browser.ask("POST", "/_session", LOGIN, base_url="https://hezha.example")
    assert "Secure" in https.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"name": "wang", "password": "guess"}, 401, "unauthorized"),
        ({"name": "wang"}, 401, "unauthorized"),
        ({"name": "wang", "password": 5}, 401, "unauthorized"),
        ({"password": "wang"}, 400, "bad_request"),
        ({"name": 5, "password": "wang"}, 400, "bad_request"),
        ({"name": "wang", "username": "liu", "password": "wang"}, 400, "bad_request"),
        ([], 400, "bad_request"),
    ],
)
def test_who_does_not_say_the_right_thing_gets_no_cookie(
    browser: Asker, body: Any, status: int, error: str
) -> None:
    assert browser.post("/_session", body, status=status)["error"] == error
    assert given(browser.client) is None


def test_the_body_of_a_login_is_bounded_and_typed(browser: Asker) -> None:
    long = {"name": "wang", "password": "x" * LIMITS.max_document_bytes}
    assert browser.ask("POST", "/_session", long).status_code == 413
    assert browser.ask("POST", "/_session", data=long).status_code == 413
    browser.ask("POST", "/_session", data=b"name=wang", content_type="text/plain", status=415)


def test_signing_out_ends_the_session_and_takes_the_cookie(browser: Asker, desk: Desk) -> None:
    browser.post("/_session", LOGIN)
    assert browser.ask("DELETE", "/_session", status=200).json == {"ok": True}
    assert given(browser.client) is None
    assert not desk.open_sessions
    assert browser.get("/_session")["userCtx"]["name"] is None
    assert browser.ask("DELETE", "/_session", status=200).json == {"ok": True}


def test_a_cookie_that_does_not_hold_is_like_none(browser: Asker, desk: Desk) -> None:
    browser.post("/_session", LOGIN)
    desk.open_sessions.clear()
    assert browser.get("/_session")["userCtx"]["name"] is None
    assert browser.get("/_session?basic=true", status=401)["reason"] == "Please login."
    browser.get("/case-1", status=401)
    browser.post("/_session", LOGIN)  # and does not stand in the way of the next
    assert browser.get("/case-1")["db_name"] == "case-1"


def test_a_cookie_is_renewed_with_whatever_is_asked(browser: Asker, desk: Desk) -> None:
    browser.post("/_session", LOGIN)
    first = given(browser.client)
    browser.get("/case-1")
    assert given(browser.client) == first
    desk.renew = "another"
    browser.get("/case-1")
    assert given(browser.client) == "another"


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""]
)
@pytest.mark.parametrize(
    "path", ["/case-1", "/case-1/_bulk_docs", "/case-1/_revs_diff", "/case-1/_ensure_full_commit"]
)
def test_a_form_of_a_foreign_page_writes_nothing_by_cookie(
    browser: Asker, store: EmbeddedStore, path: str, content_type: str
) -> None:
    browser.post("/_session", LOGIN)
    before = store.info("case-1")
    body = b'{"_id": "hazard:1", "docs": [{"_id": "hazard:2"}]}'
    browser.ask("POST", path, data=body, content_type=content_type, status=415)
    assert store.info("case-1") == before


def test_who_is_named_in_the_header_is_not_who_is_in_the_cookie(browser: Asker) -> None:
    browser.post("/_session", LOGIN)
    boss = Asker(browser.client, "boss")
    session = boss.get("/_session")
    assert session["userCtx"]["name"] == "boss"
    assert session["info"]["authenticated"] == "default"


def test_where_no_cookies_are_given_a_login_is_501(store: EmbeddedStore) -> None:
    app = Flask("plain")
    app.register_blueprint(create_blueprint(store, by_name, limits=LIMITS), url_prefix="/sync")
    nobody = Asker(app.test_client(), None)
    for method in ("POST", "DELETE"):
        assert nobody.ask(method, "/_session", LOGIN, status=501).json

"""Sign-in over HTTP: tokens, refusals as problems, people and devices by role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import create_app
from server.services import Services, assemble
from server.settings import Argon2Profile, Settings

ROLES = ("inspector", "manager", "scheduler", "admin", "auditor")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, argon2=Argon2Profile(memory_kib=8, time_cost=1), sync_admin="couch:long enough"
    )


@pytest.fixture
def start(settings: Settings, clock: Clock) -> Iterator[Callable[[], Services]]:
    """Starts the services of one more process on the same data folder."""
    started: list[Services] = []

    def start_one() -> Services:
        started.append(assemble(settings, clock=clock))
        return started[-1]

    yield start_one
    for one in started:
        one.close()


@pytest.fixture
def made(start: Callable[[], Services]) -> Services:
    """One user for each role, of the same name; the password is the name and `-password`."""
    services = start()
    for role in ROLES:
        services.people.add_user(role, f"{role}-password", roles=[role])
    return services


@pytest.fixture
def client(made: Services) -> FlaskClient:
    return create_app(services=made).test_client()


def login(client: FlaskClient, name: str = "inspector", **more: Any) -> dict[str, Any]:
    body = {"username": name, "password": f"{name}-password", **more}
    answer = client.post("/api/v1/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    signed_in: dict[str, Any] = answer.get_json()
    return signed_in


def bearer(signed_in: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed_in['access_token']}"}


def refused(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"]
    assert "{" not in problem["detail"], "a text with a gap"
    return problem


def test_sign_in_answers_with_tokens_user_and_device(client: FlaskClient) -> None:
    answer = login(client, device={"name": "tablet 3"})
    assert set(answer) == {"access_token", "refresh_token", "token_type", "expires_in", "user", "device"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    assert answer["user"]["name"] == "inspector"
    assert "password_hash" not in answer["user"]
    assert (answer["device"]["name"], answer["device"]["kind"]) == ("tablet 3", "tablet")
    me = client.get("/api/v1/me", headers=bearer(answer)).get_json()
    assert me == {
        "name": "inspector",
        "display_name": "inspector",
        "roles": ["inspector"],
        "organisation": "demo",
        "device": answer["device"]["id"],
    }


def test_answers_with_tokens_are_never_kept_by_a_cache(client: FlaskClient) -> None:
    body = {"username": "inspector", "password": "inspector-password"}
    assert client.post("/api/v1/auth/login", json=body).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "inspector"},
        {"username": "inspector", "password": 7},
        {"username": "inspector", "password": "x", "remember": True},
        {"username": "inspector", "password": "x" * 257},
        {"username": "inspector", "password": "x", "device": {"id": "7f9c24e8-3b12"}},
        {"username": "inspector", "password": "x", "device": {"name": "a\nb"}},
        {"username": "inspector", "password": "x", "device": {"name": "t", "id": "../../x"}},
        {"username": "inspector", "password": "x", "device": {"name": "t", "id": "12345678\n"}},
        [],
    ],
)
def test_unknown_missing_and_odd_fields_are_named(client: FlaskClient, body: Any) -> None:
    problem = refused(client.post("/api/v1/auth/login", json=body), 422, "invalid_fields")
    assert problem["errors"]


def test_broken_json_is_said_to_be_broken(client: FlaskClient) -> None:
    answer = client.post("/api/v1/auth/login", data=b'{"username": ', content_type="application/json")
    refused(answer, 400, "broken_json")


def test_a_lone_surrogate_is_no_password_and_no_crash(client: FlaskClient) -> None:
    raw = b'{"username": "inspector", "password": "\\ud800"}'
    answer = client.post("/api/v1/auth/login", data=raw, content_type="application/json")
    refused(answer, 422, "invalid_fields")


def test_half_characters_are_refused_in_what_is_stored_and_shown(client: FlaskClient) -> None:
    body = b'{"name": "new-one", "password": "new-password", "roles": ["admin"], "display_name": "\\ud800"}'
    headers = {**bearer(login(client, "admin")), "Content-Type": "application/json"}
    refused(client.post("/api/v1/users", data=body, headers=headers), 422, "invalid_fields")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_refusals_speak_the_language_asked_for(client: FlaskClient, lang: str) -> None:
    answer = client.get("/api/v1/me", headers={"Accept-Language": lang})
    problem = refused(answer, 401, "token_missing")
    assert ("登录" in problem["detail"]) == (lang == "zh-CN")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token_is_refused_and_refreshed(client: FlaskClient, clock: Clock) -> None:
    first = login(client, device={"name": "tablet"})
    clock.now += timedelta(seconds=900)
    refused(client.get("/api/v1/me", headers=bearer(first)), 401, "token_expired")
    body = {"refresh_token": first["refresh_token"], "device": first["device"]["id"]}
    answer = client.post("/api/v1/auth/refresh", json=body)
    assert answer.status_code == 200
    second = answer.get_json()
    assert second["refresh_token"] != first["refresh_token"]
    assert client.get("/api/v1/me", headers=bearer(second)).status_code == 200


def test_a_stolen_refresh_token_puts_both_holders_out(client: FlaskClient, clock: Clock) -> None:
    tokens = [login(client, device={"name": "tablet"})]
    for _ in range(2):
        clock.now += timedelta(minutes=15)
        body = {"refresh_token": tokens[-1]["refresh_token"]}
        tokens.append(client.post("/api/v1/auth/refresh", json=body).get_json())
    clock.now += timedelta(minutes=10)
    for held in (tokens[0], tokens[-1]):
        answer = client.post("/api/v1/auth/refresh", json={"refresh_token": held["refresh_token"]})
        assert refused(answer, 401, "device_revoked")["order"] == "sign_in"
    refused(client.get("/api/v1/me", headers=bearer(tokens[-1])), 401, "device_revoked")


def test_signing_out_ends_the_session_at_once(client: FlaskClient) -> None:
    signed_in = login(client)
    assert client.post("/api/v1/auth/logout", headers=bearer(signed_in)).status_code == 204
    refused(client.get("/api/v1/me", headers=bearer(signed_in)), 401, "token_invalid")


def test_failed_sign_ins_are_limited_across_two_servers(
    client: FlaskClient, start: Callable[[], Services]
) -> None:
    other = create_app(services=start()).test_client()
    wrong = {"username": "inspector", "password": "wrong-password"}
    for server in (client, other, client, other, client):
        refused(server.post("/api/v1/auth/login", json=wrong), 401, "bad_credentials")
    for server in (client, other):
        answer = server.post("/api/v1/auth/login", json={**wrong, "password": "inspector-password"})
        refused(answer, 429, "rate_limited")
        assert answer.headers["Retry-After"] == "300"
    away = other.post(
        "/api/v1/auth/login",
        json={**wrong, "password": "inspector-password"},
        environ_base={"REMOTE_ADDR": "198.51.100.9"},
    )
    assert away.status_code == 200


def test_a_revoked_device_is_refused_on_api_and_sync_at_its_next_request(client: FlaskClient) -> None:
    tablet, other = login(client, device={"name": "tablet"}), login(client)
    assert client.get("/sync/_session", headers=bearer(tablet)).get_json()["userCtx"]["name"] == "inspector"
    path = f"/api/v1/devices/{tablet['device']['id']}/revoke"
    answer = client.post(path, json={"reason": "lost"}, headers=bearer(other))
    assert (answer.status_code, answer.get_json()["order"]) == (200, "wipe")
    assert refused(client.get("/api/v1/me", headers=bearer(tablet)), 401, "device_revoked")["order"] == "wipe"
    sync = client.get("/sync/inbox-inspector", headers=bearer(tablet))
    assert (sync.status_code, sync.get_json()["error"]) == (401, "unauthorized")
    inbox = client.get(f"/sync/inbox-inspector/device:{tablet['device']['id']}", headers=bearer(other))
    assert inbox.get_json()["order"] == "wipe"


def test_a_disabled_user_is_refused_on_api_and_sync_at_the_next_request(client: FlaskClient) -> None:
    tablet, admin = login(client, device={"name": "tablet"}), login(client, "admin")
    etag = client.get("/api/v1/users/inspector", headers=bearer(admin)).headers["ETag"]
    answer = client.patch(
        "/api/v1/users/inspector", json={"disabled": True}, headers={**bearer(admin), "If-Match": etag}
    )
    assert answer.status_code == 200
    refused(client.get("/api/v1/me", headers=bearer(tablet)), 401, "user_disabled")
    assert client.get("/sync/inbox-inspector", headers=bearer(tablet)).status_code == 401


def test_devices_are_seen_by_their_owner_and_administrators(client: FlaskClient) -> None:
    tablet, manager, admin = (
        login(client, device={"name": "t"}),
        login(client, "manager"),
        login(client, "admin"),
    )
    own = client.get("/api/v1/devices", headers=bearer(tablet)).get_json()
    assert [(d["id"], d["current"], d["signed_in"]) for d in own["items"]] == [
        (tablet["device"]["id"], True, True)
    ]
    assert "session" not in own["items"][0]
    every = client.get("/api/v1/devices", headers=bearer(admin)).get_json()
    assert every["total"] == 3
    one = client.get("/api/v1/devices?user=manager", headers=bearer(admin)).get_json()
    assert [d["id"] for d in one["items"]] == [manager["device"]["id"]]
    refused(client.get("/api/v1/devices?user=inspector", headers=bearer(manager)), 403, "forbidden")
    path = f"/api/v1/devices/{tablet['device']['id']}/revoke"
    refused(client.post(path, json={}, headers=bearer(manager)), 404, "not_found")
    refused(client.post("/api/v1/devices/none-such/revoke", json={}, headers=bearer(admin)), 404, "not_found")
    assert client.post(path, json={}, headers=bearer(admin)).status_code == 200


def test_only_administrators_make_and_change_users(client: FlaskClient) -> None:
    body = {"name": "new-one", "password": "new-password", "roles": ["inspector"]}
    for role in ROLES:
        signed_in = login(client, role)
        made = client.post("/api/v1/users", json=body, headers=bearer(signed_in))
        changed = client.patch(
            "/api/v1/users/manager", json={}, headers={**bearer(signed_in), "If-Match": '"x"'}
        )
        listed = client.get("/api/v1/users", headers=bearer(signed_in))
        if role == "admin":
            assert made.status_code == 201
            refused(changed, 412, "precondition_failed")
        else:
            refused(made, 403, "forbidden")
            refused(changed, 403, "forbidden")
        assert listed.status_code == (403 if role == "inspector" else 200)


def test_who_is_not_signed_in_is_told_so_before_anything_about_the_body(client: FlaskClient) -> None:
    refused(client.post("/api/v1/users", json={"odd": 1}), 401, "token_missing")
    refused(client.patch("/api/v1/users/manager", json={"odd": 1}), 401, "token_missing")


def test_a_user_is_changed_by_the_version_that_was_read(client: FlaskClient) -> None:
    admin = bearer(login(client, "admin"))
    path = "/api/v1/users/inspector"
    etag = client.get(path, headers=admin).headers["ETag"]
    assert client.get(path, headers={**admin, "If-None-Match": etag}).status_code == 304
    refused(client.patch(path, json={"display_name": "a"}, headers=admin), 428, "precondition_required")
    first = client.patch(path, json={"display_name": "甲"}, headers={**admin, "If-Match": etag})
    assert (first.status_code, first.get_json()["display_name"]) == (200, "甲")
    late = client.patch(path, json={"display_name": "乙"}, headers={**admin, "If-Match": etag})
    refused(late, 412, "precondition_failed")
    again = client.patch(
        path, json={"roles": ["manager"]}, headers={**admin, "If-Match": first.headers["ETag"]}
    )
    assert again.get_json()["roles"] == ["manager"]


def test_a_repeated_creation_is_answered_alike(client: FlaskClient) -> None:
    headers = {**bearer(login(client, "admin")), "Idempotency-Key": "k1"}
    body = {"name": "new-one", "password": "new-password", "roles": ["inspector"]}
    first, second = (client.post("/api/v1/users", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert first.headers["ETag"] == second.headers["ETag"]
    other = client.post("/api/v1/users", json=body, headers={**headers, "Idempotency-Key": "k2"})
    refused(other, 409, "user_exists")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"roles": []}, 422, "invalid_fields"),
        ({"roles": ["_admin"]}, 422, "invalid_fields"),
        ({"name": "A.B"}, 422, "invalid_fields"),
        ({"name": "hezha"}, 422, "user_name_invalid"),
        ({"password": "short"}, 422, "password_too_short"),
        ({"display_name": "a\tb"}, 422, "invalid_fields"),
        ({"name": "inspector"}, 409, "user_exists"),
    ],
)
def test_what_makes_no_user_is_refused(
    client: FlaskClient, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"name": "new-one", "password": "new-password", "roles": ["inspector"], **change}
    refused(client.post("/api/v1/users", json=body, headers=bearer(login(client, "admin"))), status, code)


def test_managers_see_people_of_their_organisation_only(client: FlaskClient, made: Services) -> None:
    made.people.add_user("afar", "afar-password", roles=["inspector"], organisation="north")
    manager, auditor = bearer(login(client, "manager")), bearer(login(client, "auditor"))
    names = [
        u["name"] for u in client.get("/api/v1/users?role=inspector", headers=manager).get_json()["items"]
    ]
    assert names == ["inspector"]
    refused(client.get("/api/v1/users/afar", headers=manager), 404, "not_found")
    refused(client.get("/api/v1/users/no-one", headers=manager), 404, "not_found")
    assert client.get("/api/v1/users/afar", headers=auditor).status_code == 200


def test_lists_are_paged_and_say_how_many_there_are(client: FlaskClient) -> None:
    admin = bearer(login(client, "admin"))
    page = client.get("/api/v1/users?offset=1&limit=2", headers=admin).get_json()
    assert ([u["name"] for u in page["items"]], page["total"]) == (["auditor", "inspector"], 5)
    refused(client.get("/api/v1/users?limit=0", headers=admin), 422, "invalid_fields")
    refused(client.get("/api/v1/users?sort=x", headers=admin), 422, "invalid_fields")


def test_one_changes_ones_own_password(client: FlaskClient) -> None:
    here, there = login(client), login(client)
    body = {"old": "inspector-password", "new": "another-password"}
    refused(
        client.post("/api/v1/me/password", json={**body, "old": "wrong"}, headers=bearer(here)),
        401,
        "bad_credentials",
    )
    fresh = client.post("/api/v1/me/password", json=body, headers=bearer(here)).get_json()
    assert fresh["device"]["id"] == here["device"]["id"]
    assert client.get("/api/v1/me", headers=bearer(fresh)).status_code == 200
    refused(client.get("/api/v1/me", headers=bearer(there)), 401, "token_invalid")


def test_the_server_admin_signs_in_on_sync_only(client: FlaskClient) -> None:
    basic = ("couch", "long enough")
    assert client.get("/sync/_session", auth=basic).get_json()["userCtx"]["roles"] == ["_admin"]
    refused(client.get("/api/v1/me", auth=basic), 401, "token_missing")
    assert client.get("/sync/_session", auth=("couch", "wrong")).status_code == 401
    assert client.get("/sync/registry", headers=bearer(login(client, "admin"))).status_code == 403


def test_the_roles_in_the_document_are_those_that_are_enforced(client: FlaskClient) -> None:
    """Every operation says whom it admits; public ones say so aloud."""
    paths = client.get("/api/openapi.json").get_json()["paths"]
    admitted = {
        (path.removeprefix("/api/v1"), verb): operation["x-roles"]
        for path, operations in paths.items()
        for verb, operation in operations.items()
        if isinstance(operation, dict) and path.startswith(("/api/v1/auth", "/api/v1/me", "/api/v1/users"))
    }
    assert admitted["/auth/login", "post"] == ["public"]
    assert admitted["/users", "post"] == ["admin"]
    assert set(admitted["/me", "get"]) == set(ROLES)

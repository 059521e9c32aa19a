"""Keys that tablets sign with: enrolled by the tablet itself, one at a time, dated, and never deleted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from server.people.merging import merged_device, merged_key
from server.people.model import Device, DeviceKey, device_document, key_document, to_device, to_key
from server.signing.verdicts import Standing
from tests.desk import START, Desk, open_desk, refused
from tests.forks import LOSES, WINS, one_leaf, written_elsewhere
from tests.signing.signer import Signer

TABLET = "tablet-one"
KEY = DeviceKey(
    kid=Signer("one").kid, device=TABLET, user="inspector", key=Signer("one").key, enrolled_at=START
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as desk:
        yield desk


def signed_in(desk: Desk, device: str | None = TABLET, user: str = "inspector") -> dict[str, str]:
    """Signs in on a tablet, or on a browser without one."""
    body = {"username": user, "password": f"{user}-password"}
    named = {} if device is None else {"device": {"id": device, "name": "tablet"}}
    answer = desk.client.post("/api/v1/auth/login", json={**body, **named})
    assert answer.status_code == 200, answer.get_json()
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def enrol(desk: Desk, signer: Signer, device: str = TABLET, user: str = "inspector") -> TestResponse:
    return desk.client.put(
        f"/api/v1/devices/{device}/keys/{signer.kid}",
        json=signer.enrolment(device, user),
        headers=signed_in(desk, device, user),
    )


def keys(desk: Desk, user: str = "inspector") -> list[dict[str, object]]:
    return list(desk.get(f"/devices/{TABLET}/keys", by=user)["items"])


def standing(desk: Desk, signer: Signer) -> Standing:
    found = desk.made.people.device_keys.standing(signer.kid)
    assert found is not None
    return found


def test_a_tablet_enrols_its_key_once_however_often_it_asks(desk: Desk) -> None:
    signer = Signer("one")
    assert desk.made.people.device_keys.standing(signer.kid) is None
    first = enrol(desk, signer)
    assert (first.status_code, first.get_json()["jwk"]) == (201, signer.key.jwk)
    desk.clock.forward(minutes=5)
    again = enrol(desk, signer)
    assert (again.status_code, again.get_json()["enrolled_at"]) == (200, first.get_json()["enrolled_at"])
    assert [key["kid"] for key in keys(desk)] == [signer.kid]
    assert standing(desk, signer) == Standing(signer.key, TABLET, "inspector")


def test_a_new_key_ends_the_one_before_and_neither_goes(desk: Desk) -> None:
    old, new = Signer("one"), Signer("two")
    enrol(desk, old)
    desk.clock.forward(days=30)
    enrol(desk, new)
    assert [(key["kid"], key["ended_at"]) for key in keys(desk)] == [
        (new.kid, None),
        (old.kid, desk.clock().isoformat()),
    ]
    assert standing(desk, old).ended_at == desk.clock()
    assert refused(enrol(desk, old), 409, "device_key_spent")["detail"]
    assert standing(desk, new).ended_at is None


def test_a_key_is_revoked_from_a_moment_and_only_ever_from_an_earlier_one(desk: Desk) -> None:
    signer = Signer("one")
    enrol(desk, signer)
    desk.clock.forward(days=3)
    path = f"/devices/{TABLET}/keys/{signer.kid}/revoke"
    lost_at = desk.clock() - timedelta(days=1)
    desk.post(path, {"reason": "lost"}, by="inspector")
    assert standing(desk, signer).revoked_at == desk.clock()
    known = desk.post(path, {"reason": "lost", "since": lost_at.isoformat()}, by="admin")
    assert (known["revoked_from"], known["revoked_by"]) == (lost_at.isoformat(), "admin")
    desk.post(path, {"reason": "found", "since": desk.clock().isoformat()}, by="admin")
    assert standing(desk, signer).revoked_at == lost_at
    future = {"reason": "lost", "since": (desk.clock() + timedelta(seconds=1)).isoformat()}
    refused(desk.ask("POST", path, by="admin", json=future), 422, "device_key_future")
    refused(enrol(desk, signer), 409, "device_key_spent")


def test_a_lost_tablet_takes_its_keys_with_it(desk: Desk) -> None:
    signer = Signer("one")
    enrol(desk, signer)
    desk.clock.forward(hours=1)
    desk.post(f"/devices/{TABLET}/revoke", {"reason": "lost"}, by="admin")
    assert standing(desk, signer).revoked_at == desk.clock()
    assert [key["kid"] for key in keys(desk, "auditor")] == [signer.kid]


def test_only_the_tablet_itself_enrols_a_key_that_it_holds(desk: Desk) -> None:
    signer, other = Signer("one"), Signer("two")
    path = f"/api/v1/devices/{TABLET}/keys/{signer.kid}"
    body = signer.enrolment(TABLET, "inspector")
    tablet = signed_in(desk)
    for headers in (
        signed_in(desk, "tablet-two"),
        signed_in(desk, None),
        signed_in(desk, "tablet-x", "admin"),
    ):
        refused(desk.client.put(path, json=body, headers=headers), 404, "not_found")
    for proof, code in (
        (other.enrolment(TABLET, "inspector")["proof"], "device_key_unproven"),
        (signer.enrolment("tablet-two", "inspector")["proof"], "device_key_unproven"),
        (signer.enrolment(TABLET, "colleague")["proof"], "device_key_unproven"),
    ):
        refused(desk.client.put(path, json={**body, "proof": proof}, headers=tablet), 422, code)
    misnamed = path.replace(signer.kid, other.kid)
    refused(desk.client.put(misnamed, json=body, headers=tablet), 422, "device_key_misnamed")
    private = {**body, "jwk": {**body["jwk"], "d": "A" * 43}}
    refused(desk.client.put(path, json=private, headers=tablet), 422, "device_key_private")
    assert keys(desk) == []
    enrol(desk, signer)
    refused(enrol(desk, signer, "tablet-two"), 409, "device_key_taken")


def test_a_browser_has_no_key(desk: Desk) -> None:
    headers = signed_in(desk, None)
    [browser] = [
        one
        for one in desk.client.get("/api/v1/devices", headers=headers).get_json()["items"]
        if one["current"]
    ]
    signer = Signer("one")
    body = signer.enrolment(browser["id"], "inspector")
    path = f"/api/v1/devices/{browser['id']}/keys/{signer.kid}"
    refused(desk.client.put(path, json=body, headers=headers), 409, "device_not_tablet")


def test_keys_are_seen_by_their_owner_administrators_and_auditors(desk: Desk) -> None:
    signer = Signer("one")
    enrol(desk, signer)
    for user in ("inspector", "admin", "auditor"):
        assert len(keys(desk, user)) == 1
    refused(desk.ask("GET", f"/devices/{TABLET}/keys", by="manager"), 404, "not_found")
    path = f"/devices/{TABLET}/keys/{signer.kid}/revoke"
    for user in ("manager", "auditor"):
        refused(desk.ask("POST", path, by=user, json={"reason": "x"}), 404, "not_found")
    for kid in (Signer("two").kid, "x", "../x"):
        other = f"/devices/{TABLET}/keys/{kid}/revoke"
        refused(desk.ask("POST", other, by="admin", json={"reason": "x"}), 404, "not_found")


def test_a_key_put_in_place_of_another_is_nobodys(desk: Desk) -> None:
    """Whoever writes past Hezha cannot give a name in a case's log another key."""
    signer = Signer("one")
    enrol(desk, signer)
    store, registry = desk.made.store, desk.made.names.registry
    document = store.get(registry, f"device-key:{signer.kid}")
    point = {"x": Signer("two").key.x, "y": Signer("two").key.y}
    store.put(registry, {**document, "key": point})
    assert desk.made.people.device_keys.standing(signer.kid) is None


# -- written in two places at once


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_revocation_elsewhere_counts(desk: Desk, digest: str) -> None:
    signer = Signer("one")
    enrol(desk, signer)
    store, registry = desk.made.store, desk.made.names.registry
    document = store.get(registry, f"device-key:{signer.kid}")
    later = {**document, "revoked_from": START.isoformat(), "revoked_at": START.isoformat()}
    written_elsewhere(store, registry, later, digest)
    desk.intake()
    assert one_leaf(store, registry, document["_id"])["revoked_from"] is not None
    assert standing(desk, signer).revoked_at == START


def test_no_merged_key_depends_on_the_order_of_leaves() -> None:
    def at(minutes: int) -> datetime:
        return START + timedelta(minutes=minutes)

    leaves = [
        key_document(replace(KEY, ended_at=at(9))),
        key_document(replace(KEY, ended_at=at(5))),
        key_document(replace(KEY, revoked_from=at(4), revoked_at=at(8), revoked_by="a")),
        key_document(replace(KEY, revoked_from=at(3), revoked_at=at(9), revoked_by="b")),
    ]
    [merged] = {repr(to_key(merged_key(order))) for order in itertools.permutations(leaves)}
    wanted = replace(KEY, ended_at=at(5), revoked_from=at(3), revoked_at=at(9), revoked_by="b")
    assert merged == repr(wanted)


def test_a_key_that_two_devices_claimed_at_once_counts_for_neither() -> None:
    twice = [key_document(KEY), key_document(replace(KEY, device="tablet-two"))]
    for order in itertools.permutations(twice):
        assert to_key(merged_key(order)).revoked_from == START


def test_a_device_keeps_the_keys_of_all_its_leaves() -> None:
    device = Device(
        id=TABLET, user="wang", name="t", kind="tablet", enrolled_at=START, last_seen_at=START, keys=("b",)
    )
    for other in (replace(device, keys=("a",)), replace(device, keys=("a",), revoked_at=START, order="wipe")):
        for order in itertools.permutations([device_document(device), device_document(other)]):
            assert to_device(merged_device(order)).keys == ("a", "b")

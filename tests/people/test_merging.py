"""Users and devices written in two places at once: less is allowed, never more, whoever merges."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from server.people.merging import merged_attempts, merged_device, merged_user
from server.people.model import (
    ROLES,
    Device,
    Session,
    User,
    device_document,
    to_device,
    to_user,
    user_document,
)
from server.problems import Problem
from sync.store import Document
from tests.desk import open_desk

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MOMENTS = st.integers(0, 5).map(lambda n: START + timedelta(minutes=n))
IDS = st.sampled_from(["device-one", "device-two", "device-three"])
TOKENS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True).map(tuple)

USER = User(
    name="wang",
    display_name="Wang",
    roles=("inspector", "manager"),
    organisation="demo",
    password_hash="one",
    created_at=START,
    created_by="admin",
    updated_at=START,
)
DEVICE = Device(
    id="device-one", user="wang", name="tablet", kind="tablet", enrolled_at=START, last_seen_at=START
)
SESSION = Session(
    id="s-1", epoch=0, generation=1, offered=("a",), previous=None, rotated_at=START, expires_at=START
)

USERS = st.builds(
    replace,
    st.just(USER),
    roles=st.sets(st.sampled_from(ROLES), min_size=1).map(lambda some: tuple(r for r in ROLES if r in some)),
    disabled=st.booleans(),
    password_hash=st.sampled_from(["one", "two"]),
    session_epoch=st.integers(0, 2),
    version=st.integers(1, 3),
    updated_at=MOMENTS,
    devices=st.lists(IDS, unique=True).map(tuple),
)
SESSIONS = st.builds(
    replace,
    st.just(SESSION),
    id=st.sampled_from(["s-1", "s-2"]),
    generation=st.integers(1, 3),
    offered=TOKENS,
    rotated_at=MOMENTS,
)


def _revoked(device: Device, at: datetime, order: Any) -> Device:
    return replace(
        device, session=None, revoked_at=at, revoked_by="admin", revoked_reason="lost", order=order
    )


ACTIVE = st.builds(replace, st.just(DEVICE), session=st.none() | SESSIONS, last_seen_at=MOMENTS)
REVOKED = st.builds(_revoked, ACTIVE, MOMENTS, st.sampled_from(["wipe", "sign_in"]))


def every_order(merge: Any, leaves: Sequence[Document]) -> Document:
    """The result, which must not depend on the order of the leaves."""
    results = [merge(list(order)) for order in itertools.permutations(leaves)]
    assert all(result == results[0] for result in results)
    merged: Document = results[0]
    return merged


@profile(max_examples=50, deadline=None)
@given(st.lists(USERS, min_size=2, max_size=3))
def test_of_a_user_only_what_all_leaves_allow_stands(users: list[User]) -> None:
    merged = to_user(every_order(merged_user, list(map(user_document, users))))
    for user in users:
        assert set(merged.roles) <= set(user.roles) or merged.disabled
        assert merged.disabled or not user.disabled
        assert merged.session_epoch >= user.session_epoch
        assert merged.version > user.version, "If-Match of what somebody read does not pass"
        assert set(user.devices) <= set(merged.devices), "a device that no list names could not be revoked"
    if len({user.password_hash for user in users}) > 1:
        assert all(merged.session_epoch > user.session_epoch for user in users)


@profile(max_examples=50, deadline=None)
@given(st.lists(ACTIVE | REVOKED, min_size=2, max_size=3))
def test_revoked_beats_active(devices: list[Device]) -> None:
    merged = to_device(every_order(merged_device, list(map(device_document, devices))))
    assert merged.revoked == any(device.revoked for device in devices)
    if merged.revoked:
        assert merged.session is None
        assert merged.revoked_at == min(device.revoked_at for device in devices if device.revoked_at)
        assert (merged.order == "wipe") == any(device.order == "wipe" for device in devices)


@profile(max_examples=50, deadline=None)
@given(st.lists(SESSIONS, min_size=2, max_size=3))
def test_no_answer_of_a_rotation_locks_its_tablet_out(sessions: list[Session]) -> None:
    """Of one session, the generation that rotated last goes on, with every successor that was handed out."""
    leaves = [device_document(replace(DEVICE, session=session)) for session in sessions]
    merged = to_device(every_order(merged_device, leaves)).session
    assert merged is not None
    assert merged.rotated_at == max(session.rotated_at for session in sessions)
    for session in sessions:
        if (session.id, session.generation) == (merged.id, merged.generation):
            assert set(session.offered) <= set(merged.offered)


def test_a_session_that_was_ended_in_one_place_is_over() -> None:
    ended, rotated = DEVICE, replace(DEVICE, session=replace(SESSION, generation=2))
    leaves = list(map(device_document, (ended, rotated)))
    assert to_device(every_order(merged_device, leaves)).session is None


def test_every_failed_attempt_counts() -> None:
    leaves: list[Document] = [
        {"_id": "signin:00", "attempts": {"a": [[1.0, "u"]], "b": [[2.0, "u"]]}},
        {"_id": "signin:00", "attempts": {"a": [[1.0, "u"], [3.0, "u"]]}},
    ]
    merged = every_order(merged_attempts, leaves)
    assert merged["attempts"] == {"a": [[1.0, "u"], [3.0, "u"]], "b": [[2.0, "u"]]}


@pytest.mark.parametrize("digest", ["f" * 32, "0" * 32])
def test_a_device_revoked_elsewhere_is_refused_on_its_next_request(tmp_path: Path, digest: str) -> None:
    """Here it rotated its token at the same time; whichever leaf the store prefers."""
    with open_desk(tmp_path) as desk:
        headers = desk.signed_in("inspector")
        store, registry = desk.made.store, desk.made.names.registry
        [device] = desk.made.people.devices("inspector")
        [leaf] = store.leaves(registry, f"device:{device.id}")
        start, ids = leaf["_revisions"]["start"], leaf["_revisions"]["ids"]
        elsewhere = {
            **device_document(_revoked(device, desk.clock(), "wipe")),
            "_rev": f"{start + 1}-{digest}",
            "_revisions": {"start": start + 1, "ids": [digest, *ids]},
        }
        body = {"username": "inspector", "password": "inspector-password"}
        store.put(registry, {**device_document(replace(device, name="renamed")), "_rev": leaf["_rev"]})
        store.bulk_docs(registry, [elsewhere], new_edits=False)
        assert len(store.leaves(registry, f"device:{device.id}")) == 2
        with pytest.raises(Problem) as caught:
            desk.made.people.authenticate(headers["Authorization"])
        assert caught.value.code == "device_revoked"
        assert len(store.leaves(registry, f"device:{device.id}")) == 1
        assert desk.client.post("/api/v1/auth/login", json=body).status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        ((), (), ()),
        ((), ("metering",), ("metering",)),
        (("metering", "civil"), ("civil", "primary"), ("civil",)),
    ],
)
def test_of_two_words_on_specialties_the_narrower_stands(
    one: tuple[str, ...], other: tuple[str, ...], merged: tuple[str, ...]
) -> None:
    leaves = [replace(USER, specialties=one), replace(USER, specialties=other, version=2)]
    for order in (leaves, leaves[::-1]):
        assert to_user(merged_user([user_document(user) for user in order])).specialties == merged


def test_where_specialties_have_nothing_in_common_the_newest_stand() -> None:
    leaves = [replace(USER, specialties=("civil",)), replace(USER, specialties=("metering",), version=2)]
    assert to_user(merged_user([user_document(user) for user in leaves])).specialties == ("metering",)

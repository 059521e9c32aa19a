"""Signing in, staying in, being put out: against a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from server.people.keys import load_keyring
from server.people.model import Identity
from server.people.recent import Recent, Standing
from server.people.service import People, UserChange
from server.people.sessions import MAX_BROWSERS, DeviceClaim, SignedIn
from server.people.tokens import AccessClaims, issue_access
from server.problems import Problem
from server.settings import Argon2Profile, Settings
from sync.embedded.engine import EmbeddedStore

if TYPE_CHECKING:
    from tests.people.conftest import FrozenClock

TABLET = DeviceClaim("tablet 3")


def refusal(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value


def bearer(signed_in: SignedIn) -> str:
    return f"Bearer {signed_in.access_token}"


def login(people: People, device: DeviceClaim | None = TABLET, address: str = "203.0.113.7") -> SignedIn:
    return people.login("wei", "wei-password", device, address=address)


def test_a_token_speaks_for_its_user_on_its_device(people: People) -> None:
    signed_in = login(people)
    identity = people.authenticate(bearer(signed_in))
    assert (identity.name, identity.roles, identity.device) == ("wei", ("inspector",), signed_in.device.id)
    assert identity.organisation == "demo"
    assert signed_in.expires_in == 900


def test_a_capital_letter_and_a_blank_from_a_tablet_keyboard_do_not_matter(people: People) -> None:
    assert people.login("Wei ", "wei-password").user.name == "wei"


@pytest.mark.parametrize("name", ["nobody", "", "wei/../root", "x" * 5000, "\ud800", "user:wei"])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(people: People, name: str) -> None:
    wrong_name = refusal(lambda: people.login(name, "wei-password"))
    wrong_password = refusal(lambda: people.login("wei", "wrong-password"))
    assert (wrong_name.status, wrong_name.code, wrong_name.params) == (401, "bad_credentials", {})
    assert (wrong_password.status, wrong_password.code, wrong_password.params) == (401, "bad_credentials", {})


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic d2VpOndlaQ==", "Token abc", " "])
def test_without_a_bearer_token_nobody_is_signed_in(people: People, header: str | None) -> None:
    problem = refusal(lambda: people.authenticate(header))
    assert (problem.status, problem.code) == (401, "token_missing")
    assert problem.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_access_token_runs_out_after_fifteen_minutes(people: People, clock: FrozenClock) -> None:
    signed_in = login(people)
    clock.advance(seconds=899)
    people.authenticate(bearer(signed_in))
    clock.advance(seconds=1)
    assert refusal(lambda: people.authenticate(bearer(signed_in))).code == "token_expired"


def test_a_session_goes_on_by_refreshing(people: People, clock: FrozenClock) -> None:
    signed_in = login(people)
    for _ in range(5):
        clock.advance(days=7)
        signed_in = people.refresh(signed_in.refresh_token, signed_in.device.id)
        assert people.authenticate(bearer(signed_in)).name == "wei"
    assert people.device(signed_in.device.id).last_seen_at == clock.now


def test_a_lost_answer_does_not_lock_a_tablet_out(people: People, clock: FrozenClock) -> None:
    signed_in = login(people)
    people.refresh(signed_in.refresh_token)
    clock.advance(hours=9)
    again = people.refresh(signed_in.refresh_token)
    clock.advance(minutes=15)
    assert people.authenticate(bearer(people.refresh(again.refresh_token))).name == "wei"


def test_requests_sent_at_once_with_one_token_all_get_an_answer(people: People, clock: FrozenClock) -> None:
    """An impatient tablet repeats itself; it is not a thief."""
    signed_in = login(people)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: people.refresh(signed_in.refresh_token), range(8)))
    clock.advance(minutes=15)
    assert people.authenticate(bearer(people.refresh(answers[3].refresh_token))).name == "wei"
    assert not people.device(signed_in.device.id).revoked


def test_a_token_used_again_after_its_successor_revokes_the_device(
    people: People, store: EmbeddedStore, clock: FrozenClock
) -> None:
    """Somebody has a copy. Both holders are out; the tablet is told to sign in, not to wipe unsent work."""
    first = login(people)
    second = people.refresh(first.refresh_token)
    clock.advance(minutes=15)
    third = people.refresh(second.refresh_token)
    clock.advance(minutes=15)
    stolen = refusal(lambda: people.refresh(first.refresh_token))
    assert (stolen.status, stolen.code, stolen.extra) == (401, "device_revoked", {"order": "sign_in"})
    third_refused = refusal(lambda: people.refresh(third.refresh_token))
    assert third_refused.code == "device_revoked"
    device = people.device(first.device.id)
    assert (device.revoked_by, device.revoked_reason) == (None, "refresh_token_reused")
    assert store.get("t-inbox-wei", f"device:{device.id}")["order"] == "sign_in"


def test_a_late_copy_is_refused_without_harm(people: People) -> None:
    first = login(people)
    second = people.refresh(first.refresh_token)
    third = people.refresh(second.refresh_token)
    assert refusal(lambda: people.refresh(first.refresh_token)).code == "token_rotated"
    assert people.authenticate(bearer(third)).name == "wei"


def test_a_made_up_token_revokes_nobody(people: People) -> None:
    signed_in = login(people)
    forged = signed_in.refresh_token[:-4] + "AAAA"
    assert refusal(lambda: people.refresh(forged)).code == "token_invalid"
    assert not people.device(signed_in.device.id).revoked


def test_a_token_belongs_to_its_device(people: People) -> None:
    mine, other = login(people), login(people)
    assert refusal(lambda: people.refresh(mine.refresh_token, other.device.id)).code == "token_invalid"
    people.refresh(mine.refresh_token, mine.device.id)


def test_after_thirty_days_without_use_one_signs_in_again_on_the_same_device(
    people: People, clock: FrozenClock
) -> None:
    """A tablet that was offline for weeks keeps its id, and with it its unsent work."""
    old = login(people)
    clock.advance(days=30)
    assert refusal(lambda: people.refresh(old.refresh_token)).code == "token_invalid"
    new = login(people, DeviceClaim("tablet 3", old.device.id))
    assert new.device.id == old.device.id
    assert new.device.enrolled_at == old.device.enrolled_at
    assert len(people.devices("wei")) == 1


def test_signing_in_again_on_a_device_ends_its_session_before(people: People) -> None:
    old = login(people)
    new = login(people, DeviceClaim("tablet 3", old.device.id))
    assert refusal(lambda: people.authenticate(bearer(old))).code == "token_invalid"
    assert refusal(lambda: people.refresh(old.refresh_token)).code == "token_invalid"
    assert people.authenticate(bearer(new)).device == old.device.id


def test_a_tablet_may_bring_its_own_id(people: People) -> None:
    own = "7f9c24e8-3b12-4fef-91e0-6c8b5c8d1a11"
    assert login(people, DeviceClaim("tablet 4", own)).device.id == own
    assert refusal(lambda: login(people, DeviceClaim("tablet 4", "No.Dots"))).code == "device_id_invalid"


def test_a_device_of_somebody_else_cannot_be_taken_over(people: People) -> None:
    mine = login(people)
    claim = DeviceClaim("mine now", mine.device.id)
    problem = refusal(lambda: people.login("root", "root-password", claim))
    assert (problem.status, problem.code) == (409, "device_taken")
    assert people.device(mine.device.id).user == "wei"
    assert people.devices("root") == []
    assert people.authenticate(bearer(mine)).name == "wei"


def test_logout_refuses_the_access_token_at_once_and_keeps_the_device(people: People) -> None:
    signed_in = login(people)
    people.logout(people.authenticate(bearer(signed_in)))
    assert refusal(lambda: people.authenticate(bearer(signed_in))).code == "token_invalid"
    assert refusal(lambda: people.refresh(signed_in.refresh_token)).code == "token_invalid"
    assert not people.device(signed_in.device.id).revoked


def test_a_revoked_device_is_refused_on_its_next_request_and_told_to_wipe(
    people: People, store: EmbeddedStore
) -> None:
    lost, other = login(people), login(people)
    people.revoke_device(lost.device.id, by="root", reason="left in a taxi")
    for call in (
        lambda: people.authenticate(bearer(lost)),
        lambda: people.refresh(lost.refresh_token),
        lambda: login(people, DeviceClaim("found it", lost.device.id)),
    ):
        problem = refusal(call)
        assert (problem.status, problem.code, problem.extra) == (401, "device_revoked", {"order": "wipe"})
    order = store.get("t-inbox-wei", f"device:{lost.device.id}")
    assert (order["type"], order["schema"], order["order"]) == ("device", 1, "wipe")
    assert people.authenticate(bearer(other)).name == "wei"


def test_a_revoked_browser_leaves_no_order_because_it_keeps_nothing(
    people: People, store: EmbeddedStore
) -> None:
    browser = login(people, None).device
    assert people.revoke_device(browser.id, by="wei").revoked
    assert store.find("t-inbox-wei", f"device:{browser.id}") is None


def test_a_token_that_names_somebody_elses_device_is_refused(
    people: People, settings: Settings, clock: FrozenClock
) -> None:
    """Even one signed with our own key: what the registry says decides."""
    device = people.login("root", "root-password", TABLET).device
    session = device.session
    assert session is not None
    token = issue_access(
        load_keyring(settings),
        user="wei",
        roles=("inspector",),
        device=device.id,
        session=session.id,
        now=clock.now,
        lifetime=timedelta(minutes=15),
    )
    assert refusal(lambda: people.authenticate(f"Bearer {token}")).code == "token_invalid"


def test_revoking_twice_changes_nothing_but_an_order_that_got_lost(
    people: People, store: EmbeddedStore, clock: FrozenClock
) -> None:
    device = login(people).device
    first = people.revoke_device(device.id, by="root")
    document = store.get("t-inbox-wei", f"device:{device.id}")
    store.put("t-inbox-wei", {"_id": document["_id"], "_rev": document["_rev"], "_deleted": True})
    clock.advance(hours=1)
    assert people.revoke_device(device.id, by="wei") == first
    assert store.get("t-inbox-wei", f"device:{device.id}")["order"] == "wipe"
    rev = store.get("t-inbox-wei", f"device:{device.id}")["_rev"]
    people.revoke_device(device.id, by="wei")
    assert store.get("t-inbox-wei", f"device:{device.id}")["_rev"] == rev


def test_a_disabled_user_is_refused_everywhere_and_comes_back_when_enabled(people: People) -> None:
    tablet, browser = login(people), login(people, None)
    people.disable("wei")
    for call in (
        lambda: people.authenticate(bearer(tablet)),
        lambda: people.authenticate(bearer(browser)),
        lambda: people.refresh(tablet.refresh_token),
        lambda: login(people),
    ):
        problem = refusal(call)
        assert (problem.status, problem.code) == (401, "user_disabled")
    wrong = refusal(lambda: people.login("wei", "wrong-password"))
    assert wrong.code == "bad_credentials", "who does not know the password is not told of the account"
    people.enable("wei")
    assert people.authenticate(bearer(tablet)).name == "wei"


def test_a_new_password_signs_out_every_device(people: People) -> None:
    tablet, browser = login(people), login(people, None)
    people.set_password("wei", "another-password")
    for signed_in in (tablet, browser):
        assert refusal(lambda s=signed_in: people.authenticate(bearer(s))).code == "token_invalid"  # type: ignore[misc]
        assert refusal(lambda s=signed_in: people.refresh(s.refresh_token)).code == "token_invalid"  # type: ignore[misc]
    assert refusal(lambda: login(people)).code == "bad_credentials"
    assert people.login("wei", "another-password").user.name == "wei"


def test_changing_ones_own_password_keeps_this_device_only(people: People) -> None:
    here, there = login(people), login(people)
    identity = people.authenticate(bearer(here))
    assert (
        refusal(lambda: people.change_own_password(identity, "wrong", "new-password")).code
        == "bad_credentials"
    )
    fresh = people.change_own_password(identity, "wei-password", "new-password")
    assert people.authenticate(bearer(fresh)).device == here.device.id
    assert refusal(lambda: people.authenticate(bearer(there))).code == "token_invalid"


def test_roles_count_as_they_are_now_not_as_the_token_was_signed(people: People) -> None:
    signed_in = login(people)
    people.update_user("wei", UserChange(roles=("auditor",)), by="root")
    assert people.authenticate(bearer(signed_in)).roles == ("auditor",)


def test_what_another_process_changes_counts_for_a_token_that_was_seen_before(
    people: People,
    settings: Settings,
    clock: FrozenClock,
    open_store: Callable[[], EmbeddedStore],
) -> None:
    """A verified token is remembered; whom it speaks for is not, once the registry has changed."""
    signed_in = login(people)
    assert people.authenticate(bearer(signed_in)).roles == ("inspector",)
    neighbour = People(open_store(), settings, clock)
    neighbour.update_user("wei", UserChange(roles=("auditor",)), by="root")
    assert people.authenticate(bearer(signed_in)).roles == ("auditor",)
    neighbour.revoke_device(signed_in.device.id, by="root")
    assert refusal(lambda: people.authenticate(bearer(signed_in))).code == "device_revoked"


def test_a_token_that_was_seen_before_runs_out_all_the_same(people: People, clock: FrozenClock) -> None:
    signed_in = login(people)
    for _ in range(3):
        people.authenticate(bearer(signed_in))
    clock.advance(seconds=900)
    assert refusal(lambda: people.authenticate(bearer(signed_in))).code == "token_expired"


def test_no_more_tokens_are_remembered_than_asked_for() -> None:
    claims = AccessClaims("wei", (), "device", "session", datetime(2026, 11, 2, tzinfo=UTC))
    standing = Standing(claims, Identity("wei", (), "device", "demo", ""), "7-ab")
    recent = Recent(2)
    for token in ("a", "b"):
        recent.keep(token, standing)
    assert recent.get("a") is standing
    recent.keep("c", standing)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (standing, None, standing)


def test_a_hash_of_another_cost_is_renewed_at_sign_in(
    people: People, store: EmbeddedStore, settings: Settings, clock: FrozenClock
) -> None:
    before = people.user("wei")
    dearer = People(store, replace(settings, argon2=Argon2Profile(16, 1, 1)), clock)
    signed_in = dearer.login("wei", "wei-password")
    after = people.user("wei")
    assert "m=8," in before.password_hash
    assert "m=16," in after.password_hash
    assert after.version == before.version
    assert dearer.authenticate(bearer(signed_in)).name == "wei"


def test_browsers_are_listed_and_do_not_pile_up(people: People, clock: FrozenClock) -> None:
    """Every sign-in of a browser is a device of its own that can be revoked; forgotten ones go."""
    tablet = login(people)
    first = people.login("wei", "wei-password", agent="Firefox" * 100)
    assert first.device.kind == "browser"
    assert len(first.device.name) <= 120
    for _ in range(MAX_BROWSERS):
        clock.advance(seconds=1)
        last = people.login("wei", "wei-password")
    listed = people.devices("wei")
    assert len([d for d in listed if d.kind == "browser"]) == MAX_BROWSERS
    assert listed[0].id == last.device.id
    assert tablet.device.id in {d.id for d in listed}
    assert refusal(lambda: people.authenticate(bearer(first))).code == "token_invalid"
    clock.advance(days=31)
    people.login("wei", "wei-password")
    assert len([d for d in people.devices("wei") if d.kind == "browser"]) == 1


def test_nothing_secret_is_kept_in_clear(people: People, store: EmbeddedStore) -> None:
    signed_in = login(people)
    again = people.refresh(signed_in.refresh_token)
    kept = json.dumps(list(store.all_docs("t-registry")))
    for secret in ("wei-password", signed_in.refresh_token, again.refresh_token, again.access_token):
        assert secret not in kept
    shown = repr(again) + repr(people.user("wei"))
    assert "argon2" not in shown
    assert again.refresh_token not in shown
    assert again.access_token not in shown

"""Whatever people, thieves and administrators do, in whatever order: admitted is who should be."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.people.model import Identity
from server.people.service import People
from server.people.sessions import DeviceClaim, SignedIn
from server.problems import Problem
from server.settings import Argon2Profile, Settings
from sync.embedded.engine import EmbeddedStore

V = TypeVar("V")

LIFE = timedelta(seconds=900)
#: Longer than the grace for late copies, shorter than an access token.
PAUSE = timedelta(seconds=130)


@dataclass
class Held:
    """What a tablet holds and what the world should think of it. `spent` are tokens surely used up."""

    device: str
    latest: SignedIn
    got_at: datetime
    spent: list[str] = field(default_factory=list)
    revoked: bool = False
    ended: bool = False


def attempt(call: Callable[[], V]) -> V | str:
    """What the call gives, or the code of its refusal."""
    try:
        return call()
    except Problem as problem:
        return problem.code


class Tablets(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.now = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
        config = Settings(data_dir=Path(self.folder.name), argon2=Argon2Profile(8, 1, 1))
        self.store = EmbeddedStore(config.data_dir)
        self.people = People(self.store, config, lambda: self.now)
        self.people.add_user("wei", "password-0", roles=["inspector"])
        self.password = "password-0"
        self.disabled = False
        self.held: list[Held] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def login(self, claim: DeviceClaim) -> SignedIn | None:
        answer = attempt(lambda: self.people.login("wei", self.password, claim, address="203.0.113.7"))
        if isinstance(answer, SignedIn):
            return answer
        assert answer in ("user_disabled", "device_revoked")
        return None

    @rule()
    @precondition(lambda self: len(self.held) < 4)
    def enrol(self) -> None:
        signed_in = self.login(DeviceClaim("tablet"))
        assert (signed_in is None) == self.disabled
        if signed_in is not None:
            self.held.append(Held(signed_in.device.id, signed_in, self.now))

    @rule(pick=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def sign_in_again(self, pick: int) -> None:
        tablet = self.held[pick % len(self.held)]
        signed_in = self.login(DeviceClaim("tablet", tablet.device))
        assert (signed_in is None) == (self.disabled or tablet.revoked)
        if signed_in is not None:
            tablet.latest, tablet.got_at, tablet.ended, tablet.spent = signed_in, self.now, False, []

    @rule(pick=st.integers(0, 3), lost=st.booleans())
    @precondition(lambda self: self.held)
    def refresh(self, pick: int, lost: bool) -> None:
        """An honest tablet gets its tokens, or the answer is lost and it keeps the old ones."""
        tablet = self.held[pick % len(self.held)]
        answer = attempt(lambda: self.people.refresh(tablet.latest.refresh_token, tablet.device))
        out = self.disabled or tablet.revoked or tablet.ended
        assert isinstance(answer, str) == out
        if isinstance(answer, SignedIn) and not lost:
            tablet.spent.append(tablet.latest.refresh_token)
            tablet.latest, tablet.got_at = answer, self.now

    @rule(pick=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def steal(self, pick: int) -> None:
        """A thief uses a token two exchanges old, after the grace: the device is out if it was in."""
        tablet = self.held[pick % len(self.held)]
        if len(tablet.spent) < 2:
            return
        self.now += PAUSE
        answer = attempt(lambda: self.people.refresh(tablet.spent[0]))
        assert isinstance(answer, str), "a spent token bought a new one"
        if answer == "device_revoked":
            tablet.revoked = True
        else:
            assert self.disabled or tablet.ended

    @rule(pick=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def revoke(self, pick: int) -> None:
        tablet = self.held[pick % len(self.held)]
        self.people.revoke_device(tablet.device, by="root")
        tablet.revoked = True

    @rule(pick=st.integers(0, 3))
    @precondition(lambda self: self.held)
    def sign_out(self, pick: int) -> None:
        tablet = self.held[pick % len(self.held)]
        identity = attempt(lambda: self.people.authenticate(f"Bearer {tablet.latest.access_token}"))
        if isinstance(identity, Identity):
            self.people.logout(identity)
            tablet.ended = True

    @rule(disabled=st.booleans())
    def switch(self, disabled: bool) -> None:
        (self.people.disable if disabled else self.people.enable)("wei")
        self.disabled = disabled

    @rule(n=st.integers(1, 9))
    def change_password(self, n: int) -> None:
        self.password = f"password-{n}"
        self.people.set_password("wei", self.password)
        for tablet in self.held:
            tablet.ended = True

    @rule(minutes=st.integers(1, 30))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def admitted_are_those_who_should_be(self) -> None:
        for tablet in getattr(self, "held", []):
            header = f"Bearer {tablet.latest.access_token}"
            admitted = isinstance(attempt(lambda h=header: self.people.authenticate(h)), Identity)  # type: ignore[misc]
            fresh = self.now < tablet.got_at + LIFE
            assert admitted == (fresh and not (self.disabled or tablet.revoked or tablet.ended))

    @invariant()
    def a_tablet_is_told_exactly_if_it_is_revoked(self) -> None:
        for tablet in getattr(self, "held", []):
            order = self.store.find("inbox-wei", f"device:{tablet.device}")
            assert (order is not None) == tablet.revoked


Tablets.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestTablets = Tablets.TestCase

"""Rotation of refresh tokens: which token is good, which is a thief's, which only came late. Pure.

A tablet gives token T1 and gets T2. If the answer is lost in a basement, the tablet still holds T1, for
hours maybe, and must not be locked out. So T1 stays good until a successor is used for the first time:

    T1 --> T2   lost          offered {T2},      previous T1
    T1 --> T2'  arrives       offered {T2, T2'}, previous T1
    T2' -> T3                 offered {T3},      previous T2'     T1 and T2 are spent

A spent token can come from nobody honest any more, except as a late copy of a request (a proxy's retry, a
second tab), and that only shortly after. Later it means that two hold the same session: *theft*. A successor
handed out for T1 in the meantime is spent like T1, so a thief who took T1 in its long life is found out as
soon as either of the two goes on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from server.people.model import Session
from server.people.tokens import RefreshToken

#: Unused successors kept for one lost answer after another; the oldest is forgotten, no more than that.
MAX_OFFERED = 16

Verdict = Literal["first_use", "lost_answer", "late_copy", "theft", "ended"]


def opened(session_id: str, epoch: int, token: RefreshToken, now: datetime, lifetime: timedelta) -> Session:
    """The session of a sign-in, with its first token (generation 1)."""
    return Session(
        id=session_id,
        epoch=epoch,
        generation=token.generation,
        offered=(token.digest,),
        previous=None,
        rotated_at=now,
        expires_at=now + lifetime,
    )


def judge(session: Session | None, token: RefreshToken, *, now: datetime, grace: timedelta) -> Verdict:
    """What a token that we issued means for the device's session. `ended`: sign in again, nothing is wrong.

    `grace` is how long after a rotation a copy of what it spent is put down to the network. Such a copy is
    refused, not judged.
    """
    if session is None or session.id != token.session:
        return "ended"
    if token.generation >= session.generation:
        known = token.digest in session.offered
        return "first_use" if known and now < session.expires_at else "ended"
    if token.digest == session.previous:
        return "lost_answer" if now < session.expires_at else "ended"
    # The last rotation spent the other successors and the token that they were given for.
    if token.generation >= session.generation - 2 and now - session.rotated_at <= grace:
        return "late_copy"
    return "theft"


def next_generation(session: Session, verdict: Literal["first_use", "lost_answer"]) -> int:
    """The generation that the successor of a token with this verdict belongs to."""
    return session.generation + 1 if verdict == "first_use" else session.generation


def rotated(
    session: Session, used: RefreshToken, successor: RefreshToken, *, now: datetime, lifetime: timedelta
) -> Session:
    """The session after `successor` was handed out for `used`. Each rotation renews the lifetime."""
    expires_at = now + lifetime
    if successor.generation == session.generation:
        offered = (*session.offered, successor.digest)[-MAX_OFFERED:]
        return replace(session, offered=offered, expires_at=expires_at)
    return replace(
        session,
        generation=successor.generation,
        offered=(successor.digest,),
        previous=used.digest,
        rotated_at=now,
        expires_at=expires_at,
    )

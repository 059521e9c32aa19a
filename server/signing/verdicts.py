"""Whether a form is what a device signed, with a key that counted then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from server.signing.canonical import NotCanonical
from server.signing.forms import MEMBER, digest_of, listed, named_photos, named_signatures, signed_bytes
from server.signing.keys import ALGORITHM, PublicKey, verifies

Verdict = Literal["signed", "unsigned", "wrong"]


@dataclass(frozen=True)
class Standing:
    """A key as it stands: whose, and until when. `ended_at`: the tablet took another one, and what it signed
    before holds whenever it arrives. `revoked_at`: nobody may trust it, and what arrives from then on does
    not hold, whatever it says of when it was signed.
    """

    key: PublicKey
    device: str
    user: str
    ended_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class Claim:
    """What a form says of itself: under whose name, on which device, and when it was signed (None: not to be
    read, and the form is returned for that)."""

    by: str
    device: str
    at: datetime | None


@dataclass(frozen=True)
class Checked:
    """`code` says why it is wrong. `digest` (SHA-256, hex) and `kid` are told of what was read."""

    verdict: Verdict
    code: str = ""
    kid: str = ""
    digest: str = ""


def kid_of(form: Mapping[str, Any]) -> str | None:
    """The key that a form names, if it can be one's name."""
    member = form.get(MEMBER)
    kid = member.get("kid") if isinstance(member, Mapping) else None
    return kid if isinstance(kid, str) and len(kid) <= 100 else None


def check(
    form: Mapping[str, Any],
    standing: Standing | None,
    claim: Claim,
    *,
    received_at: datetime,
    tolerance: timedelta = timedelta(),
) -> Checked:
    """Judge a form's own signature. `standing`: the key that it names, None if nobody enrolled it.

    `tolerance` is how far a tablet's clock may be off when its key ended. What the form lists as its evidence
    has to be compared with the evidence besides.
    """
    member = form.get(MEMBER)
    if member is None:
        return Checked("unsigned")
    kid = kid_of(form)
    if kid is None or not isinstance(member, Mapping) or member.get("alg") != ALGORITHM:
        return Checked("wrong", "device_signature_unreadable")
    try:
        data = signed_bytes(form)
    except NotCanonical:
        return Checked("wrong", "device_signature_unreadable", kid)
    digest = digest_of(data)
    if member.get("digest") != digest:
        return Checked("wrong", "device_digest_differs", kid, digest)
    if standing is None:
        return Checked("wrong", "device_key_unknown", kid, digest)
    if not verifies(standing.key, data, member.get("value")):
        return Checked("wrong", "device_signature_false", kid, digest)
    code = _misused(standing, claim, received_at, tolerance) or _incomplete(form)
    return Checked("wrong" if code else "signed", code, kid, digest)


def revoked_before(standing: Standing, received_at: datetime) -> bool:
    """Whether a key counted no more when what it signed arrived."""
    return standing.revoked_at is not None and received_at >= standing.revoked_at


def _misused(standing: Standing, claim: Claim, received_at: datetime, tolerance: timedelta) -> str:
    """Why a key that made this signature does not speak for this form; empty if it does."""
    if claim.device != standing.device:
        return "device_key_of_another_device"
    if claim.by != standing.user:
        return "device_key_of_another_person"
    if revoked_before(standing, received_at):
        return "device_key_revoked"
    if standing.ended_at is not None and claim.at is not None and claim.at > standing.ended_at + tolerance:
        return "device_key_ended"
    return ""


def _incomplete(form: Mapping[str, Any]) -> str:
    """A photo or a signature that the form names and does not list could be another one tomorrow."""
    photos = named_photos(form).keys() - listed(form, "photos").keys()
    signatures = named_signatures(form).keys() - listed(form, "signatures").keys()
    return "device_evidence_incomplete" if photos or signatures else ""

"""Whether the tablets of a form signed it, and whether what it lists is what lies here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from msgspec import structs

from server.casework.proofs import hand_digest
from server.intake.judging import Judged, PhotoFact, is_submitted, signer, submitter
from server.intake.reading import as_mapping
from server.services import Services
from server.signing.canonical import NotCanonical
from server.signing.forms import (
    EVIDENCE,
    MEMBER,
    form_digest,
    listed,
    named_photos,
    named_signatures,
)
from server.signing.verdicts import Claim, check, kid_of
from server.workflow.commands import Accepted, Returned
from server.workflow.model import Case, CodedReason, DeviceSignature, Submission, Task
from server.workflow.vocabulary import MAX_ID, MAX_NAME
from sync.store import Document

#: The setting's word for: what no tablet signed goes back.
_REFUSE = "refuse"
_SIGNATURE = "signature:"


@dataclass(frozen=True)
class HandSignature:
    """A person's signature that is here: its own digest, and that of the form which it says was signed."""

    digest: str | None
    form_digest: str | None


@dataclass(frozen=True)
class Sealed:
    """How the branches of a form were signed, and the people's signatures that they name, by id. `bound`:
    each of these has to say what it was given for."""

    branches: tuple[DeviceSignature, ...]
    hands: Mapping[str, HandSignature]
    bound: bool = False


class Seals:
    """Looks at how forms were signed."""

    def __init__(self, made: Services) -> None:
        self._store = made.store
        self._names = made.names
        self._keys = made.people.device_keys
        self._cases = made.cases
        self._clock = made.clock

    def of(self, case: Case, task: Task, leaves: Sequence[Document]) -> Sealed:
        """What the branches that count were signed with.

        A branch is verified once: what was found then stands, for a key that is revoked today was good when
        its form arrived. One that did not hold is looked at again.
        """
        now = self._clock()
        policy = self._cases.policy(case.organisation)
        database = self._names.forms(case.id)
        # No signature has an id longer than that, and the form is returned for naming one.
        named = sorted({one for leaf in leaves for one in named_signatures(leaf) if len(one) <= MAX_ID})
        found = ((one, self._hand(database, one)) for one in named)
        return Sealed(
            branches=tuple(self._branch(case, task, leaf, now) for leaf in leaves),
            hands={one: hand for one, hand in found if hand is not None},
            bound=policy.unsigned_forms == _REFUSE,
        )

    def _branch(self, case: Case, task: Task, leaf: Document, now: datetime) -> DeviceSignature:
        before = next((one for one in task.submissions if leaf["_rev"] in one.revs), None)
        known = None if before is None else _recorded(before, leaf["_rev"])
        if known is not None and not known.code:
            return known
        received_at = now if before is None else before.received_at
        signed = submitter([leaf])
        device = as_mapping(leaf.get("submitted")).get("device")
        claim = Claim(
            by=signer(leaf) or "",
            device=device[:MAX_NAME] if isinstance(device, str) else "",
            at=None if signed is None else signed.at,
        )
        branch = DeviceSignature(
            rev=leaf["_rev"],
            verdict="draft",
            received_at=received_at,
            device=claim.device,
            by=claim.by,
            signed_at=claim.at,
        )
        if not is_submitted(leaf):
            return branch
        policy = self._cases.rules.at(received_at, case.organisation)
        kid = kid_of(leaf)
        checked = check(
            leaf,
            None if kid is None else self._keys.standing(kid),
            claim,
            received_at=received_at,
            tolerance=timedelta(seconds=policy.clock_future_tolerance_s),
        )
        code = checked.code
        if checked.verdict == "unsigned" and policy.unsigned_forms == _REFUSE:
            code = "device_signature_missing"
        return structs.replace(
            branch, verdict=checked.verdict, code=code, kid=checked.kid, digest=checked.digest
        )

    def _hand(self, database: str, signature: str) -> HandSignature | None:
        """A person's signature that is here; None while it is on its way."""
        document = self._store.find(database, _SIGNATURE + signature)
        if document is None:
            return None
        signed = document.get("form_digest")
        digest = hand_digest(self._store, database, document)
        return HandSignature(digest, signed if isinstance(signed, str) else None)


def held_to(
    judged: Judged, sealed: Sealed, leaves: Sequence[Document], photos: Mapping[str, PhotoFact]
) -> Judged:
    """The judgement of a form, held to what its tablets and its people signed.

    What is signed and does not hold goes back, open for edits, with all its answers: it may be signed again.
    A person's signature that was given for other answers is a flag, for the person may be gone.
    """
    reasons = (*_refused(sealed), *_unlike(sealed, leaves, photos))
    if reasons:
        others = judged.outcome.reasons if isinstance(judged.outcome, Returned) else ()
        return replace(judged, outcome=Returned((*reasons, *others)))
    if not isinstance(judged.outcome, Accepted):
        return judged
    flags = tuple(_given_for_others(sealed, leaves))
    findings = (*judged.outcome.findings, *flags)
    return replace(judged, outcome=structs.replace(judged.outcome, findings=findings)) if flags else judged


def unsealed(document: Document) -> Document:
    """A form that goes back to its tablet, without a signature that holds for other bytes."""
    return {name: value for name, value in document.items() if name not in (MEMBER, EVIDENCE)}


def _recorded(submission: Submission, rev: str) -> DeviceSignature | None:
    return next((one for one in submission.device_signatures if one.rev == rev), None)


def _refused(sealed: Sealed) -> Iterator[CodedReason]:
    for one in sealed.branches:
        if one.code:
            yield CodedReason(None, one.code, {"device": one.device, "by": one.by, "key": one.kid})


def _unlike(
    sealed: Sealed, leaves: Sequence[Document], photos: Mapping[str, PhotoFact]
) -> Iterator[CodedReason]:
    """What lies here and is not what the device signed. What is not here yet is waited for."""
    signed = {one.rev for one in sealed.branches if one.verdict == "signed"}
    told: set[tuple[str, str]] = set()
    for leaf in leaves:
        if leaf["_rev"] not in signed:
            continue
        wanted = listed(leaf, "photos")
        for photo, item in named_photos(leaf).items():
            fact = photos.get(photo)
            if fact is None or fact.sha256 is None or fact.sha256 == wanted.get(photo):
                continue
            if ("photo", item) not in told:
                told.add(("photo", item))
                yield CodedReason(item, "photo_not_as_signed", {"photo": photo})
        wanted = listed(leaf, "signatures")
        for one, item in named_signatures(leaf).items():
            hand = sealed.hands.get(one)
            if hand is not None and hand.digest != wanted.get(one) and ("signature", item) not in told:
                told.add(("signature", item))
                yield CodedReason(item, "signature_not_as_signed", {"signature": one})


def _given_for_others(sealed: Sealed, leaves: Sequence[Document]) -> Iterator[CodedReason]:
    """People's signatures that were given for other answers than stand beside them in any branch."""
    branches = [(named_signatures(leaf), leaf) for leaf in leaves]
    digests: dict[str, str | None] = {}
    for one, hand in sorted(sealed.hands.items()):
        naming = [(named[one], leaf) for named, leaf in branches if one in named]
        item = naming[0][0]
        if hand.form_digest is None:
            if sealed.bound:
                yield CodedReason(item, "signature_unbound", {"signature": one})
            continue
        for _, leaf in naming:
            if leaf["_rev"] not in digests:
                digests[leaf["_rev"]] = _form_digest(leaf)
        if hand.form_digest not in {digests[leaf["_rev"]] for _, leaf in naming}:
            yield CodedReason(item, "signature_over_other_answers", {"signature": one})


def _form_digest(leaf: Document) -> str | None:
    try:
        return form_digest(leaf)
    except NotCanonical:
        return None

"""Takes in photos: bytes against claim, place and limits; a receipt that lets the tablet free its copy."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from geo.coords import CoordinateError, read_fix
from server.casework.cases import SYSTEM
from server.casework.projection import project_photo
from server.casework.renditions import shown_at_once
from server.evidence.header import Refused, read_header
from server.evidence.model import (
    ClaimError,
    ExifFacts,
    PhotoLimits,
    PhotoVerdict,
    Reason,
    claim_from_document,
)
from server.evidence.originals.document import ATTACHMENT, has_original
from server.evidence.renditions import UNSHOWN, Shown
from server.evidence.verify import copy_hashed
from server.intake.judging import ABSENT, PhotoFact
from server.intake.lookalikes import Lookalikes
from server.intake.presence import photo_traces
from server.intake.reading import moment
from server.intake.receipts import told
from server.names import new_id
from server.services import Services
from server.workflow.commands import RecordPhoto
from server.workflow.model import Case, CodedReason
from server.workflow.policy import Policy
from sync.conflicts import find_settled
from sync.store import Conflict, Document, DocumentStore, NewAttachment

log = structlog.get_logger()


def photo_limits(policy: Policy) -> PhotoLimits:
    """The evidence room's limits from the dated settings in force."""
    return PhotoLimits(
        max_bytes=policy.photo_max_bytes,
        max_pixels=policy.photo_max_pixels,
        max_side=policy.photo_max_side,
        time_skew_s=policy.photo_time_skew_s,
        place_skew_m=round(policy.photo_place_skew_m),
        future_s=policy.clock_future_tolerance_s,
    )


def watermark(case: Case, document: Mapping[str, Any], policy: Policy) -> tuple[str, ...]:
    """The lines that a rendition carries, the most telling first: case and item, time, place, person, id.

    Times are of the customers' zone; what the photo's document does not say is left out.
    """
    taken_at = moment(document.get("taken_at"))
    photo_id = str(document["_id"]).removeprefix("photo:")
    return tuple(
        line
        for line in (
            "  ".join(filter(None, (case.no, str(document.get("item") or "")))),
            taken_at.astimezone(ZoneInfo(policy.timezone)).strftime("%Y-%m-%d %H:%M:%S %z")
            if taken_at
            else "",
            place_words(document.get("location")),
            case.customer.address,
            "  ".join(filter(None, (str(document.get("by") or ""), photo_id))),
        )
        if line
    )


def place_words(location: Any) -> str:
    """WGS-84 degrees to about a metre, and the accuracy, as the tablet gave it."""
    try:
        fix = read_fix(location if isinstance(location, Mapping) else {})
    except CoordinateError:
        return ""
    accuracy = "" if fix.accuracy_m is None else f"  ±{round(fix.accuracy_m)} m"
    return f"{fix.position.lat:.5f}, {fix.position.lon:.5f} WGS-84{accuracy}"


def photo_fact(store: DocumentStore, media: str, photo_id: str) -> PhotoFact:
    """What is known of a photo, from its document and its receipt."""
    document = store.find(media, f"photo:{photo_id}")
    if document is None or not has_original(document):
        return ABSENT
    receipt = find_settled(store, media, f"photo-receipt:{photo_id}", merged_verdict)
    taken_at = moment(document.get("taken_at"))
    known = PhotoFact("pending", document.get("sha256"), document.get("task"), document.get("item"), taken_at)
    if receipt is None:
        return known
    return replace(
        known,
        traces=photo_traces(document, receipt),
        status="verified" if receipt["status"] == "verified" else "refused",
        reasons=_coded(receipt["reasons"]),
        flags=_coded(receipt["flags"]),
    )


@dataclass(frozen=True)
class UploadClaim:
    """Who adds a photo from the office or by a link, and for what."""

    by: str
    purpose: str
    device: str = "office"


class PhotoRefused(Exception):
    """An uploaded photo that is not kept, and why."""

    def __init__(self, reasons: tuple[CodedReason, ...]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = reasons


class PhotoIdTaken(Exception):
    """Another photo of the case has this id."""


class Photos:
    """Photo documents of every case."""

    def __init__(self, made: Services) -> None:
        self._store = made.store
        self._names = made.names
        self._cases = made.cases
        self._readmodel = made.readmodel
        self._originals = made.originals
        self._workers = made.photo_workers
        self._clock = made.clock
        self._data_dir = made.settings.data_dir
        self._lookalikes = Lookalikes(made)

    def take(self, case_id: str, photo_id: str) -> str | None:
        """Verify a photo and write its receipt; returns the task it belongs to, None if it is not whole yet.

        A photo is immutable, so one that has its receipt is only recorded again.
        """
        from server.intake.forms import site_fence  # noqa: PLC0415  forms needs photo_fact of this module

        media = self._names.media(case_id)
        document = self._store.find(media, f"photo:{photo_id}")
        if document is None or not has_original(document):
            return None
        case = self._cases.load(case_id).case
        receipt = find_settled(self._store, media, f"photo-receipt:{photo_id}", merged_verdict)
        if receipt is None:
            policy = self._cases.policy(case.organisation)
            verdict = self._verify(case, document, policy, site_fence(case, policy))
            receipt = self._write_once(media, self._receipt(document, verdict))
        self._tell(case, document, receipt)
        self._compare()
        task = document.get("task")
        return task if isinstance(task, str) else None

    def add(self, case: Case, path: Path, claim: UploadClaim, photo_id: str | None = None) -> dict[str, Any]:
        """Verify a file and keep it as a photo of the case, with its receipt; returns its row.

        With an id that the case has already, the same file for the same purpose ends what was begun, or finds
        it done. Raises PhotoIdTaken for another, PhotoRefused, and then nothing was kept.
        """
        now = self._clock()
        policy = self._cases.policy(case.organisation)
        with path.open("rb") as file:
            sha256, _ = copy_hashed(file, None, policy.photo_max_bytes)
            try:
                header = read_header(file)
            except Refused as refused:
                raise PhotoRefused((_reason(refused.reason),)) from None
        if sha256 is None:
            limit = {"limit": policy.photo_max_bytes}
            raise PhotoRefused((CodedReason(None, "photo_too_many_bytes", limit),))
        media = self._names.media(case.id)
        document: Document = {
            "_id": f"photo:{photo_id or new_id()}",
            "type": "photo",
            "schema": 1,
            "task": "",
            "item": claim.purpose,
            "taken_at": now.isoformat(),
            "sha256": sha256,
            "width": header.width,
            "height": header.height,
            "device": claim.device,
            "by": claim.by,
        }
        begun = None if photo_id is None else self._store.find(media, document["_id"])
        if begun is not None:
            if any(begun.get(name) != document[name] for name in ("sha256", "item", "by")):
                raise PhotoIdTaken(document["_id"])
            document = begun
        verdict = self._workers.verify(
            path,
            claim_from_document(document),
            limits=photo_limits(policy),
            received_at=now,
            shown=self._shown(case, document, policy, sha256),
        )
        if not verdict.ok:
            raise PhotoRefused(tuple(map(_reason, verdict.reasons)))
        # The receipt first: as soon as its bytes are there, the worker would judge a photo without one.
        receipt = self._write_once(media, self._receipt(document, verdict))
        if not has_original(document):
            rev = document["_rev"] if begun is not None else self._store.put(media, document)
            with path.open("rb") as file:
                content_type = f"image/{(verdict.format or 'jpeg').lower()}"
                self._store.put_attachment(
                    media, document["_id"], rev, NewAttachment(ATTACHMENT, content_type, file)
                )
        return self._tell(case, document, receipt)

    def _verify(self, case: Case, document: Document, policy: Policy, fence: Any) -> PhotoVerdict:
        try:
            claim = claim_from_document(document)
        except ClaimError as error:
            return PhotoVerdict(ok=False, reasons=(Reason(error.code, error.params),))
        media = self._names.media(case.id)
        with self._originals.find(media, document["_id"]) as original:
            return self._workers.verify(
                original.open(),
                claim,
                limits=photo_limits(policy),
                received_at=self._clock(),
                fence=fence,
                shown=self._shown(case, document, policy, claim.sha256),
            )

    def _shown(self, case: Case, document: Document, policy: Policy, sha256: str) -> Shown:
        """The renditions that come with the verdict, which costs no second decoding."""
        try:
            return shown_at_once(self._data_dir, sha256, watermark(case, document, policy))
        except OSError:
            # A full disk is no reason to leave a photo unjudged.
            log.exception("no_folder_for_renditions")
            return UNSHOWN

    def _write_once(self, media: str, receipt: Document) -> Document:
        """The receipt that stands: this one, unless another process was first."""
        try:
            self._store.put(media, receipt)
        except Conflict:
            return self._store.get(media, receipt["_id"])
        return receipt

    def _receipt(self, document: Document, verdict: PhotoVerdict) -> Document:
        exif = verdict.exif
        return {
            "_id": f"photo-receipt:{photo_id_of(document)}",
            "type": "photo-receipt",
            "schema": 1,
            "photo": photo_id_of(document),
            "status": "verified" if verdict.ok else "refused",
            "reasons": told(map(_reason, verdict.reasons)),
            "flags": told(map(_reason, verdict.flags)),
            "sha256": verdict.sha256,
            "format": verdict.format,
            "width": verdict.width,
            "height": verdict.height,
            "bytes": verdict.bytes,
            "look": b64encode(verdict.look).decode() if verdict.ok and verdict.look else None,
            "exif_taken_at": exif.taken_at.isoformat() if exif and exif.taken_at else None,
            "exif_location": exif_location(exif),
            "at": self._clock().isoformat(),
        }

    def _compare(self) -> None:
        """Find what the photos that have come look like. It decides nothing, so its failure stops nothing."""
        try:
            self._lookalikes.compare()
        except Exception:
            log.exception("photos_not_compared")

    def _tell(self, case: Case, document: Document, receipt: Mapping[str, Any]) -> dict[str, Any]:
        photo_id = photo_id_of(document)
        row = project_photo(self._readmodel, case.id, document, receipt)
        if photo_id in case.photos:
            reasons = receipt["reasons"]
            command = RecordPhoto(
                photo_id=photo_id,
                verified=receipt["status"] == "verified",
                sha256=document.get("sha256"),
                reason=reasons[0]["code"] if reasons else "",
            )
            self._cases.apply(case.id, command, SYSTEM)
        return row


def merged_verdict(leaves: Sequence[Document]) -> Document:
    """Of photo receipts written in two places at once: verified beats refused, the earlier beats the later.

    Verified bytes do not change, and a tablet that read the receipt may have let go of its copy.
    """
    return min(leaves, key=lambda one: (one["status"] != "verified", str(one["at"]), str(one["sha256"])))


def exif_location(exif: ExifFacts | None) -> dict[str, Any] | None:
    """Where the camera wrote that it was, as positions are told everywhere; None if it did not."""
    if exif is None or exif.position is None:
        return None
    place: dict[str, Any] = {"lon": exif.position.lon, "lat": exif.position.lat, "datum": "wgs84"}
    return place if exif.gps_at is None else {**place, "at": exif.gps_at.isoformat()}


def photo_id_of(document: Document) -> str:
    return str(document["_id"]).removeprefix("photo:")


def _reason(reason: Reason) -> CodedReason:
    return CodedReason(None, reason.code, reason.params)


def _coded(rows: Any) -> tuple[CodedReason, ...]:
    return tuple(CodedReason(row["item"], row["code"], row["params"]) for row in rows)

"""Fetches what papers print beside the case: photos as files, signatures as drawings, names of people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from server.api.renditions import rendition
from server.casework.cases import SYSTEM
from server.evidence.originals.bucket import OriginalsUnreachable
from server.intake.forms import SIGNATURE, Forms
from server.intake.judging import visit_of
from server.intake.photos import photo_fact
from server.intake.reading import as_mapping, moment
from server.problems import Problem
from server.reports.beside import Beside, Shot, Signed, chosen, drawn
from server.reports.inspection import Found
from server.reports.wording import Printed, Wording, languages
from server.services import services
from server.texts import text
from server.workflow.model import Case, Task
from sync.store import BytesMissing, Document

__all__ = ["Gathered", "found", "gather", "signatures_of", "wording"]

#: Characters of a photo's SHA-256 that its file is called by within a paper.
_NAME_DIGITS = 32


@dataclass(frozen=True)
class Gathered:
    """What lies beside a case, and the files of the photos by the name that the paper has for them."""

    beside: Beside = field(default_factory=Beside)
    images: dict[str, Path] = field(default_factory=dict)


def wording(organisation: str, printed: Printed) -> Wording:
    """How a paper of an organisation speaks: in its time, with the names that people are known by."""

    @cache
    def name_of(account: str) -> str:
        if account == SYSTEM.name:
            return text("paper.system", languages(printed)[0])
        try:
            return services().people.user(account).display_name or account
        except Problem:
            # Outsiders sign by their own name, and an account may be gone.
            return account

    policy = services().cases.policy(organisation)
    return Wording(printed, policy.timezone, name_of, policy.name_of)


def gather(
    case: Case, photos: Iterable[tuple[str, Sequence[str]]], signatures: Iterable[str] = ()
) -> Gathered:
    """Photos by item as far as they are printed, and signatures by id."""
    made = services()
    media, forms = made.names.media(case.id), made.names.forms(case.id)
    wanted = list(dict.fromkeys(photo for _, kept, _ in chosen(photos) for photo in kept))
    documents = _by_id(made.store.all_docs(media, keys=[f"photo:{photo}" for photo in wanted]))
    shots: dict[str, Shot] = {}
    images: dict[str, Path] = {}
    for photo in wanted:
        shots[photo] = _shot(case, photo, documents.get(f"photo:{photo}", {}), images)
    named = {one: SIGNATURE + one.removeprefix(SIGNATURE) for one in signatures}
    signed = _by_id(made.store.all_docs(forms, keys=sorted(set(named.values()))))
    drawings = {one: _signed(signed[document]) for one, document in named.items() if document in signed}
    return Gathered(Beside(shots, drawings), images)


def _shot(case: Case, photo: str, document: Document, images: dict[str, Path]) -> Shot:
    made = services()
    fact = photo_fact(made.store, made.names.media(case.id), photo)
    by = str(document.get("by") or "")
    if fact.status != "verified" or fact.sha256 is None:
        return Shot(None, fact.status, fact.taken_at, by)
    try:
        path = rendition(case, photo, fact.sha256, "paper")
    except Problem:
        return Shot(None, "refused", fact.taken_at, by)
    except (OriginalsUnreachable, BytesMissing):
        return Shot(None, "unavailable", fact.taken_at, by)
    name = f"{fact.sha256[:_NAME_DIGITS]}.jpg"
    images[name] = path
    return Shot(name, "verified", fact.taken_at, by)


def _signed(document: Document) -> Signed:
    at = moment(document.get("at"))
    return Signed(str(document.get("signer") or ""), at, drawn(document.get("strokes")))


def _by_id(documents: Iterable[Document]) -> dict[str, Document]:
    return {document["_id"]: document for document in documents}


def found(case: Case, task: Task) -> Found | None:
    """A task's form as it is judged now; None while nothing was handed in that could be judged."""
    forms = Forms(services())
    counted = forms.counted(case, task)
    judged = forms.judge(case, task, counted) if counted else None
    if judged is None or judged.merged is None or judged.judgement is None or judged.rules is None:
        return None
    return Found(
        definition=judged.rules.definition,
        answers=judged.merged.answers,
        items=judged.judgement.items,
        superseded={code: tuple(others) for code, others in judged.merged.superseded.items()},
        visit=_visit(visit_of(counted)),
        limits=judged.rules.limits,
    )


def _visit(seconds: dict[str, float]) -> tuple[datetime, datetime] | None:
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds["start"], UTC), datetime.fromtimestamp(seconds["end"], UTC)


def signatures_of(form: Found) -> list[str]:
    """The signatures that a form names."""
    signed: list[Any] = [item.value for item in form.shown if item.type == "signature"]
    entries = (entry for value in signed if isinstance(value, list) for entry in value)
    return [str(as_mapping(entry).get("signature")) for entry in entries]

"""What one form comes to: a function of its branches, its photos and its case. No I/O, no clock.

A form may have several branches: two inspectors filled it in offline. All of them are merged item by item
before anything is judged, so the result never depends on which arrived first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from checklists.answers import Problem
from checklists.evaluate import ItemJudgement, Judgement, evaluate
from checklists.lines import compared_among
from checklists.merge import Merged, merge
from checklists.model import Definition
from checklists.model import Text as ChecklistText
from geo.fence import SiteFence
from server.intake.presence import Trace, attendance_rules, presence_of, presence_report
from server.intake.reading import as_mapping, moment, shortened
from server.library.shelf import Rules
from server.workflow.closing import after_photos_wanted
from server.workflow.commands import Accepted, AwaitingPhotos, Outcome, Returned
from server.workflow.model import Case, CodedReason, ItemResult, PhotoRef, Presence, Task, Text
from server.workflow.policy import Policy
from server.workflow.vocabulary import MAX_ID, MAX_NAME, SETTLED_TASKS
from sync.store import Document

PhotoStatus = Literal["absent", "pending", "verified", "refused"]


@dataclass(frozen=True)
class PhotoFact:
    """What is known of a photo that a form names: not here yet, here and unjudged, or judged. `traces` are
    where its tablet and its camera say that it was taken."""

    status: PhotoStatus
    sha256: str | None = None
    task: str | None = None
    item: str | None = None
    taken_at: datetime | None = None
    reasons: tuple[CodedReason, ...] = ()
    flags: tuple[CodedReason, ...] = ()
    traces: tuple[Trace, ...] = ()


ABSENT = PhotoFact("absent")


@dataclass(frozen=True)
class Submitter:
    """Who signed the form, when by the device's clock set right, and on which device."""

    by: str
    at: datetime
    device: str


@dataclass(frozen=True)
class Judged:
    """The outcome, and what led to it."""

    outcome: Outcome
    merged: Merged | None = None
    judgement: Judgement | None = None
    rules: Rules | None = None


@dataclass(frozen=True)
class Evidence:
    """What lies beside the form: photos by id, ids of signatures, where the site is, when it arrived, the
    tracks of the case, and the settings on the day of the visit that presence is judged by."""

    photos: Mapping[str, PhotoFact]
    signatures: Collection[str]
    fence: SiteFence | None
    received_at: datetime
    #: Answers of the inspection that a re-inspection repeats, for rules that compare items.
    context: Mapping[str, Any] = field(default_factory=dict)
    tracks: Sequence[Document] = ()
    on_the_day: Policy | None = None


def case_facts(case: Case) -> dict[str, Any]:
    """The facts that conditions of a checklist may ask for: those settled, and what the supply says."""
    settled = {name: fact.value for name, fact in case.facts.items() if fact.value is not None}
    return {
        **settled,
        "capacity_kva": case.supply.capacity_kva + (case.supply.existing_kva or 0.0),
        "voltage_kv": case.supply.voltage_kv,
    }


def is_submitted(leaf: Document) -> bool:
    return leaf.get("status") == "submitted" and not leaf.get("_deleted")


def admitted(task: Task, leaf: Document, admitted_revs: Collection[str]) -> bool:
    """Whether a branch counts for this task: work of its assignees, or accepted out of quarantine.

    A draft has no signature; it counts if every answer in it is an assignee's.
    """
    if leaf.get("_deleted"):
        return False
    if leaf["_rev"] in admitted_revs:
        return True
    if is_submitted(leaf):
        return _submitted(leaf).get("by") in task.assignees
    answers = as_mapping(leaf.get("answers"))
    return all(as_mapping(answer).get("by") in task.assignees for answer in answers.values())


def submitter(leaves: Sequence[Document]) -> Submitter | None:
    """The first signature among the submitted branches, by time, then name; None if no time can be read."""
    found = []
    for leaf in filter(is_submitted, leaves):
        signed = _submitted(leaf)
        by, at = signer(leaf), _corrected(signed)
        if at is not None and by is not None:
            found.append(Submitter(by, at, str(signed.get("device") or "")))
    return min(found, key=lambda one: (one.at, one.by), default=None)


def judge_form(
    case: Case,
    task: Task,
    definition: Definition | None,
    leaves: Sequence[Document],
    evidence: Evidence,
    policy: Policy,
) -> Judged:
    """Judge the merged branches of a form to the task's checklist.

    `definition` is None where the task's own version is not in the library. Never raises for what a tablet
    sent: whatever cannot be read is a reason to return the form.
    """
    refused = tuple(_refusals(task, definition, leaves, evidence, policy))
    if refused or definition is None:
        return Judged(Returned(refused))
    facts, visit, taken = case_facts(case), visit_of(leaves), _photo_times(evidence)
    branches = [as_mapping(leaf.get("answers")) for leaf in leaves]
    merged = merge(definition, facts, branches, visit=visit, photos=taken)
    judgement = evaluate(
        definition,
        facts,
        merged.answers,
        only=task.items,
        context=evidence.context,
        superseded=merged.superseded,
        visit=visit,
        photos=taken,
    )
    awaited = dict.fromkeys(photo for problem in judgement.problems for photo in _awaited(problem, evidence))
    reasons = (
        *_problems(judgement, evidence),
        *_signature_refusals(judgement),
        *_photo_refusals(task, judgement, evidence, policy),
        *_after_photos_missing(case, task, judgement, policy),
    )
    if reasons:
        return Judged(Returned(_readable(reasons, policy)), merged, judgement)
    missing = tuple(
        photo
        for photo in dict.fromkeys((*judgement.photo_ids, *awaited))
        if evidence.photos.get(photo, ABSENT).status in {"absent", "pending"}
    )
    # Documents of one push become visible in any order, on a cluster: a form may be here before them.
    unsigned = tuple(one for one in judgement.signature_ids if one not in evidence.signatures)
    if missing or unsigned:
        return Judged(AwaitingPhotos(missing, unsigned), merged, judgement)
    outcome = Accepted(
        items=tuple(item_result(item) for item in judgement.items if item.shown),
        photos=tuple(
            PhotoRef(photo, evidence.photos[photo].sha256, verified=True) for photo in judgement.photo_ids
        ),
        superseded=merged.superseded,
        findings=tuple(_findings(judgement, evidence)),
        presence=_presence(definition, leaves, merged, judgement, evidence, policy),
    )
    return Judged(outcome, merged, judgement)


def _readable(reasons: tuple[CodedReason, ...], policy: Policy) -> tuple[CodedReason, ...]:
    """No more reasons than a form can have answers: the case keeps them, and a list of entries may break
    many."""
    left = len(reasons) - policy.max_answers
    if left <= 0:
        return reasons
    return (*reasons[: policy.max_answers], CodedReason(None, "more_reasons", {"more": left}))


def item_result(item: ItemJudgement) -> ItemResult:
    """A judged item in the workflow's words."""
    return ItemResult(
        code=item.code,
        verdict=item.verdict,
        severity=item.severity,
        text=_text(item.text),
        remedy=_text(item.remedy),
        reason=_text(item.reason),
        value=item.value,
        unit=item.unit,
        note=shortened(item.note or ""),
        photos=item.photos,
        by=item.by or "",
        at=moment(item.at),
        source=item.source,
        certainty=item.certainty,
    )


def _refusals(
    task: Task,
    definition: Definition | None,
    leaves: Sequence[Document],
    evidence: Evidence,
    policy: Policy,
) -> Iterator[CodedReason]:
    """What makes a form unfit to be judged at all."""
    if definition is None:
        params = {"wanted": f"{task.checklist.id}@{task.checklist.version}"}
        yield CodedReason(None, "checklist_unknown", params)
    for leaf in leaves:
        named = as_mapping(leaf.get("checklist"))
        if (named.get("id"), named.get("version")) != (task.checklist.id, task.checklist.version):
            params = {
                "sent": f"{named.get('id')}@{named.get('version')}",
                "wanted": f"{task.checklist.id}@{task.checklist.version}",
            }
            yield CodedReason(None, "checklist_mismatch", params)
        answers = leaf.get("answers")
        if not isinstance(answers, Mapping):
            yield CodedReason(None, "answers_unreadable")
        elif len(answers) > policy.max_answers:
            yield CodedReason(None, "too_many_answers", {"have": len(answers), "max": policy.max_answers})
        if is_submitted(leaf):
            yield from _clock_refusals(task, leaf, evidence.received_at, policy)


def _clock_refusals(
    task: Task, leaf: Document, received_at: datetime, policy: Policy
) -> Iterator[CodedReason]:
    """A form cannot be signed after it arrived, or before its task existed: then the clock is wrong."""
    at = _corrected(_submitted(leaf))
    if at is None:
        yield CodedReason(None, "submitted_time_unreadable")
        return
    tolerance = timedelta(seconds=policy.clock_future_tolerance_s)
    if at > received_at + tolerance:
        yield CodedReason(
            None, "clock_ahead", {"signed": at.isoformat(), "received": received_at.isoformat()}
        )
    elif at < task.created_at - tolerance:
        yield CodedReason(
            None, "clock_behind", {"signed": at.isoformat(), "assigned": task.created_at.isoformat()}
        )


def visit_of(leaves: Sequence[Document]) -> dict[str, float]:
    """When a form was filled in: from the first answer of any branch, or when its tablet says that it was
    begun, to the last signature, in seconds since 1970; empty if no times can be read.

    By the tablets' own clocks, as their answers and photos are: only so can these be compared. Whether the
    clock was right is asked where the form is signed.
    """
    answers = (answer for leaf in leaves for answer in as_mapping(leaf.get("answers")).values())
    begun = [moment(leaf.get("started")) for leaf in leaves]
    begun += [moment(as_mapping(answer).get("at")) for answer in answers]
    signed = [moment(_submitted(leaf).get("at")) for leaf in leaves if is_submitted(leaf)]
    ends = [one.timestamp() for one in signed if one is not None]
    starts = [one.timestamp() for one in begun if one is not None] or ends
    return {"start": min(starts), "end": max(ends)} if ends else {}


def _photo_times(evidence: Evidence) -> dict[str, dict[str, float]]:
    """When each photo that is here was taken, by the clock of its tablet."""
    return {
        photo: {"taken_at": fact.taken_at.timestamp()}
        for photo, fact in evidence.photos.items()
        if fact.taken_at is not None
    }


def _awaited(problem: Problem, evidence: Evidence) -> tuple[str, ...]:
    """The photos that a rule waits for, if nothing but photos on their way keeps it open."""
    params = problem.params
    photos = tuple(params.get("photos", ()))
    if params.get("facts") or params.get("answers"):
        return ()
    on_their_way = all(
        evidence.photos.get(photo, ABSENT).status == "absent" and len(photo) <= MAX_ID for photo in photos
    )
    return photos if on_their_way else ()


def _problems(judgement: Judgement, evidence: Evidence) -> Iterator[CodedReason]:
    for problem in judgement.problems:
        if not _awaited(problem, evidence):
            yield CodedReason(problem.item, problem.code, problem.params)


def _signature_refusals(judgement: Judgement) -> Iterator[CodedReason]:
    """No signature has an id that long, so none needs to be waited for."""
    if any(len(signature) > MAX_ID for signature in judgement.signature_ids):
        yield CodedReason(None, "too_long", {"field": "signature", "limit": MAX_ID})


def _photo_refusals(
    task: Task, judgement: Judgement, evidence: Evidence, policy: Policy
) -> Iterator[CodedReason]:
    for item in judgement.items:
        if len(item.photos) > policy.max_photos_per_item:
            params = {"have": len(item.photos), "max": policy.max_photos_per_item}
            yield CodedReason(item.code, "too_many_photos", params)
        for photo in item.photos:
            if len(photo) > MAX_ID:
                yield CodedReason(item.code, "too_long", {"field": "photos", "limit": MAX_ID})
                continue
            fact = evidence.photos.get(photo, ABSENT)
            if fact.status == "refused":
                for reason in fact.reasons:
                    yield CodedReason(item.code, reason.code, {**reason.params, "photo": photo})
            elif fact.status == "verified" and (fact.task, fact.item) != (task.id, item.code):
                yield CodedReason(item.code, "photo_of_another_item", {"photo": photo, "item": fact.item})


def _after_photos_missing(
    case: Case, task: Task, judgement: Judgement, policy: Policy
) -> Iterator[CodedReason]:
    """What is good again is shown, while the one who saw it can still take the photo."""
    if task.status in SETTLED_TASKS:
        return
    wanted = after_photos_wanted(case, task, policy)
    for item in judgement.items:
        if item.code in wanted and item.verdict in {"pass", "warning"} and not item.photos:
            yield CodedReason(item.code, "after_photo_missing")


def _findings(judgement: Judgement, evidence: Evidence) -> Iterator[CodedReason]:
    """Flags of photos: never a veto."""
    for item in judgement.items:
        for photo in item.photos:
            for flag in evidence.photos[photo].flags:
                yield CodedReason(item.code, flag.code, {**flag.params, "photo": photo})


def _presence(
    definition: Definition,
    leaves: Sequence[Document],
    merged: Merged,
    judgement: Judgement,
    evidence: Evidence,
    policy: Policy,
) -> Presence | None:
    """Whether the answers that stand were given on site; None where the site cannot be placed."""
    if evidence.fence is None:
        return None
    rules = attendance_rules(evidence.on_the_day or policy)
    traces = {photo: fact.traces for photo, fact in evidence.photos.items()}
    report = presence_report(leaves, evidence.tracks, traces, evidence.fence, rules)
    compared = {
        item.code: compared_among(definition, item.code, merged.answers)
        for item in judgement.items
        if item.type == "rule"
    }
    shown = (item.code for item in judgement.items if item.shown)
    return presence_of(report, merged.answers, shown, compared)


def signer(leaf: Document) -> str | None:
    """The name under a submitted form, if it can be one."""
    by = _submitted(leaf).get("by")
    return by if isinstance(by, str) and 0 < len(by) <= MAX_NAME else None


def _submitted(leaf: Document) -> Mapping[str, Any]:
    return as_mapping(leaf.get("submitted"))


def _corrected(signed: Mapping[str, Any]) -> datetime | None:
    """When the form was signed: the device's time, less how far its clock was ahead at the last contact."""
    at = moment(signed.get("at"))
    skew = signed.get("clock_skew_ms", 0)
    if at is None or isinstance(skew, bool) or not isinstance(skew, int | float):
        return None
    try:
        return at - timedelta(milliseconds=skew)
    except (OverflowError, ValueError):
        return None


def _text(words: ChecklistText) -> Text:
    return Text(zh=shortened(words.zh), en=shortened(words.en))

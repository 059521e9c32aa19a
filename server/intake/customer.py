"""The customer's door: who holds a link that holds, and what comes in by it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from server.casework.cases import Loaded
from server.intake.photos import Photos, UploadClaim
from server.names import new_id
from server.people.links import read_link_token
from server.services import Services
from server.workflow import commands as c
from server.workflow.aftercare import Score
from server.workflow.customer import (
    Link,
    acts_of_customer,
    customer_by,
    require_measure,
    require_room_for_photos,
)
from server.workflow.decide import decide
from server.workflow.model import Actor, Case, ItemAnswer, LogEntry, PhotoRef
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import Id, Moment, Reason, Words
from sync.store import NotFound

_AGREES = "customer-agrees-time"
_Number = Annotated[int, Meta(ge=0)]


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """What is said to one item; `photos` are the places, from 0, of those that came along."""

    text: Words = ""
    photos: tuple[_Number, ...] = ()


class Answer(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="answer"):
    """An answer to a notice, by the codes of its items."""

    notice: Annotated[int, Meta(ge=1)]
    items: Annotated[Mapping[Id, Item], Meta(min_length=1, max_length=500)]
    answered_by: Annotated[str, Meta(max_length=200)] = ""
    text: Words = ""


class Wish(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="wish"):
    """A time asked for: for a task, by its id, or for the `energization`."""

    about: Id
    at: Moment
    note: Words = ""


class Agree(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="agree"):
    """The energization may take place at this time: the customer is ready, and will be there."""

    at: Moment
    note: Words = ""


class Receive(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="receive"):
    """The notice is here and was opened: that is its delivery."""

    notice: Annotated[int, Meta(ge=1)]


class Accept(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="accept"):
    """The notice is taken as it is."""

    notice: Annotated[int, Meta(ge=1)]


class DisputeItems(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="dispute"):
    """These items are no defects, or less grave."""

    notice: Annotated[int, Meta(ge=1)]
    items: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=500)]
    reason: Reason


class State(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="dates"):
    """The days by which critical items will be mended."""

    notice: Annotated[int, Meta(ge=1)]
    dates: Annotated[Mapping[Id, date], Meta(min_length=1, max_length=500)]


OnNotice = Receive | Accept | DisputeItems | State


class Rate(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="rate"):
    """How the customer was served; of several ratings the last counts."""

    score: Score
    words: Words = ""


Act = Answer | Wish | Agree | Rate | OnNotice


class PhotosNotNamed(Exception):
    """Photos that came and belong to no item, or that an item names and did not come: their places."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(", ".join(map(str, numbers)))


@dataclass(frozen=True)
class Visit:
    """Somebody with a link that holds, and the case as it stands."""

    known: Loaded
    link: Link

    @property
    def actor(self) -> Actor:
        return Actor(customer_by(self.link.id), ("customer",))


class CustomerDoor:
    """Who comes by a link, and what they do."""

    def __init__(self, made: Services) -> None:
        self._made = made
        self._photos = Photos(made)

    def visit(self, token: str) -> Visit | None:
        """The case of a link that holds now; None, whatever it is that is wrong."""
        read = read_link_token(self._made.people.keyring, token)
        if read is None:
            return None
        try:
            known = self._made.cases.load(read.case)
        except NotFound:
            return None
        link = known.case.links.get(read.link)
        return Visit(known, link) if link is not None and link.holds(self._made.clock()) else None

    def act(self, visit: Visit, act: Act, photos: Sequence[Path]) -> tuple[Loaded, LogEntry]:
        """Do what the customer wants; the case as it is then, and the entry to give a receipt for.

        The same again changes nothing and finds the same entry. Raises Refusal, PhotosNotNamed, PhotoRefused.
        """
        case, now = visit.known.case, self._made.clock()
        before = self._same(visit, act, photos)
        if before is not None:
            return visit.known, before
        policy = self._made.cases.policy(case.organisation)
        require_measure(case, now, policy)
        if isinstance(act, Answer):
            self._require_sense(visit, act, photos)
            require_room_for_photos(case, len(photos), policy)
            kept = [self._keep(visit, path, act.notice) for path in photos]
            command: c.Command = _answer(case, act, kept)
        elif photos:
            raise PhotosNotNamed(range(len(photos)))
        elif isinstance(act, OnNotice):
            return self._on_notice(visit, act)
        elif isinstance(act, Wish):
            command = c.WishAppointment(wish_id=new_id(), about=act.about, at=act.at, note=act.note)
        elif isinstance(act, Rate):
            command = c.RateService(rating_id=new_id(), score=act.score, words=act.words)
        else:
            evidence = f"{act.at.isoformat()} · {visit.link.id}"
            command = c.RecordEntry(gate=_AGREES, status="met", evidence=evidence, note=act.note)
        done = self._made.cases.apply(case.id, command, visit.actor)
        return done, done.events[0] if done.events else _latest(done.case, visit.actor)

    def _on_notice(self, visit: Visit, act: OnNotice) -> tuple[Loaded, LogEntry]:
        """What is said to a notice beside an answer. What was said before, here or on paper, is found."""
        case = visit.known.case
        notice = case.notices.get(act.notice)
        if notice is None or not notice.issues:
            raise Refusal("notice_unknown", {"n": act.notice}, kind="not_found")
        command, event = _said_to_notice(case, act)
        done = self._made.cases.apply(case.id, command, visit.actor)
        if done.events:
            return done, done.events[0]
        about = [one for one in done.case.log if one.event == event and one.data["n"] == act.notice]
        return done, about[-1]

    def _require_sense(self, visit: Visit, act: Answer, photos: Sequence[Path]) -> None:
        """Refuse, before any photo is kept, what the case would refuse; and photos that belong to no item."""
        named = {number for item in act.items.values() for number in item.photos}
        wrong = sorted(named ^ set(range(len(photos))))
        if wrong:
            raise PhotosNotNamed(wrong)
        case = visit.known.case
        promised = [PhotoRef(f"promised-{number}") for number in range(len(photos))]
        decide(
            case,
            _answer(case, act, promised),
            now=self._made.clock(),
            actor=visit.actor,
            policy=self._made.cases.policy(case.organisation),
        )

    def _keep(self, visit: Visit, path: Path, notice: int) -> PhotoRef:
        claim = UploadClaim(visit.actor.name, f"notice:{notice}", device="link")
        row = self._photos.add(visit.known.case, path, claim)
        return PhotoRef(row["id"], row["sha256"], verified=row["status"] == "verified")

    def _same(self, visit: Visit, act: Act, photos: Sequence[Path]) -> LogEntry | None:
        """The entry of the same act, if it was the last of its kind: an answer to it was lost on the way."""
        case, name = visit.known.case, visit.actor.name
        if isinstance(act, Wish):
            about = [wish for wish in case.wishes.values() if wish.about == act.about]
            same = bool(about) and (about[-1].at, about[-1].note, about[-1].wished_by) == (
                act.at.astimezone(about[-1].at.tzinfo),
                act.note,
                name,
            )
            return _latest(case, visit.actor, "appointment_wished") if same else None
        if isinstance(act, Rate):
            rated = list(case.ratings.values())[-1:]
            same = [(one.score, one.words, one.recorded_by) for one in rated] == [
                (act.score, act.words, name)
            ]
            return _latest(case, visit.actor, "service_rated") if same else None
        notice = case.notices.get(act.notice) if isinstance(act, Answer) else None
        if not isinstance(act, Answer) or notice is None or not notice.answers:
            return None
        last = notice.answers[-1]
        if last.recorded_by != name or last.text != act.text or last.items.keys() != act.items.keys():
            return None
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in photos]
        for code, item in act.items.items():
            if not _is_same(case, last.items[code], item, digests):
                return None
        return _latest(case, visit.actor, "notice_answered")


def _is_same(case: Case, before: ItemAnswer, item: Item, digests: Sequence[str]) -> bool:
    known = Counter(case.photos[photo].sha256 for photo in before.photos if photo in case.photos)
    sent = Counter(digests[number] for number in item.photos if number < len(digests))
    return before.text == item.text and known == sent


def _answer(case: Case, act: Answer, photos: Sequence[PhotoRef]) -> c.AnswerNotice:
    return c.AnswerNotice(
        n=act.notice,
        items={
            code: c.AnsweredItem(item.text, tuple(photos[number] for number in dict.fromkeys(item.photos)))
            for code, item in act.items.items()
        },
        answered_by=act.answered_by.strip() or case.customer.name,
        text=act.text,
    )


def _said_to_notice(case: Case, act: OnNotice) -> tuple[c.Command, str]:
    """The command, and the event that tells of it."""
    n, name = act.notice, case.customer.name
    match act:
        case Receive():
            return c.DeliverNotice(n=n, mode="electronic", received_by=name), "notice_delivered"
        case Accept():
            return c.AcceptNotice(n=n, accepted_by=name), "notice_accepted"
        case DisputeItems():
            command = c.DisputeNotice(n=n, items=act.items, reason=act.reason, disputed_by=name)
            return command, "notice_disputed"
        case State():
            return c.StateDates(n=n, dates=act.dates, stated_by=name), "dates_stated"


def _latest(case: Case, actor: Actor, event: str | None = None) -> LogEntry:
    """The last entry that tells of an act of this actor. Raises LookupError."""
    for entry in reversed(list(acts_of_customer(case))):
        if entry.actor == actor.name and event in {None, entry.event}:
            return entry
    raise LookupError(event)

"""Duties in the inboxes of those who owe them: there from their first day on, gone once they are done.

A duty has one document in an inbox, whatever becomes of its day meanwhile, so nobody is told of it twice. Who
is away keeps his, and his substitute has them as well; what somebody owed who works here no more is the
administrators'.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from server.casework.absences import Absences
from server.casework.inbox import write_if_changed
from server.problems import Problem
from server.readmodel.surroundings import duties_since
from server.texts import both
from server.workflow.approvals.values import Absence
from server.workflow.duties import Duty, duties
from server.workflow.model import Case
from sync.store import Conflict, Document, NotFound

if TYPE_CHECKING:
    from server.services import Services

log = structlog.get_logger()

#: Before the id of a duty in an inbox; the case's follows.
PREFIX = "duty:"
_ROLE = "role:"
#: Whose is what somebody owed who is gone.
_LAST_RESORT = "admin"


class DutyBoxes:
    """Brings inboxes in line with what is owed. Any number of workers may, at any time."""

    def __init__(self, made: Services) -> None:
        self._made = made
        self._absences = Absences(made.store, made.names.registry, made.clock)

    def run_once(self, stop: threading.Event | None = None) -> int:
        """Bring every inbox in line with the day; returns in how many cases something was told or taken back.

        One unreadable case holds up no other.
        """
        told = 0
        for case_id, holders in self._apart().items():
            if stop is not None and stop.is_set():
                break
            try:
                told += bool(self.tell(self._made.cases.load(case_id).case, holders))
            except Exception:
                log.exception("duties_not_told", case=case_id)
        return told

    def _apart(self) -> Mapping[str, set[str]]:
        """The cases of which inboxes do not say what the lists say, each with whose inboxes they are."""
        wanted: dict[str, dict[str, str]] = defaultdict(dict)
        for organisation in sorted({user.organisation for user in self._made.people.users()}):
            today = self._made.cases.policy(organisation).day(self._made.clock())
            staff = _Staff(self._made, self._absences, organisation, today)
            for row in duties_since(self._made.readmodel, organisation, today.isoformat()):
                duty = msgspec.convert({name: row[name] for name in _OF_DUTY}, Duty)
                for person, in_place_of in staff.owing(duty):
                    wanted[person][_id(row["case_id"], duty)] = _mark(duty, in_place_of)
        apart: dict[str, set[str]] = defaultdict(set)
        for user in self._made.people.users():
            held = {one["_id"]: one["mark"] for one in self._held(user.name)}
            for doc_id in held.keys() | wanted[user.name].keys():
                if held.get(doc_id) != wanted[user.name].get(doc_id):
                    apart[doc_id.split(":")[1]].add(user.name)
        return apart

    def _held(self, user: str, case_id: str = "") -> Iterable[Document]:
        try:
            prefix = f"{PREFIX}{case_id}:" if case_id else PREFIX
            return list(self._made.store.all_docs(self._made.names.inbox(user), prefix=prefix))
        except NotFound:
            # The user was removed with the inbox; there is nobody to tell.
            return []

    def tell(self, case: Case, also: Collection[str] = ()) -> int:
        """Bring the inboxes of all whom a duty of the case may concern, and those of `also`, in line with the
        case; returns how many documents were written or taken back. Safe to repeat."""
        made = self._made
        now = made.clock()
        today = made.cases.policy(case.organisation).day(now)
        staff = _Staff(made, self._absences, case.organisation, today)
        wanted: dict[str, dict[str, Document]] = defaultdict(dict)
        for duty in duties(case, now, made.cases.rules):
            if duty.since <= today:
                for person, in_place_of in staff.owing(duty):
                    document = _document(case, duty, in_place_of)
                    wanted[person][document["_id"]] = document
        everybody = {*also, *wanted, *staff.among(_ever(case))}
        return sum(self._bring(user, case.id, wanted.get(user, {})) for user in sorted(everybody))

    def _bring(self, user: str, case_id: str, wanted: Mapping[str, Document]) -> int:
        inbox, changed = self._made.names.inbox(user), 0
        try:
            for gone in self._held(user, case_id):
                if gone["_id"] not in wanted:
                    self._made.store.put(inbox, {"_id": gone["_id"], "_rev": gone["_rev"], "_deleted": True})
                    changed += 1
            return changed + sum(
                write_if_changed(self._made.store, inbox, document) for document in wanted.values()
            )
        except Conflict:
            # Another worker is at it, and brings the same about.
            return changed
        except NotFound:
            return changed


class _Staff:
    """Who of an organisation owes what on a day."""

    def __init__(self, made: Services, absences: Absences, organisation: str, today: date) -> None:
        self._made, self._organisation, self._today = made, organisation, today
        self._absences = absences
        self._away: list[Absence] | None = None
        self._known: dict[str, bool] = {}
        self._roles: dict[str, list[str]] = {}

    def owing(self, duty: Duty) -> Iterator[tuple[str, str]]:
        """Whose inbox a duty is in, each with the person in whose place he is, or none. Whoever made a
        proposal has no right to decide on it, in whosever place."""
        owing: dict[str, str] = {}
        for name in duty.people:
            for person, in_place_of in self._by_right(name):
                owing.setdefault(person, in_place_of)
        if str(duty.params.get("substitute_from") or date.max) <= self._today.isoformat():
            for person in self.of_role(str(duty.params["substitute"])):
                owing.setdefault(person, duty.who)
        owing.pop(str(duty.params.get("proposed_by")), None)
        yield from owing.items()

    def _by_right(self, name: str) -> Iterator[tuple[str, str]]:
        if name.startswith(_ROLE):
            yield from ((person, "") for person in self.of_role(name.removeprefix(_ROLE)))
        elif self._works_here(name):
            yield name, ""
            yield from ((one.substitute, name) for one in self._absent(name) if self._covers(one))
        else:
            yield from ((person, name) for person in self.of_role(_LAST_RESORT))

    def among(self, names: Iterable[str]) -> set[str]:
        """These people, those of these roles, and everybody who ever stood in for one of them."""
        found: set[str] = set()
        for name in names:
            if name.startswith(_ROLE):
                found.update(self.of_role(name.removeprefix(_ROLE)))
            else:
                found.update({name, *(one.substitute for one in self._absent(name))})
        return found

    def of_role(self, role: str) -> list[str]:
        """The people of a role who may sign in."""
        if role not in self._roles:
            users = self._made.people.users(organisation=self._organisation, role=role, disabled=False)
            self._roles[role] = [user.name for user in users]
        return self._roles[role]

    def _works_here(self, name: str) -> bool:
        if name not in self._known:
            try:
                user = self._made.people.user(name)
                self._known[name] = not user.disabled and user.organisation == self._organisation
            except Problem:
                self._known[name] = False
        return self._known[name]

    def _absent(self, name: str) -> list[Absence]:
        if self._away is None:
            self._away = [one.absence for one in self._absences.all(self._organisation)]
        return [one for one in self._away if one.person == name]

    def _covers(self, absence: Absence) -> bool:
        today = absence.since <= self._today <= absence.until
        return today and self._works_here(absence.substitute)


#: What a row of the lists says of a duty.
_OF_DUTY = ("kind", "since", "due", "who", "params", "refs")


def _ever(case: Case) -> set[str]:
    """Everybody, and every role, whom a duty of the case may have been told to until now."""
    people = {case.manager}
    for entry in case.log:
        if entry.event == "case_amended" and "manager" in entry.data["before"]:
            people.add(str(entry.data["before"]["manager"]))
    for approval in case.approvals.values():
        people.update(filter(None, [approval.approver]))
        if approval.route is not None:
            people.update({f"{_ROLE}{approval.route.role}", f"{_ROLE}{approval.route.substitute}"})
    people.update(meeting.called_by for meeting in case.meetings.values())
    people.update(name for one in case.customer_inspections.values() for name in one.assignees)
    return people


def _id(case_id: str, duty: Duty) -> str:
    about = json.dumps([duty.kind, duty.about])
    return f"{PREFIX}{case_id}:{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def _mark(duty: Duty, in_place_of: str) -> str:
    """Other for a duty that has changed: its day, who has it, what it says."""
    said: list[Any] = [duty.due.isoformat(), duty.who, in_place_of, dict(duty.params), list(duty.refs)]
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _document(case: Case, duty: Duty, in_place_of: str) -> Document:
    return {
        "_id": _id(case.id, duty),
        "type": "duty",
        "schema": 1,
        "kind": duty.kind,
        "case": case.id,
        "no": case.no,
        "customer": case.customer.name,
        "address": case.customer.address,
        "since": duty.since.isoformat(),
        "due": duty.due.isoformat(),
        "who": duty.who,
        "in_place_of": in_place_of,
        "params": msgspec.to_builtins(duty.params),
        "refs": list(duty.refs),
        "text": both(f"duty.{duty.kind}"),
        "mark": _mark(duty, in_place_of),
    }

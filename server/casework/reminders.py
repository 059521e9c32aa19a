"""Deadlines of notices: the worker looks every so often, has each step recorded once, and tells inboxes.

What goes to the customer and the contractor stands in the log as `notice_reminder_due`: webhooks and the
customer's page take it from there.
"""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from server.names import Names
from server.readmodel.deadlines import cases_with_notices_due
from server.texts import both
from server.workflow.commands import RecordReminder
from server.workflow.escalation import Step, due_steps
from server.workflow.model import Actor, Case, LogEntry
from server.workflow.policy import Policy
from server.workflow.refusal import Refusal
from sync.store import Conflict, Document, DocumentStore, NotFound

if TYPE_CHECKING:
    from server.services import Services

log = structlog.get_logger()

_EVENT = "notice_reminder_due"
_TELLER = Actor(name="hezha", roles=("system",))
_HORIZON = "reminder_before_days"


class Reminders:
    """Looks for steps that are due. Any number of workers may: each step is recorded once."""

    def __init__(self, made: Services) -> None:
        self._made = made
        #: No organisation can have a word said earlier than this before a deadline.
        self._days = int(made.cases.rules.policies.settings[_HORIZON].max or 0)

    def run_once(self, stop: threading.Event | None = None) -> int:
        """Record every step that is due now; returns how many. One unreadable case holds up no other."""
        until = (self._made.clock() + timedelta(days=self._days + 1)).date().isoformat()
        told = 0
        for case_id in cases_with_notices_due(self._made.readmodel, until):
            if stop is not None and stop.is_set():
                break
            try:
                told += self.remind(case_id)
            except Exception:
                log.exception("reminders_failed", case=case_id)
        return told

    def remind(self, case_id: str) -> int:
        """Record every step that is due now for a case; returns how many."""
        case = self._made.cases.load(case_id).case
        policy = self._made.cases.policy(case.organisation)
        today = policy.day(self._made.clock())
        told = 0
        for n in sorted(case.notices):
            for step in due_steps(case.notices[n], today, policy):
                command = RecordReminder(
                    n=n, round=step.round, step=step.step, due=step.due, told=self._told(case, step, policy)
                )
                try:
                    told += bool(self._made.cases.apply(case_id, command, _TELLER).events)
                except Refusal as refusal:
                    # It was answered, or given more time, since it was read.
                    log.debug("reminder_not_due", case=case_id, notice=n, code=refusal.code)
        return told

    def _told(self, case: Case, step: Step, policy: Policy) -> tuple[str, ...]:
        """The people of the utility whom a step goes to."""
        people: list[str] = []
        if "manager" in step.to:
            people.append(case.manager)
        if "head" in step.to:
            chiefs = self._made.people.users(organisation=case.organisation, role="admin", disabled=False)
            people += [policy.centre_head] if policy.centre_head else [user.name for user in chiefs]
        return tuple(dict.fromkeys(people))


class Round(Protocol):
    """What is looked at once in a while."""

    def run_once(self, stop: threading.Event | None = None) -> int:
        """Do what is due; how much that was."""


def keep_reminding(reminders: Round, stop: threading.Event, every: float) -> None:
    """Look every so many seconds, until `stop`."""
    while not stop.is_set():
        try:
            told = reminders.run_once(stop)
        except Exception:  # nothing waits for it, and without it nobody hears of a deadline
            log.exception("reminders_crashed", of=type(reminders).__name__)
        else:
            if told:
                log.info("reminders_told", of=type(reminders).__name__, steps=told)
        stop.wait(every)


def tell_of_reminders(store: DocumentStore, names: Names, case: Case) -> None:
    """Put a message into each inbox that a step goes to. Safe to repeat: one message for each step."""
    wanted: dict[str, dict[str, Document]] = {}
    for entry in case.log:
        if entry.event == _EVENT:
            message = _message(case, entry)
            for user in entry.data["told"]:
                wanted.setdefault(user, {})[message["_id"]] = message
    for user in sorted(wanted):
        inbox, messages = names.inbox(user), wanted[user]
        try:
            known = {document["_id"] for document in store.all_docs(inbox, keys=sorted(messages))}
            for doc_id in sorted(messages.keys() - known):
                store.put(inbox, messages[doc_id])
        except Conflict:
            # Somebody else has told it at this moment, in the same words.
            continue
        except NotFound:
            # The user was removed with the inbox; there is nobody to tell.
            continue


def _message(case: Case, entry: LogEntry) -> Document:
    data = entry.data
    # By what it is about and not by the entry: carried out again after a conflict it is the same step.
    about = json.dumps([case.id, data["notice"], data["round"], data["step"], data["due"]])
    digest = hashlib.sha256(about.encode()).hexdigest()[:32]
    code = f"notice_reminder_{data['step']}"
    params = {"case": case.no, "n": data["notice"], "due": data["due"], "items": len(data["items"])}
    return {
        "_id": f"message:{digest}",
        "type": "message",
        "schema": 1,
        "code": code,
        "case": case.id,
        "params": params,
        "text": both(f"casework.{code}", **params),
        "at": entry.at.isoformat(),
    }

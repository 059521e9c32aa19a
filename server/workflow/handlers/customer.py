"""The customer's link, given and taken back, and the times that a customer asks for."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from server.workflow.customer import ENERGIZATION, Link, Wish
from server.workflow.customer_commands import IssueLink, RevokeLink, WishAppointment
from server.workflow.draft import Draft
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import SETTLED_TASKS


def issue_link(draft: Draft, command: IssueLink) -> None:
    longest = draft.given_at + timedelta(days=draft.policy.link_max_days)
    until = command.until or draft.given_at + timedelta(days=draft.policy.link_days)
    known = draft.case.links.get(command.link_id)
    if known is not None:
        if command.to == known.to and command.until in {None, known.expires_at}:
            return
        raise Refusal("link_exists", {"link": known.id}, facts=("field:link_id",))
    if not draft.again and not draft.now < until <= longest:
        params = {"until": until.isoformat(), "longest": longest.isoformat()}
        raise Refusal("link_until_out_of_bounds", params, kind="invalid", facts=("field:until",))
    link = Link(
        id=command.link_id,
        to=command.to,
        issued_at=draft.now,
        issued_by=draft.actor.name,
        expires_at=until,
    )
    draft.case = replace(draft.case, links={**draft.case.links, link.id: link})
    draft.tell("link_issued", link=link.id, to=link.to, until=until.isoformat())


def revoke_link(draft: Draft, command: RevokeLink) -> None:
    link = draft.case.links.get(command.link_id)
    if link is None:
        raise Refusal("link_not_found", {"link": command.link_id}, kind="not_found")
    if link.revoked_at is not None:
        return
    revoked = replace(link, revoked_at=draft.now, revoked_by=draft.actor.name, revoked_reason=command.reason)
    draft.case = replace(draft.case, links={**draft.case.links, link.id: revoked})
    draft.tell("link_revoked", link=link.id, reason=command.reason)


def wish_appointment(draft: Draft, command: WishAppointment) -> None:
    wish = Wish(
        id=command.wish_id,
        about=command.about,
        at=command.at,
        wished_at=draft.now,
        wished_by=draft.actor.name,
        note=command.note,
    )
    known = draft.case.wishes.get(wish.id)
    if known is not None:
        if replace(wish, wished_at=known.wished_at) == known:
            return
        raise Refusal("wish_exists", {"wish": known.id}, facts=("field:wish_id",))
    draft.require_running()
    _require_open(draft, command.about)
    latest = draft.now + timedelta(days=draft.policy.wish_ahead_days)
    if not draft.again and not draft.now < wish.at <= latest:
        params = {"at": wish.at.isoformat(), "latest": latest.isoformat()}
        raise Refusal("wish_out_of_bounds", params, kind="invalid", facts=("field:at",))
    draft.case = replace(draft.case, wishes={**draft.case.wishes, wish.id: wish})
    draft.tell("appointment_wished", wish=wish.id, about=wish.about, at=wish.at.isoformat(), note=wish.note)


def _require_open(draft: Draft, about: str) -> None:
    """Refuse a wish about what is over; what was admitted on another branch is heard all the same."""
    if draft.again:
        return
    if about == ENERGIZATION:
        over = draft.energized
    else:
        task = draft.case.tasks.get(about)
        over = task is None or task.status in SETTLED_TASKS
    if over:
        raise Refusal("nothing_to_appoint", {"about": about}, kind="invalid", facts=("field:about",))

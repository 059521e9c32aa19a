# mypy: disable-error-code="untyped-decorator"
"""Webhooks: which programs hear of what, what could not be delivered, and sending it again."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from msgspec.structs import replace

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.api.creating import IDEMPOTENCY_HEADER, reserved_id
from server.names import is_id
from server.networks import read_networks
from server.problems import Problem
from server.services import services
from server.webhooks.addresses import TargetRefused, admitted_address, read_target
from server.webhooks.model import EVERY, Subscription, known_events, new_secret
from sync.store import NotFound

blp = blueprint("webhooks", "Webhooks 事件推送.")

_EVENTS = ma.fields.List(
    ma.fields.String(validate=ma.validate.Length(min=1, max=100)),
    required=True,
    validate=ma.validate.Length(min=1, max=200),
    metadata={"description": "Names of events, as in a case's log; `*` for all of them."},
)
#: Subscriptions that an organisation may have: each of them is told of everything on its own.
MAX_SUBSCRIPTIONS = 50


class WebhookIn(Schema):
    url = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=2000))
    events = _EVENTS


class WebhookPatch(Schema):
    url = ma.fields.String(validate=ma.validate.Length(min=1, max=2000))
    events = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=100)),
        validate=ma.validate.Length(min=1, max=200),
    )
    state = ma.fields.String(validate=ma.validate.OneOf(["active", "disabled"]))


class WebhookOut(ma.Schema):
    id = ma.fields.String()
    url = ma.fields.String()
    events = ma.fields.List(ma.fields.String())
    state = ma.fields.String()
    reason = ma.fields.String(metadata={"description": "Why it is disabled: person, failing or gone."})
    created_at = ma.fields.String()
    created_by = ma.fields.String()
    since = ma.fields.String(metadata={"description": "Of what happened before, nothing is sent."})
    failing_since = ma.fields.String(allow_none=True)


class NewWebhookOut(WebhookOut):
    secret = ma.fields.String(metadata={"description": "Signs the messages. Told once."})


class WebhookList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(WebhookOut))


class LetterOut(ma.Schema):
    id = ma.fields.String()
    event = ma.fields.String()
    created_at = ma.fields.String()
    attempts = ma.fields.Integer()
    last = ma.fields.Dict(
        allow_none=True, metadata={"description": "`{at, status, error}` of the last attempt."}
    )
    body = ma.fields.Dict()


class LetterList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(LetterOut))


def _view(one: Subscription) -> dict[str, Any]:
    body: dict[str, Any] = plain(one)
    del body["secret"]
    return body


def _ours(webhook_id: str) -> Subscription:
    """Raises Problem 404, the same for one that is not there and one of another organisation."""
    if is_id(webhook_id):
        try:
            found = services().webhooks.subscription(webhook_id)
        except NotFound:
            found = None
        if found is not None and found.organisation == g.actor.organisation:
            return found
    raise Problem(404, "not_found")


def _check_url(url: str) -> None:
    """Raises Problem 422 for a target that nothing would ever be sent to. A name without an address today may
    have one tomorrow."""
    try:
        target = read_target(url)
        admitted_address(target, read_networks(services().settings.webhook_networks))
    except TargetRefused as refused:
        words = f"webhook.{refused.code}"
        params: dict[str, Any] = dict(refused.params)
        raise Problem(422, "webhook_target_refused", text_code=words, **params) from None
    except OSError:
        return


def _check_events(events: list[str]) -> None:
    unknown = sorted(set(events) - known_events() - {EVERY})
    if unknown:
        raise Problem(422, "webhook_event_unknown", names=", ".join(unknown)[:200])


@blp.route("/webhooks", methods=["GET"])
@roles("admin")
@blp.response(200, WebhookList)
def list_webhooks() -> dict[str, Any]:
    """Every subscription of your organisation, the oldest first."""
    return {"items": [_view(one) for one in services().webhooks.subscriptions(g.actor.organisation)]}


@blp.route("/webhooks", methods=["POST"])
@roles("admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(WebhookIn)
@blp.response(201, NewWebhookOut)
def add_webhook(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Send what happens from now on to a URL. The secret is in this answer and in no other."""
    _check_url(body["url"])
    _check_events(body["events"])
    book = services().webhooks
    if len(book.subscriptions(g.actor.organisation)) >= MAX_SUBSCRIPTIONS:
        raise Problem(409, "too_many_webhooks", limit=MAX_SUBSCRIPTIONS)
    one, is_new = book.add(
        id_=reserved_id(body),
        organisation=g.actor.organisation,
        url=body["url"],
        events=tuple(dict.fromkeys(body["events"])),
        by=g.actor.name,
    )
    # A secret that was on its way once may have been read on it.
    secret = one.secret if is_new else _renewed(one.id).secret
    return {**_view(one), "secret": secret}, {"Location": f"/api/v1/webhooks/{one.id}"}


def _renewed(webhook_id: str) -> Subscription:
    secret = new_secret()
    return services().webhooks.change(webhook_id, lambda one: replace(one, secret=secret))


@blp.route("/webhooks/<webhook_id>", methods=["GET"])
@roles("admin")
@blp.response(200, WebhookOut)
def show_webhook(webhook_id: str) -> dict[str, Any]:
    """One subscription, and whether its messages arrive."""
    return _view(_ours(webhook_id))


@blp.route("/webhooks/<webhook_id>", methods=["PATCH"])
@roles("admin")
@blp.arguments(WebhookPatch)
@blp.response(200, WebhookOut)
def change_webhook(body: dict[str, Any], webhook_id: str) -> dict[str, Any]:
    """Change where to or what of, disable, or enable: of what happened meanwhile nothing is sent."""
    _ours(webhook_id)
    book = services().webhooks
    if "url" in body:
        _check_url(body["url"])
    if "events" in body:
        _check_events(body["events"])
        body["events"] = tuple(dict.fromkeys(body["events"]))
    state = body.pop("state", None)
    one = book.change(webhook_id, lambda one: replace(one, **body))
    if state == "active":
        one = book.enable(webhook_id)
    elif state == "disabled":
        one = book.disable(webhook_id, "person")
    return _view(one)


@blp.route("/webhooks/<webhook_id>", methods=["DELETE"])
@roles("admin")
@blp.response(204)
def remove_webhook(webhook_id: str) -> None:
    """Forget a subscription and all that waits for it."""
    _ours(webhook_id)
    services().webhooks.remove(webhook_id)


@blp.route("/webhooks/<webhook_id>/secret", methods=["POST"])
@roles("admin")
@blp.response(200, NewWebhookOut)
def renew_secret(webhook_id: str) -> dict[str, Any]:
    """Sign by a new secret from now on, with messages that wait too."""
    _ours(webhook_id)
    one = _renewed(webhook_id)
    return {**_view(one), "secret": one.secret}


@blp.route("/webhooks/<webhook_id>/ping", methods=["POST"])
@roles("admin")
@blp.response(202, LetterOut)
def ping_webhook(webhook_id: str) -> Any:
    """Send a message that means nothing."""
    return plain(services().webhooks.ping(_ours(webhook_id)))


@blp.route("/webhooks/<webhook_id>/dead", methods=["GET"])
@roles("admin")
@blp.response(200, LetterList)
def list_dead_letters(webhook_id: str) -> dict[str, Any]:
    """Messages that were given up, the latest first."""
    return {"items": plain(services().webhooks.dead_letters(_ours(webhook_id).id))}


@blp.route("/webhooks/<webhook_id>/dead/<message_id>/redeliver", methods=["POST"])
@roles("admin")
@blp.response(202, LetterOut)
def redeliver(webhook_id: str, message_id: str) -> Any:
    """Send a message again, from the first attempt on."""
    try:
        return plain(services().webhooks.redeliver(_ours(webhook_id).id, message_id))
    except NotFound:
        raise Problem(404, "not_found") from None

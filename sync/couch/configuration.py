"""What CouchDB's configuration has to say for Hezha, and what must change for it. Pure.

CouchDB's own names throughout: a configuration is `{section: {key: value}}`, all text, as `_config` shows it.
What is already good enough is left as it is: larger limits, further handlers, claims and keys of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Config = Mapping[str, Mapping[str, str]]

JWT_HANDLER = "{chttpd_auth, jwt_authentication_handler}"
#: What CouchDB 3.5 uses while the key is not set.
_USUAL_HANDLERS = ", ".join(
    f"{{chttpd_auth, {name}_authentication_handler}}" for name in ("cookie", "default")
)
_ROLES_CLAIM = "_couchdb.roles"
_CORS_METHODS = "GET, PUT, POST, HEAD, DELETE"
_CORS_HEADERS = "accept, authorization, content-type, if-match, if-none-match, range"


@dataclass(frozen=True)
class Needs:
    """What Hezha needs of CouchDB.

    `keys` are the token keys, `{kid: standard base64 of the secret}`. The limits are bytes: of a document, of
    an attachment, and of a request. `origins` are web pages of other hosts that may speak to CouchDB.
    """

    keys: Mapping[str, str] = field(repr=False)
    document_bytes: int
    attachment_bytes: int
    request_bytes: int
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A setting that is to become `value`, or to go if that is None. Never show `value` of a `secret` one."""

    section: str
    key: str
    value: str | None = field(repr=False)
    present: str | None = field(default=None, repr=False)
    secret: bool = False


def changes(needs: Needs, present: Config) -> list[Change]:
    """What has to change for `present` to serve `needs`; nothing if it does already."""
    return [*_handlers(present), *_tokens(needs, present), *_limits(needs, present), *_cors(needs, present)]


def as_ini(wanted: list[Change], *, secrets: bool) -> str:
    """The changes as a `local.d/*.ini` file. Without `secrets` a place holder stands for each of them."""
    lines: list[str] = []
    section = None
    for change in sorted(wanted, key=lambda change: (change.section, change.key)):
        if change.section != section:
            lines += [*([""] if lines else []), f"[{change.section}]"]
            section = change.section
        if change.value is None:
            lines.append(f"; take out: {change.key}")
        else:
            shown = change.value if secrets or not change.secret else "<shown with --secrets>"
            lines.append(f"{change.key} = {shown}")
    return "\n".join([*lines, ""]) if lines else ""


def _handlers(present: Config) -> Iterator[Change]:
    now = _value(present, "chttpd", "authentication_handlers")
    if "jwt_authentication_handler" not in (now or ""):
        # First, so that a request with a token is never taken for an anonymous one.
        yield Change(
            "chttpd", "authentication_handlers", f"{JWT_HANDLER}, {now or _USUAL_HANDLERS}", present=now
        )


def _tokens(needs: Needs, present: Config) -> Iterator[Change]:
    for kid, secret in needs.keys.items():
        now = _value(present, "jwt_keys", f"hmac:{kid}")
        if now != secret:
            yield Change("jwt_keys", f"hmac:{kid}", secret, present=now, secret=True)
    claims = _value(present, "jwt_auth", "required_claims")
    if not requires_exp(claims):
        # CouchDB looks only at claims that are listed: without this an expired token is as good as new.
        all_claims = ", ".join(["exp", *filter(None, [claims])])
        yield Change("jwt_auth", "required_claims", all_claims, present=claims)
    name = _value(present, "jwt_auth", "roles_claim_name")
    if name not in {None, _ROLES_CLAIM}:
        yield Change("jwt_auth", "roles_claim_name", _ROLES_CLAIM, present=name)
    path = _value(present, "jwt_auth", "roles_claim_path")
    if path is not None:  # it would win over the name
        yield Change("jwt_auth", "roles_claim_path", None, present=path)


def requires_exp(claims: str | None) -> bool:
    """Whether `required_claims` lists `exp`."""
    return re.search(r"(^|[\s,])exp([\s,]|$)", claims or "") is not None


def _limits(needs: Needs, present: Config) -> Iterator[Change]:
    for section, key, usual, least in (
        ("couchdb", "max_document_size", 8_000_000, needs.document_bytes),
        ("couchdb", "max_attachment_size", 2**30, needs.attachment_bytes),
        ("chttpd", "max_http_request_size", 2**32, max(needs.request_bytes, needs.attachment_bytes)),
    ):
        now = _value(present, section, key)
        allowed = str(usual) if now is None else now
        if allowed != "infinity" and not (allowed.isdigit() and int(allowed) >= least):
            yield Change(section, key, str(least), present=now)


def _cors(needs: Needs, present: Config) -> Iterator[Change]:
    if not needs.origins:
        return
    known = [origin.strip() for origin in (_value(present, "cors", "origins") or "").split(",") if origin]
    missing = [origin for origin in needs.origins if origin not in known]
    if missing and "*" not in known:
        yield Change("cors", "origins", ", ".join([*known, *missing]), present=", ".join(known) or None)
    for section, key, wanted in (
        ("chttpd", "enable_cors", "true"),
        ("cors", "credentials", "true"),
        ("cors", "methods", _CORS_METHODS),
        ("cors", "headers", _CORS_HEADERS),
    ):
        now = _value(present, section, key)
        if now is None or (section == "chttpd" and now != wanted):
            yield Change(section, key, wanted, present=now)


def _value(config: Config, section: str, key: str) -> str | None:
    return config.get(section, {}).get(key)

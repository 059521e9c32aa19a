"""`hezha user` and `hezha device`: people and devices from the command line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from server.commands.common import open_services
from server.people.model import ROLES, Device, User
from server.people.service import People
from server.problems import Problem
from server.texts import LANGUAGES, text

F = TypeVar("F", bound=Callable[..., Any])

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)


@contextmanager
def _people(lang: str) -> Iterator[People]:
    """The people of the data folder; a refusal becomes a sentence on stderr and exit code 1."""
    with open_services() as made:
        try:
            yield made.people
        except Problem as problem:
            click.echo(f"hezha: {text(problem.text_code, lang, **problem.params)}", err=True)
            sys.exit(1)


def _operator() -> str:
    """Who types this, as far as the system tells: for the log, not for permission."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or 'unknown'}"


def _password(from_stdin: bool) -> str:
    """Asked for twice without echo, or one line of standard input. Never an argument: others could see it."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    entered: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return entered


_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group()
def user() -> None:
    """People with an account."""


@user.command("add")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="May be repeated."
)
@click.option("--display-name", default="", help="How lists show this person. [the name]")
@click.option("--organisation", help="Whose cases this person may see. [HEZHA_ORGANISATION]")
@_STDIN
@_LANG
def add(
    name: str,
    roles: Sequence[str],
    display_name: str,
    organisation: str | None,
    *,
    password_stdin: bool,
    lang: str,
) -> None:
    """Add NAME; the password is asked for."""
    password = _password(password_stdin)
    with _people(lang) as people:
        made = people.add_user(
            name, password, roles=roles, display_name=display_name, organisation=organisation, by=_operator()
        )
        click.echo(text("people.user_added", lang, user=made.name, roles=", ".join(made.roles)))


@user.command("list")
@click.option("--role", type=click.Choice(ROLES), help="Only those who have this role.")
@_JSON
@_LANG
def list_users(role: str | None, *, as_json: bool, lang: str) -> None:
    """List users by name."""
    with _people(lang) as people:
        _show([_user_row(found) for found in people.users(role=role)], as_json, text("people.no_users", lang))


@user.command("disable")
@click.argument("name")
@_LANG
def disable(name: str, lang: str) -> None:
    """Refuse every request of NAME from now on."""
    with _people(lang) as people:
        people.disable(name, by=_operator())
        click.echo(text("people.user_disabled", lang, user=name))


@user.command("enable")
@click.argument("name")
@_LANG
def enable(name: str, lang: str) -> None:
    """Admit NAME again."""
    with _people(lang) as people:
        people.enable(name, by=_operator())
        click.echo(text("people.user_enabled", lang, user=name))


@user.command("password")
@click.argument("name")
@_STDIN
@_LANG
def password(name: str, *, password_stdin: bool, lang: str) -> None:
    """Give NAME a new password and end every session."""
    fresh = _password(password_stdin)
    with _people(lang) as people:
        people.set_password(name, fresh, by=_operator())
        click.echo(text("people.password_set", lang, user=name))


@click.group()
def device() -> None:
    """Tablets and browsers that people are signed in on."""


@device.command("list")
@click.option("--user", "owner", help="Only this user's.")
@_JSON
@_LANG
def list_devices(owner: str | None, *, as_json: bool, lang: str) -> None:
    """List devices, the one seen last first."""
    with _people(lang) as people:
        if owner is not None:
            people.user(owner)
        _show(
            [_device_row(found) for found in people.devices(owner)], as_json, text("people.no_devices", lang)
        )


@device.command("revoke")
@click.argument("device_id")
@click.option("--reason", default="revoked", show_default=True, help="Kept with the device.")
@click.option(
    "--keep-data",
    is_flag=True,
    help="Order it to sign in again instead of deleting what it holds, unsent work included.",
)
@_LANG
def revoke(device_id: str, reason: str, *, keep_data: bool, lang: str) -> None:
    """Refuse DEVICE_ID from its next request on, and order it to wipe itself."""
    with _people(lang) as people:
        gone = people.revoke_device(
            device_id, by=_operator(), reason=reason, order="sign_in" if keep_data else "wipe"
        )
        click.echo(text("people.device_revoked", lang, device=gone.id, user=gone.user, order=gone.order))


def _user_row(found: User) -> dict[str, Any]:
    return {
        "name": found.name,
        "display_name": found.display_name,
        "roles": list(found.roles),
        "organisation": found.organisation,
        "disabled": found.disabled,
        "created_at": found.created_at.isoformat(timespec="seconds"),
    }


def _device_row(found: Device) -> dict[str, Any]:
    return {
        "id": found.id,
        "user": found.user,
        "name": found.name,
        "kind": found.kind,
        "last_seen_at": found.last_seen_at.isoformat(timespec="seconds"),
        "revoked_at": found.revoked_at.isoformat(timespec="seconds") if found.revoked_at else None,
        "order": found.order,
    }


def _show(rows: Iterable[dict[str, Any]], as_json: bool, nothing: str) -> None:
    listed = list(rows)
    if as_json:
        for row in listed:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    if not listed:
        click.echo(nothing)
        return
    table = Table(*listed[0])
    for row in listed:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)

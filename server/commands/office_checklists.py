"""`hezha checklist diff, drafts, limits`: what the office has written, and what versions change.

Nothing here writes. A draft is reviewed, and a limit ended, by two persons who sign in each for themselves;
whoever sits at this machine could be both.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NoReturn

import click
import msgspec

from checklists.differencing import difference
from checklists.loader import DefinitionError, UnknownChecklist, load_definitions
from checklists.model import Definition, Text
from checklists.standing import Standing
from checklists.versions import Draft
from server.commands.common import is_empty, open_services, settings_or_exit
from server.texts import LANGUAGES

__all__ = ["diff_command", "drafts_command", "limits_command"]

#: Before a name: the version that comes with Hezha, where the office has given its number to another.
SHIPPED = "shipped:"


@click.command("diff")
@click.argument("before", metavar="ID@VERSION")
@click.argument("after", metavar="ID@VERSION")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Definitions to take them from. [the published ones]",
)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON list, in both languages.")
def diff_command(
    before: str, after: str, folder: Path | None, *, language: Literal["zh-CN", "en"], as_json: bool
) -> None:
    """Tell what one version changed against another, and what became stricter or milder.

    shipped:ID@VERSION takes the one that comes with Hezha, whatever the office published under its number.
    Exits with 1 if one of them is not there.
    """
    old, new = _definitions((before, after), folder)
    found = difference(old, new)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(_said(one.text, language))
    if not found:
        click.echo("no difference")


@click.command("drafts")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def drafts_command(*, as_json: bool) -> None:
    """List the drafts of checklists: who wrote them, and whether a second person has reviewed them."""
    rows: list[dict[str, Any]] = []
    settings = settings_or_exit()
    if not is_empty(settings):
        with open_services(settings) as made:
            rows = [_draft_row(stored.draft) for stored in made.drafts.all()]
    _print(rows, as_json, "there are no drafts")


@click.command("limits")
@click.option(
    "--day",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Only those that hold on this day.",
)
@click.option("--organisation", help="Only those that hold for it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def limits_command(day: datetime | None, organisation: str | None, *, as_json: bool) -> None:
    """List the limits that organisations have set over their checklists' own."""
    standing: list[Standing] = []
    settings = settings_or_exit()
    if not is_empty(settings):
        with open_services(settings) as made:
            standing = [stored.standing for stored in made.limits.all()]
    rows = [
        {**msgspec.to_builtins(one.limit), "ending": msgspec.to_builtins(one.ending)}
        for one in standing
        if (organisation is None or one.limit.organisation in (organisation, None))
        and (day is None or one.limit.holds_on(day.date()))
    ]
    _print(rows, as_json, "there are no limits")


def _definitions(names: tuple[str, ...], folder: Path | None) -> list[Definition]:
    try:
        shipped = load_definitions(folder)
    except DefinitionError as error:
        _fail(str(error))
    settings = settings_or_exit() if folder is None else None
    try:
        if settings is None or is_empty(settings):
            return [shipped.get(*_version(name.removeprefix(SHIPPED))) for name in names]
        with open_services(settings) as made:
            return [
                shipped.get(*_version(name.removeprefix(SHIPPED)))
                if name.startswith(SHIPPED)
                else made.library.get(*_version(name))
                for name in names
            ]
    except UnknownChecklist as error:
        _fail(f"there is no checklist {error}; write it as ID@VERSION")


def _version(name: str) -> tuple[str, int]:
    """Raises UnknownChecklist."""
    checklist_id, _, version = name.partition("@")
    if not (version.isascii() and version.isdigit()):
        raise UnknownChecklist(name)
    return checklist_id, int(version)


def _draft_row(draft: Draft) -> dict[str, Any]:
    definition = draft.definition
    return {
        "id": definition.id,
        "version": definition.version,
        "state": draft.state,
        "authors": list(draft.authors),
        "reviewer": draft.reviewer,
        "changed_at": draft.history[-1].at.isoformat(),
    }


def _print(rows: list[dict[str, Any]], as_json: bool, none: str) -> None:
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo("  ".join(f"{name}={_plain(value)}" for name, value in row.items() if value is not None))
    if not rows:
        click.echo(none)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("zh-CN", value))
    return ",".join(value) if isinstance(value, list) else str(value)


def _said(text: Text, language: Literal["zh-CN", "en"]) -> str:
    return text.zh if language == "zh-CN" else text.en


def _fail(sentence: str) -> NoReturn:
    click.echo(f"hezha: {sentence}", err=True)
    sys.exit(1)

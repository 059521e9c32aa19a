"""`hezha checklist new, lint, schema, render`: what helps whoever writes a definition."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import click

from checklists.coverage import count_by_template, coverage_rows, departures
from checklists.linting import Complaint, lint, lint_facts, undecided
from checklists.loader import (
    DefinitionError,
    Library,
    Loaded,
    UnknownChecklist,
    fact_places,
    load_definitions,
    load_with_places,
)
from checklists.model import Definition, Stage, Text
from checklists.schema import KINDS, Kind, definition_schema
from checklists.starting import UnusableName, starter_files
from checklists.yamlfile import Place
from server.commands.common import is_empty, open_services, settings_or_exit
from server.reports.blank_form import FormTooLarge, Printed, blank_form
from server.texts import LANGUAGES

__all__ = ["library_of", "lint_command", "named", "new_command", "render_command", "schema_command"]

#: A complaint as a script reads it.
Row = dict[str, Any]


_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command("new")
@click.argument("checklist_id", metavar="ID")
@click.option("--stage", type=click.Choice(get_args(Stage)), required=True, help="What it is used for.")
@click.option("--title-zh", required=True, help="Its title in Chinese.")
@click.option("--title-en", required=True, help="Its title in English.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to write it. [this folder]",
)
def new_command(checklist_id: str, stage: Stage, title_zh: str, title_en: str, folder: Path) -> None:
    """Write the first files of a checklist: a form and a section, with examples and comments.

    Exits with 1 if the name cannot be used or a file is there already; nothing is overwritten.
    """
    try:
        files = starter_files(checklist_id, stage, Text(title_zh, title_en))
        for path in files:
            if (folder / path).exists():
                _fail(f"{folder / path} is there already; choose another name or folder")
        for path, words in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("x", encoding="utf-8") as file:
                file.write(words)
            click.echo(f"wrote {folder / path}")
    except UnusableName as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or folder} cannot be written: {error.strerror}")
    click.echo(f"next: hezha checklist lint --folder {folder}")


@click.command("schema")
@click.option("--kind", type=click.Choice(tuple(KINDS)), help="Of one kind of file only. [any]")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the descriptions."
)
@click.option("--out", type=_OUT, help="Write it there. [print it]")
def schema_command(kind: Kind | None, language: Literal["zh-CN", "en"], out: Path | None) -> None:
    """The JSON Schema of definitions, with which editors complete and check them."""
    written = json.dumps(definition_schema(kind, language), ensure_ascii=False, indent=2)
    if out is None:
        click.echo(written)
    else:
        try:
            out.write_text(written + "\n", encoding="utf-8")
        except OSError as error:
            _fail(f"{out} cannot be written: {error.strerror}")


@click.command("render")
@click.argument("name", metavar="ID[@VERSION]")
@click.option("--out", type=_OUT, required=True, help="The PDF to write.")
@click.option(
    "--language",
    type=click.Choice(get_args(Printed)),
    default="both",
    show_default=True,
    help="Printed in it.",
)
@click.option("--folder", type=_FOLDER, help="Definitions to take it from. [the published ones]")
def render_command(name: str, out: Path, language: Printed, folder: Path | None) -> None:
    """Print a checklist as a blank form, to be filled in by hand. Exits with 1 if there is none."""
    library = library_of(folder)
    try:
        definition = named(library, name)
        out.write_bytes(blank_form(definition, language))
    except UnknownChecklist as error:
        known = ", ".join(f"{one.id}@{one.version}" for one in library.all())
        _fail(f"there is no checklist {error}; there are {known}")
    except FormTooLarge as error:
        _fail(f"{name} is too large to print: {error}")
    except OSError as error:
        _fail(f"{out} cannot be written: {error.strerror}")
    click.echo(f"{out}  {definition.id}@{definition.version}  sha256 {definition.digest[:16]}")


def named(library: Library, name: str) -> Definition:
    """Raises UnknownChecklist."""
    checklist_id, _, version = name.partition("@")
    if not version:
        return library.latest(checklist_id)
    if not version.isascii() or not version.isdigit():
        raise UnknownChecklist(name)
    return library.get(checklist_id, int(version))


def library_of(folder: Path | None) -> Library:
    """The definitions of a folder; without one the house's, or Hezha's own before the house has any."""
    if folder is not None:
        try:
            return load_definitions(folder)
        except DefinitionError as error:
            _fail(_below(folder, str(error)))
    settings = settings_or_exit()
    if is_empty(settings):
        return load_definitions()
    with open_services(settings) as made:
        return Library(made.library.all())


def _fail(sentence: str) -> NoReturn:
    click.echo(f"hezha: {sentence}", err=True)
    sys.exit(1)


@click.command("lint")
@click.option("--folder", type=_FOLDER, help="Definitions to check. [those that come with Hezha]")
@click.option("--all", "everything", is_flag=True, help="The facts and the trade's table of items as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the complaints."
)
def lint_command(folder: Path | None, *, everything: bool, as_json: bool, lang: str) -> None:
    """Check syntax, names, translations, limits and conditions, each with its file and line.

    Exits with 1 if anything is wrong. With --all also whether the definitions hold every item of the trade's
    table; it counts them by template.
    """
    try:
        loaded = load_with_places(folder)
    except DefinitionError as error:
        _fail(_below(folder, str(error)))
    found = _complaints(loaded, folder)
    if everything:
        marks = fact_places()
        found["facts.yaml"] = [_row(one, marks.place(one.path)) for one in lint_facts()]
        found["coverage.tsv"] = [_departure(one) for one in departures(loaded.library)]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print(found, lang)
        if everything:
            _open_questions(loaded.library)
            _count(loaded.library)
    sys.exit(any(found.values()))


def _complaints(loaded: Loaded, folder: Path | None) -> dict[str, list[Row]]:
    """What is wrong with each definition, in the order of its files and lines."""
    found: dict[str, list[Row]] = {}
    for definition in loaded.library.all():
        name = f"{definition.id}@{definition.version}"
        places = loaded.places.get((definition.id, definition.version))
        rows = []
        for complaint in lint(definition):
            place = places.place(complaint.path) if places else Place(f"published/{name}.json")
            rows.append(_row(complaint, place, folder))
        found[name] = sorted(rows, key=lambda row: (row["file"], row["line"] or 0, row["column"] or 0))
    return found


def _below(folder: Path | None, place: str) -> str:
    """A place as the user can open it: files are named relative to the folder that was asked for."""
    return place if folder is None else str(folder / place)


def _row(complaint: Complaint, place: Place, folder: Path | None = None) -> Row:
    return {
        "file": _below(folder, place.file),
        "line": place.line,
        "column": place.column,
        "subject": complaint.subject,
        "code": complaint.code,
        "text": {"zh-CN": complaint.text.zh, "en": complaint.text.en},
    }


def _departure(said: str) -> Row:
    code, _, what = said.partition(": ")
    place = {"file": "coverage.tsv", "line": None, "column": None}
    return {**place, "subject": code, "code": "departure", "text": {"en": what}}


def _print(found: Mapping[str, Iterable[Row]], lang: str) -> None:
    for name, rows in found.items():
        faults = list(rows)
        click.echo(f"{name}: {'sound' if not faults else f'{len(faults)} faults'}")
        for row in faults:
            words = row["text"].get(lang, row["text"]["en"])
            click.echo(f"  {Place(row['file'], row['line'], row['column'])}: {row['subject']}: {words}")


def _count(library: Library) -> None:
    counted = count_by_template(library)
    parts = ", ".join(f"{template} {count}" for template, count in counted.items())
    click.echo(f"items by template: {parts}; {sum(counted.values())} of {len(coverage_rows())}")


def _open_questions(library: Library) -> None:
    """The conditions that lint could not decide; they are no faults."""
    left = {one.expression: one for definition in library.all() for one in undecided(definition)}
    for one in left.values():
        where = f"{one.placed.item.code}: {one.name} `{one.expression}`"
        click.echo(f"not decided whether it can hold and can fail: {where}")

"""`hezha checklist lint`: what helps whoever writes a definition."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from checklists.coverage import count_by_template, coverage_rows, departures
from checklists.linting import Complaint, lint, lint_facts, undecided
from checklists.loader import DefinitionError, Library, Loaded, fact_places, load_with_places
from checklists.yamlfile import Place

__all__ = ["lint_command"]

#: A complaint as a script reads it.
Row = dict[str, Any]


@click.command("lint")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Definitions to check. [those that come with Hezha]",
)
@click.option("--all", "everything", is_flag=True, help="The facts and the trade's table of items as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def lint_command(folder: Path | None, *, everything: bool, as_json: bool) -> None:
    """Check syntax, names, translations, limits and conditions, each with its file and line.

    Exits with 1 if anything is wrong. With --all also whether the definitions hold every item of the trade's
    table; it counts them by template.
    """
    try:
        loaded = load_with_places(folder)
    except DefinitionError as error:
        click.echo(f"hezha: {_below(folder, str(error))}", err=True)
        sys.exit(1)
    found = _complaints(loaded, folder)
    if everything:
        marks = fact_places()
        found["facts.yaml"] = [_row(one, marks.place(one.path)) for one in lint_facts()]
        found["coverage.tsv"] = [_departure(one) for one in departures(loaded.library)]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print(found)
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


def _print(found: Mapping[str, Iterable[Row]]) -> None:
    for name, rows in found.items():
        faults = list(rows)
        click.echo(f"{name}: {'sound' if not faults else f'{len(faults)} faults'}")
        for row in faults:
            click.echo(
                f"  {Place(row['file'], row['line'], row['column'])}: {row['subject']}: {row['text']['en']}"
            )


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

"""`hezha checklist import, export`: definitions from XLSForms and as XLSForms."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, NoReturn, get_args

import click
import msgspec
import yaml

from checklists.linting import lint
from checklists.loader import UnknownChecklist
from checklists.model import Definition, Stage
from checklists.xlsform import Bounds, Imported, XlsFormError, read_xlsform, slug, write_xlsform
from server.commands.authoring import library_of, named
from server.library.exchange import told
from server.texts import LANGUAGES

__all__ = ["export_command", "import_command"]

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LANGUAGE = click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of what is told."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="What is told, as one JSON object.")


class _Dumper(yaml.SafeDumper):
    """YAML without aliases, which definitions may not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@click.command("import")
@click.argument("form", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FORM.xlsx")
@click.option("--id", "checklist_id", help="What the checklist is called. [what the form says]")
@click.option("--version", type=click.IntRange(min=1), help="Its version. [what the form says, or 1]")
@click.option(
    "--stage", type=click.Choice(get_args(Stage)), help="What it is used for; needed unless the form says so."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A .yaml or .json file for the definition, or a folder for its files. [nothing is written]",
)
@_LANGUAGE
@_JSON
def import_command(
    form: Path,
    checklist_id: str | None,
    version: int | None,
    stage: Stage | None,
    out: Path | None,
    language: str,
    *,
    as_json: bool,
) -> None:
    """Read an XLSForm, and tell sheet by sheet and row by row what does not come along.

    The file is not trusted: macros, links, formulas and files beyond all measure are refused. Exits with 1 if
    the form is refused; what lint says of the result does not count as that.
    """
    if checklist_id is not None and slug(checklist_id) != checklist_id:
        _fail(f"{checklist_id!r} is no name for a checklist; use small letters, digits and single hyphens")
    try:
        with form.open("rb") as file:
            data = file.read(Bounds().file_bytes + 1)
        imported = read_xlsform(data, checklist_id=checklist_id, version=version, stage=stage)
    except OSError as error:
        _fail(f"{form} cannot be read: {error.strerror}")
    except XlsFormError as error:
        _tell({"refused": told(error.findings)}, language, as_json=as_json)
        sys.exit(1)
    definition = imported.definition
    if out is not None:
        _write(definition, out)
    _tell(_account(imported), language, as_json=as_json)
    if not as_json:
        sections = len(definition.sections)
        click.echo(
            f"{definition.id}@{definition.version}  {len(definition.items)} items in {sections} sections  "
            f"{definition.digest[:12]}"
        )


@click.command("export")
@click.argument("name", metavar="ID[@VERSION]")
@click.argument("form", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="FORM.xlsx")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Definitions to take it from. [the published ones]",
)
@_LANGUAGE
@_JSON
def export_command(name: str, form: Path, folder: Path | None, language: str, *, as_json: bool) -> None:
    """Write a checklist as an XLSForm, and tell what in it only Hezha reads.

    Imported again it gives the same definition. Exits with 1 if there is no such checklist.
    """
    library = library_of(folder)
    try:
        exported = write_xlsform(named(library, name))
        form.write_bytes(exported.data)
    except UnknownChecklist as error:
        known = ", ".join(f"{one.id}@{one.version}" for one in library.all())
        _fail(f"there is no checklist {error}; there are {known}")
    except XlsFormError as error:
        _tell({"refused": told(error.findings)}, language, as_json=as_json)
        sys.exit(1)
    except OSError as error:
        _fail(f"{form} cannot be written: {error.strerror}")
    _tell({"losses": told(exported.losses)}, language, as_json=as_json)


def _account(imported: Imported) -> dict[str, list[dict[str, Any]]]:
    complaints = [
        {"subject": one.subject, "what": one.code, "text": {"zh-CN": one.text.zh, "en": one.text.en}}
        for one in lint(imported.definition)
    ]
    return {"losses": told(imported.losses), "complaints": complaints}


def _tell(account: dict[str, list[dict[str, Any]]], language: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(account, ensure_ascii=False, indent=2))
        return
    for rows in account.values():
        for row in rows:
            click.echo(f"{_place(row)}: {row['what']}: {row['text'][language]}")


def _place(row: dict[str, Any]) -> str:
    if "subject" in row:
        return f"lint {row['subject']}"
    return ":".join(str(row[part]) for part in ("sheet", "row", "column") if row[part] is not None) or "form"


def _write(definition: Definition, out: Path) -> None:
    try:
        if out.suffix in (".yaml", ".yml", ".json"):
            files = {out: _dumped(definition, out.suffix)}
        else:
            files = _files(definition, out)
        for path, words in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(words, encoding="utf-8")
    except OSError as error:
        _fail(f"{error.filename or out} cannot be written: {error.strerror}")


def _files(definition: Definition, folder: Path) -> dict[Path, str]:
    """The files of an author's folder: the form, and a file for each section. Exits where one is already."""
    names = [section.id for section in definition.sections]
    for name in (definition.id, *names):
        if not _FILE_NAME.fullmatch(name):
            _fail(f"{name!r} cannot be a file's name; rename the group, or write one .yaml file")
    if len(set(names)) < len(names):
        _fail("two groups have one name; rename one, or write one .yaml file")
    form = {**msgspec.to_builtins(definition), "sections": names}
    files = {folder / f"{definition.id}.yaml": _yaml(form)}
    for section in definition.sections:
        files[folder / "sections" / f"{section.id}.yaml"] = _yaml(msgspec.to_builtins(section))
    for path in files:
        if path.exists():
            _fail(f"{path} is there already; choose another folder")
    return files


def _dumped(definition: Definition, suffix: str) -> str:
    if suffix == ".json":
        return json.dumps(msgspec.to_builtins(definition), ensure_ascii=False, indent=2) + "\n"
    return _yaml(msgspec.to_builtins(definition))


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)


def _fail(sentence: str) -> NoReturn:
    click.echo(f"hezha: {sentence}", err=True)
    sys.exit(1)

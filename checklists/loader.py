"""Definitions from YAML files, and to and from documents of the `library` database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from checklists.model import Definition, FactDefinition, Section, Stage, Text
from checklists.shape import shaped
from checklists.yamlfile import Marks, Place, YamlFault, parse_yaml, read_yaml

__all__ = [
    "DefinitionError",
    "Library",
    "Loaded",
    "Places",
    "UnknownChecklist",
    "WrittenDefinition",
    "definition_from_document",
    "definition_to_document",
    "derived_facts",
    "fact_definitions",
    "fact_places",
    "load_definitions",
    "load_with_places",
    "parse_definition",
]

_HERE = Path(__file__).resolve().parent
_DOCUMENT_SCHEMA = 1
_SECTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_T = TypeVar("_T")


class DefinitionError(Exception):
    """A definition cannot be read. The message names the place and what is wrong there; `place` is the line,
    if it stands in a file."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.place = place


class UnknownChecklist(LookupError):
    """There is no such checklist, or not in that version."""

    def __init__(self, checklist_id: str, version: int | None = None) -> None:
        super().__init__(checklist_id if version is None else f"{checklist_id}@{version}")
        self.checklist_id = checklist_id
        self.version = version


class Library:
    """The definitions at hand, by id and version."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._definitions: dict[tuple[str, int], Definition] = {}
        for definition in definitions:
            key = (definition.id, definition.version)
            if key in self._definitions:
                raise DefinitionError(f"{definition.id}@{definition.version} is defined twice")
            self._definitions[key] = definition

    def get(self, checklist_id: str, version: int) -> Definition:
        """Raises UnknownChecklist."""
        try:
            return self._definitions[checklist_id, version]
        except KeyError:
            raise UnknownChecklist(checklist_id, version) from None

    def latest(self, checklist_id: str) -> Definition:
        """The highest version. Raises UnknownChecklist."""
        versions = [version for known, version in self._definitions if known == checklist_id]
        if not versions:
            raise UnknownChecklist(checklist_id)
        return self._definitions[checklist_id, max(versions)]

    def all(self) -> tuple[Definition, ...]:
        """Every definition, ordered by id and version."""
        return tuple(self._definitions[key] for key in sorted(self._definitions))


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a definition were written. The definition itself does not know: its digest is that
    of what it says, wherever it stands."""

    form: Marks
    sections: tuple[Marks, ...] = ()

    def place(self, path: tuple[str | int, ...]) -> Place:
        """The place of what stands at `path` in the definition. Sections may have files of their own."""
        if self.sections and path[:1] == ("sections",) and len(path) > 1:
            number, *inner = path[1:]
            return self.sections[int(number)].place(tuple(inner))
        return self.form.place(path)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A library, and where each of its definitions was written, by id and version. Published versions were
    not written by hand, and have no places."""

    library: Library
    places: Mapping[tuple[str, int], Places]


class WrittenDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition as written: its sections are named, and stand in files of their own."""

    id: str
    version: int
    stage: Stage
    title: Text
    sections: tuple[str, ...]


def load_definitions(folder: Path | None = None) -> Library:
    """Read every `*.yaml` of `folder` (by default the definitions that come with Hezha) and the sections that
    they list from `sections/<id>.yaml`, and the versions published before from `published/*.json`.

    Sections may change at any time, published versions never: a `*.yaml` that makes another definition of a
    published version is refused. Raises DefinitionError."""
    return load_with_places(folder).library


def load_with_places(folder: Path | None = None) -> Loaded:
    """`load_definitions`, with the lines of what was read. Files are named relative to the folder."""
    folder = folder or _HERE / "definitions"
    definitions = [_published(path) for path in sorted(folder.glob("published/*.json"))]
    published = {(one.id, one.version): one for one in definitions}
    table: dict[tuple[str, int], Places] = {}
    for definition, places in _written(folder):
        key = (definition.id, definition.version)
        before = published.get(key)
        if before is not None and before.digest != definition.digest:
            name = f"{definition.id}@{definition.version}"
            place = places.place(("version",))
            what = f"{name} was published and has changed since; give it the next version"
            raise DefinitionError(f"{place}: {what}", place)
        if before is None:
            definitions.append(definition)
        table[key] = places
    return Loaded(Library(definitions), MappingProxyType(table))


def parse_definition(raw: bytes, name: str) -> tuple[Definition, Places]:
    """A definition that stands whole in one YAML text called `name`. Raises DefinitionError."""
    try:
        value, marks = parse_yaml(raw, name)
        return shaped(value, Definition, marks), Places(marks)
    except YamlFault as fault:
        raise DefinitionError(str(fault), fault.place) from fault


def _published(path: Path) -> Definition:
    try:
        definition = definition_from_document(msgspec.json.decode(path.read_bytes(), type=dict[str, Any]))
    except OSError as error:
        raise DefinitionError(f"{path.name}: {error.strerror or error}") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise DefinitionError(f"{path.name}: {error}") from error
    if path.stem != f"{definition.id}@{definition.version}":
        raise DefinitionError(f"{path.name}: holds {definition.id}@{definition.version}")
    return definition


def _written(folder: Path) -> Iterator[tuple[Definition, Places]]:
    sections: dict[str, tuple[Section, Marks]] = {}
    for path in sorted(folder.glob("*.yaml")):
        written, marks = _read(path, path.name, WrittenDefinition)
        for number, name in enumerate(written.sections):
            if name not in sections:
                sections[name] = _section(folder, name, marks.place(("sections", number)))
        included = [sections[name] for name in written.sections]
        definition = Definition(
            id=written.id,
            version=written.version,
            stage=written.stage,
            title=written.title,
            sections=tuple(section for section, _ in included),
        )
        yield definition, Places(marks, tuple(marks for _, marks in included))


def _section(folder: Path, name: str, named: Place) -> tuple[Section, Marks]:
    """The section that a form lists at `named`."""
    if not _SECTION_NAME.fullmatch(name):
        raise DefinitionError(
            f"{named}: {name[:80]!r} is no name of a section; use letters, digits and -", named
        )
    path = folder / "sections" / f"{name}.yaml"
    if not path.is_file():
        what = f"the section {name!r} has no file sections/{name}.yaml; write it or take the name out"
        raise DefinitionError(f"{named}: {what}", named)
    section, marks = _read(path, f"sections/{path.name}", Section)
    if section.id != name:
        place = marks.place(("id",))
        what = f"the section's id is {section.id!r}, its file says {name!r}"
        raise DefinitionError(f"{place}: {what}", place)
    return section, marks


@cache
def fact_definitions() -> Mapping[str, FactDefinition]:
    """The case facts that conditions may use, by name."""
    facts, _ = _facts_file()
    return MappingProxyType({fact.name: fact for fact in facts})


def fact_places() -> Marks:
    """Where the facts were written."""
    return _facts_file()[1]


@cache
def _facts_file() -> tuple[tuple[FactDefinition, ...], Marks]:
    return _read(_HERE / "facts.yaml", "facts.yaml", tuple[FactDefinition, ...])


@cache
def derived_facts() -> Mapping[str, str]:
    """The CEL expressions, by name, of the facts that follow from others."""
    derived = {name: fact.derived for name, fact in fact_definitions().items() if fact.derived is not None}
    return MappingProxyType(derived)


def definition_to_document(definition: Definition) -> dict[str, Any]:
    """The `library` document: `_id` is `checklist:<id>@<version>`; with the definition and its digest."""
    return {
        "_id": f"checklist:{definition.id}@{definition.version}",
        "type": "checklist",
        "schema": _DOCUMENT_SCHEMA,
        "definition": msgspec.to_builtins(definition),
        "digest": definition.digest,
    }


def definition_from_document(doc: Mapping[str, Any]) -> Definition:
    """Raises DefinitionError if it is no checklist, or its definition was changed after publishing."""
    name = doc.get("_id", "document")
    if doc.get("type") != "checklist" or doc.get("schema") != _DOCUMENT_SCHEMA:
        raise DefinitionError(f"{name}: not a checklist of schema {_DOCUMENT_SCHEMA}")
    try:
        definition = msgspec.convert(doc.get("definition"), Definition)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"{name}: {error}") from error
    if doc.get("digest") != definition.digest:
        raise DefinitionError(f"{name}: the definition does not match its digest")
    return definition


def _read(path: Path, name: str, kind: type[_T]) -> tuple[_T, Marks]:
    try:
        raw, marks = read_yaml(path, name)
        return shaped(raw, kind, marks), marks
    except YamlFault as fault:
        raise DefinitionError(str(fault), fault.place) from fault

"""Definitions from YAML files, and to and from documents of the `library` database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
import yaml

from checklists.model import Definition, FactDefinition, Section, Stage, Text

__all__ = [
    "DefinitionError",
    "Library",
    "UnknownChecklist",
    "definition_from_document",
    "definition_to_document",
    "derived_facts",
    "fact_definitions",
    "load_definitions",
]

_HERE = Path(__file__).resolve().parent
_DOCUMENT_SCHEMA = 1
_T = TypeVar("_T")


class DefinitionError(Exception):
    """A definition cannot be read. The message names the place and what is wrong there."""


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


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    folder = folder or _HERE / "definitions"
    definitions = [_published(path) for path in sorted(folder.glob("published/*.json"))]
    published = {(one.id, one.version): one for one in definitions}
    for definition in _written(folder):
        before = published.get((definition.id, definition.version))
        if before is None:
            definitions.append(definition)
        elif before.digest != definition.digest:
            name = f"{definition.id}@{definition.version}"
            raise DefinitionError(f"{name} was published and has changed since; give it the next version")
    return Library(definitions)


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


def _written(folder: Path) -> Iterator[Definition]:
    sections: dict[str, Section] = {}
    for path in sorted(folder.glob("*.yaml")):
        written = _read(path, _File)
        for name in written.sections:
            if name not in sections:
                sections[name] = _section(folder / "sections" / f"{name}.yaml", name)
        yield Definition(
            id=written.id,
            version=written.version,
            stage=written.stage,
            title=written.title,
            sections=tuple(sections[name] for name in written.sections),
        )


def _section(path: Path, name: str) -> Section:
    section = _read(path, Section)
    if section.id != name:
        raise DefinitionError(f"{path.name}: the section's id is {section.id!r}, its file says {name!r}")
    return section


@cache
def fact_definitions() -> Mapping[str, FactDefinition]:
    """The case facts that conditions may use, by name."""
    facts = _read(_HERE / "facts.yaml", tuple[FactDefinition, ...])
    return MappingProxyType({fact.name: fact for fact in facts})


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


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, which can blow up, and without repeated keys, which hide each other."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                mark = node.value[position][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", mark)
        return super().construct_mapping(node, deep)


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)  # noqa: S506 - a SafeLoader
        return msgspec.convert(raw, kind)
    except OSError as error:
        raise DefinitionError(f"{path.name}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DefinitionError(f"{path.name}: {error}") from error

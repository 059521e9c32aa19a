"""Definitions come from files and documents whole, or not at all and with the place named."""

from pathlib import Path

import msgspec
import pytest

from checklists import (
    Definition,
    DefinitionError,
    UnknownChecklist,
    definition_from_document,
    definition_to_document,
    load_definitions,
)
from checklists.loader import Library

LIBRARY = load_definitions()
HEAD = "id: form\nversion: 1\nstage: survey\ntitle: {zh-CN: 表, en: form}\nsections: [part]\n"
PART = """id: part
title: {zh-CN: 部分, en: part}
items:
  - code: AA-01
    text: {zh-CN: 项, en: item}
    type: pass_fail
    severity: major
    remedy: {zh-CN: 整改, en: mend it}
    source: judgement
"""


def written(folder: Path, form: str = HEAD, part: str = PART) -> Path:
    (folder / "sections").mkdir()
    (folder / "form.yaml").write_text(form, encoding="utf-8")
    (folder / "sections" / "part.yaml").write_text(part, encoding="utf-8")
    return folder


def test_a_folder_is_read(tmp_path: Path) -> None:
    form = load_definitions(written(tmp_path)).get("form", 1)
    assert [item.code for item in form.items] == ["AA-01"]
    assert form.title.zh == "表"


@pytest.mark.parametrize(
    ("form", "part", "said"),
    [
        (HEAD, PART.replace("severity: major", "severity: grave"), "severity"),
        (HEAD, PART.replace("    remedy", "    remedies"), "remed"),
        (HEAD, PART.replace("en: item", "fr: item"), "text"),
        (HEAD, PART + "    source: again\n", "stands twice"),
        (HEAD, PART.replace("source: judgement", "source: &x judgement\n    unit: *x"), "aliases"),
        (HEAD, PART.replace("id: part", "id: other"), "'other'"),
        (HEAD, "items: [", "part.yaml"),
        (HEAD.replace("[part]", "[gone]"), PART, "gone.yaml"),
        (HEAD.replace("version: 1", "version: one"), PART, "version"),
    ],
)
def test_a_broken_file_is_refused_and_its_place_named(
    tmp_path: Path, form: str, part: str, said: str
) -> None:
    with pytest.raises(DefinitionError, match=said):
        load_definitions(written(tmp_path, form, part))


def published(folder: Path) -> dict[str, object]:
    """The form of `folder`, published as it stands."""
    (folder / "published").mkdir()
    doc = definition_to_document(load_definitions(folder).get("form", 1))
    (folder / "published" / "form@1.json").write_bytes(msgspec.json.encode(doc))
    return doc


def test_a_published_version_outlives_its_sections_and_may_not_change(tmp_path: Path) -> None:
    digest = published(written(tmp_path))["digest"]
    assert [one.digest for one in load_definitions(tmp_path).all()] == [digest]
    (tmp_path / "sections" / "part.yaml").write_text(PART.replace("mend it", "renew it"), encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"form@1 was published .* next version"):
        load_definitions(tmp_path)
    (tmp_path / "form.yaml").write_text(HEAD.replace("version: 1", "version: 2"), encoding="utf-8")
    library = load_definitions(tmp_path)
    assert [(one.version, one.items[0].remedy.en) for one in library.all()] == [
        (1, "mend it"),
        (2, "renew it"),
    ]
    assert library.get("form", 1).digest == digest


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("form@1.json", b"{", "form@1.json"),
        ("form@1.json", b"[]", "form@1.json"),
        ("form@1.json", b"{}", "not a checklist"),
        ("form@2.json", None, "holds form@1"),
    ],
)
def test_a_broken_published_file_is_refused(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    doc = published(written(tmp_path))
    file = tmp_path / "published" / name
    file.write_bytes(msgspec.json.encode(doc) if content is None else content)
    with pytest.raises(DefinitionError, match=said):
        load_definitions(tmp_path)


def test_the_same_version_twice_is_refused() -> None:
    with pytest.raises(DefinitionError, match="twice"):
        Library([*LIBRARY.all(), LIBRARY.all()[0]])


def test_versions_are_found_and_unknown_ones_refused() -> None:
    first = LIBRARY.get("hazard-recheck", 1)
    second = msgspec.structs.replace(first, version=10)
    library = Library([second, first, msgspec.structs.replace(first, version=9)])
    assert library.latest("hazard-recheck").version == 10
    assert [definition.version for definition in library.all()] == [1, 9, 10]
    with pytest.raises(UnknownChecklist, match="hazard-recheck@2"):
        library.get("hazard-recheck", 2)
    with pytest.raises(UnknownChecklist):
        library.latest("survey")


@pytest.mark.parametrize("definition", LIBRARY.all(), ids=lambda definition: definition.id)
def test_a_definition_survives_its_document(definition: Definition) -> None:
    doc = definition_to_document(definition)
    assert doc["_id"] == f"checklist:{definition.id}@{definition.version}"
    assert (doc["type"], doc["schema"]) == ("checklist", 1)
    back = definition_from_document(msgspec.json.decode(msgspec.json.encode(doc | {"_rev": "1-a"})))
    assert back == definition
    assert back.digest == definition.digest == doc["digest"]


def test_a_published_version_that_was_changed_is_refused() -> None:
    doc = definition_to_document(LIBRARY.latest("hazard-recheck"))
    doc["definition"]["title"]["en"] = "Changed"
    with pytest.raises(DefinitionError, match="digest"):
        definition_from_document(doc)
    with pytest.raises(DefinitionError, match="schema"):
        definition_from_document({**doc, "schema": 2})
    with pytest.raises(DefinitionError):
        definition_from_document({**doc, "definition": {"id": "x"}})


def test_the_digest_tells_any_two_definitions_apart() -> None:
    survey = LIBRARY.latest("survey-hv-10kv")
    assert len({definition.digest for definition in LIBRARY.all()}) == len(LIBRARY.all())
    assert msgspec.structs.replace(survey, version=2).digest != survey.digest
    assert msgspec.structs.replace(survey).digest == survey.digest

"""The published JSON Schema takes every definition there is, and says what each field is for."""

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

import checklists
from checklists import load_definitions
from checklists.schema import KINDS, definition_schema
from checklists.yamlfile import read_yaml

FOLDER = Path(checklists.__file__).with_name("definitions")
SECTIONS = sorted(FOLDER.glob("sections/*.yaml"))
WORDS = {"zh-CN": "词", "en": "word"}
ITEM = {
    "code": "AA-01",
    "text": WORDS,
    "type": "pass_fail",
    "severity": "major",
    "remedy": WORDS,
    "source": "x",
}


def validator(kind: Any = None) -> jsonschema.Draft202012Validator:
    schema = definition_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_file_and_every_definition_keeps_the_schema() -> None:
    form, section, whole, any_kind = (
        validator("form"),
        validator("section"),
        validator("definition"),
        validator(),
    )
    for path in sorted(FOLDER.glob("*.yaml")):
        form.validate(read_yaml(path, path.name)[0])
        any_kind.validate(read_yaml(path, path.name)[0])
    for path in SECTIONS:
        section.validate(read_yaml(path, path.name)[0])
    for definition in load_definitions().all():
        whole.validate(msgspec.json.decode(msgspec.json.encode(definition)))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_every_field_says_what_it_is_for_in_both_languages(kind: Any, language: Any) -> None:
    for name, component in definition_schema(kind, language)["$defs"].items():
        assert component["description"].strip(), name
        for field, described in component["properties"].items():
            assert described["description"].strip(), (name, field)
    assert definition_schema(kind, "en") != definition_schema(kind, "zh-CN")


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "grave"},
        {"remedies": WORDS},
        {"text": {"zh-CN": "词"}},
        {"text": {"zh-CN": " ", "en": "word"}},
        {"code": "AA#01"},
        {"type": "number"},
        {"type": "choice", "options": [{"value": "a", "text": WORDS}]},
        {"type": "signature"},
        {"type": "repeat"},
        {"type": "rule"},
        {"photos_min": 0},
        {"limits": [{"min": "1"}]},
    ],
)
def test_what_the_loader_or_lint_refuses_the_schema_refuses(changes: dict[str, Any]) -> None:
    def section(item: dict[str, Any]) -> dict[str, Any]:
        return {"id": "part", "title": WORDS, "items": [item]}

    validator("section").validate(section(ITEM))
    with pytest.raises(jsonschema.ValidationError):
        validator("section").validate(section({**ITEM, **changes}))

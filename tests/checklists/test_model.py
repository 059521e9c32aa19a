"""The model: what is published keeps its digest, and everything a definition can say survives a document."""

from typing import Any

import msgspec

from checklists import Definition, definition_from_document, definition_to_document, load_definitions
from checklists.model import entry_code, is_entry_key, split_code

WORDS = {"zh-CN": "主变", "en": "transformer"}
EVERY = {"text": WORDS, "remedy": WORDS, "severity": "major", "source": "practice"}
REPEATED: dict[str, Any] = {
    "id": "transformers",
    "version": 1,
    "stage": "acceptance",
    "title": WORDS,
    "sections": [
        {
            "id": "one",
            "title": WORDS,
            "items": [
                {
                    **EVERY,
                    "code": "T",
                    "type": "repeat",
                    "entries": {"noun": WORDS, "max": 4, "count": "facts.transformers"},
                    "items": [
                        {
                            **EVERY,
                            "code": "T-01",
                            "type": "number",
                            "unit": "kVA",
                            "severities": [{"severity": "critical", "when": "facts.important"}],
                            "limits": [{"max": 1000.0, "basis": WORDS, "since": "2026-01-01"}],
                        }
                    ],
                },
                {**EVERY, "code": "T-02", "type": "rule", "accept": "size(answers['T']) > 0"},
            ],
        }
    ],
}


def test_everything_that_a_definition_says_survives_its_document() -> None:
    definition = msgspec.convert(REPEATED, Definition)
    document = definition_to_document(definition)
    assert definition_from_document(document) == definition
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(document["definition"])), Definition)
    assert (again, again.digest) == (definition, definition.digest)


def test_the_items_of_a_repeat_follow_it() -> None:
    definition = msgspec.convert(REPEATED, Definition)
    assert [item.code for item in definition.items] == ["T", "T-01", "T-02"]
    assert {code: repeat.code for code, repeat in definition.repeat_of.items()} == {"T-01": "T"}


def test_what_a_definition_does_not_say_stands_in_no_document() -> None:
    for definition in load_definitions().all():
        for section in definition_to_document(definition)["definition"]["sections"]:
            for item in section["items"]:
                if item["type"] not in ("repeat", "rule"):
                    assert not {"items", "entries"} & item.keys()


def test_an_entry_is_named_behind_its_item() -> None:
    assert split_code(entry_code("CT-03", "5f0c-1")) == ("CT-03", "5f0c-1")
    assert split_code("CT-03") == ("CT-03", None)
    assert [is_entry_key(key) for key in ("a", "A_1-b", "x" * 36)] == [True] * 3
    assert [is_entry_key(key) for key in ("", "x" * 37, "a b", "a#b", "主变", 7)] == [False] * 6

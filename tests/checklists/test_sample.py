"""Made-up sites pass as a whole: every entry, and every rule that compares them."""

from typing import Any

import msgspec
import pytest

from checklists import evaluate, good_answers
from tests.checklists.transformers import AT, FACTS, FORM


def photos(name: str, wanted: int) -> list[str]:
    return [f"photo:{name}-{number}" for number in range(wanted)]


def filled(facts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return good_answers(FORM, facts, photo_for=photos, by="lin", at=AT, **more)


@pytest.mark.parametrize("entries", [1, 2, 3])
def test_each_entry_is_filled_in_and_together_they_keep_the_rules(entries: int) -> None:
    answers = filled(FACTS, entries=entries)
    assert len(answers["T"]["value"]) == entries
    assert sum(answers[name]["value"] for name in answers if name.startswith("T-01#")) == 1030
    judged = evaluate(FORM, FACTS, answers, visit={"start": 0.0, "end": 1.0}, photos={})
    assert judged.complete
    assert {item.verdict for item in judged.items if item.shown} == {"pass"}


def test_what_a_site_does_not_have_is_not_filled_in() -> None:
    assert set(filled({**FACTS, "transformer_type": "gas"})) == {"A-01", "B-01"}


def test_an_item_that_nothing_satisfies_is_named() -> None:
    section = FORM.sections[0]
    last = section.items[-1]
    never = msgspec.structs.replace(last, code="R-03", accept='answers["A-01"] == "never"')
    other = msgspec.structs.replace(
        FORM, sections=(msgspec.structs.replace(section, items=(section.items[0], never)),)
    )
    with pytest.raises(ValueError, match="R-03"):
        good_answers(other, FACTS, photo_for=photos, by="lin", at=AT)

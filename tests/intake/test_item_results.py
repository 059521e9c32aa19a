"""An item's result carries what a notice and a report say of it."""

from __future__ import annotations

import msgspec
import pytest

from checklists import evaluate, load_definitions
from checklists.model import Text
from server.intake.judging import item_result


@pytest.mark.parametrize(("code", "certainty"), [("CX-08", "verify"), ("CG-04#k", "settled")])
def test_a_limit_that_must_be_verified_says_so_in_the_result(code: str, certainty: str) -> None:
    answer = {"value": 1, "by": "lin", "at": "2025-03-04T09:30:00+08:00"}
    judged = evaluate(load_definitions().latest("acceptance-hv"), {}, {code: answer}, only={code})
    result = item_result(judged.items[0])
    assert (result.code, result.verdict, result.certainty) == (code, "fail", certainty)


def test_words_that_are_too_long_for_a_case_are_cut_and_not_refused() -> None:
    """A checklist of the office's own may say more than a case takes; its forms are heard all the same."""
    definition = load_definitions().latest("acceptance-hv")
    long = msgspec.structs.replace(definition.by_code["CG-04"], remedy=Text("长" * 5000, "long" * 5000))
    answer = {"value": 1, "by": "lin", "at": "2025-03-04T09:30:00+08:00"}
    form = msgspec.structs.replace(
        definition, sections=(msgspec.structs.replace(definition.sections[0], items=(long,)),)
    )
    [judged] = evaluate(form, {}, {"CG-04": answer}).items
    remedy = item_result(judged).remedy
    assert remedy is not None
    assert (len(remedy.zh), len(remedy.en), remedy.zh[-1]) == (4000, 4000, "…")

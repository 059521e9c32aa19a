"""An item's result carries what a notice and a report say of it."""

from __future__ import annotations

import pytest

from checklists import evaluate, load_definitions
from server.intake.judging import item_result


@pytest.mark.parametrize(("code", "certainty"), [("CX-08", "verify"), ("CG-04", "settled")])
def test_a_limit_that_must_be_verified_says_so_in_the_result(code: str, certainty: str) -> None:
    answer = {"value": 1, "by": "lin", "at": "2025-03-04T09:30:00+08:00"}
    judged = evaluate(load_definitions().latest("acceptance-hv"), {}, {code: answer}, only={code})
    result = item_result(judged.items[0])
    assert (result.code, result.verdict, result.certainty) == (code, "fail", certainty)

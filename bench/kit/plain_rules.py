"""The yardstick of checklists: their conditions and limits as plain Python, as one would write them by hand.

It reads answers that are known to be sound; the evaluator beside it trusts nobody.
"""

from __future__ import annotations

import re
from types import CodeType
from typing import Any

from checklists import Definition, Item
from checklists.loader import derived_facts
from checklists.model import Limit, entry_code

Facts = dict[str, Any]
Answers = dict[str, Any]

RANK = {"pass": 0, "not_judged": 1, "warning": 2, "fail": 3}


def python_of(expression: str) -> CodeType:
    """A condition as Python; those of these checklists read the same but for a few signs."""
    spelled = re.sub(r"\bfacts\.(\w+)", r'facts["\1"]', expression)
    for sign, word in (("&&", " and "), ("||", " or "), ("true", "True"), ("false", "False")):
        spelled = spelled.replace(sign, word)
    return compile(re.sub(r"!(?!=)", " not ", spelled).strip(), expression, "eval")


class Plain:
    """A definition's rules as compiled Python predicates."""

    def __init__(self, definition: Definition) -> None:
        self.derived = {name: python_of(expression) for name, expression in derived_facts().items()}
        self.items = definition.items
        self.repeat_of = definition.repeat_of
        self.when = {item.code: python_of(item.when) for item in self.items if item.when}
        self.accept = {item.code: python_of(item.accept) for item in self.items if item.accept}
        self.limits = {
            item.code: [(limit, python_of(limit.when) if limit.when else None) for limit in item.limits]
            for item in self.items
        }

    def judge(self, facts: Facts, answers: Answers) -> dict[str, str]:
        """The verdict of every line, by its code."""
        known = dict(facts)
        for name, code in self.derived.items():
            known[name] = bool(eval(code, {"facts": known}))
        verdicts = {}
        for item in self.items:
            if item.type == "repeat":
                continue
            repeat = self.repeat_of.get(item.code)
            if repeat is None:
                verdicts[item.code] = self.line(item, item.code, known, answers, "")
                continue
            for entry in answers.get(repeat.code, {}).get("value") or ():
                name = entry_code(item.code, entry["entry"])
                verdicts[name] = self.line(item, name, known, answers, entry["entry"])
        return verdicts

    def line(self, item: Item, name: str, facts: Facts, answers: Answers, entry: str) -> str:
        values = _Values(answers, entry)
        scope = {"facts": facts, "answers": values}
        if item.code in self.when and not eval(self.when[item.code], scope):
            return "not_judged"
        answer = answers.get(name)
        if answer is None:
            return "not_judged"
        if answer.get("defect"):
            return "fail"
        value = answer.get("value")
        if value == "na":
            return "pass"
        found = [self.by_value(item, value)]
        if item.type == "number":
            found.extend(
                limit.verdict
                for limit, when in self.limits[item.code]
                if (when is None or eval(when, scope)) and breaks(limit, value)
            )
        if item.code in self.accept and not eval(self.accept[item.code], scope):
            found.append(item.accept_verdict)
        return max(found, key=RANK.__getitem__)

    @staticmethod
    def by_value(item: Item, value: Any) -> str:
        if item.type in ("pass_fail", "file"):
            return "pass" if value in ("pass", "provided") else "fail"
        if item.type in ("choice", "multi_choice"):
            chosen = value if isinstance(value, list) else [value]
            return max((one.verdict for one in item.options if one.value in chosen), key=RANK.__getitem__)
        return "pass"


class _Values(dict[str, Any]):
    """The values of answers by code: those of an entry, then those outside."""

    def __init__(self, answers: Answers, entry: str) -> None:
        super().__init__()
        self.answers = answers
        self.entry = entry

    def __missing__(self, code: str) -> Any:
        own = self.answers.get(entry_code(code, self.entry)) if self.entry else None
        return (own or self.answers[code])["value"]


def breaks(limit: Limit, value: float) -> bool:
    return (limit.min is not None and value < limit.min) or (limit.max is not None and value > limit.max)

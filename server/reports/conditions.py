"""Conditions in words, for paper: names become titles and signs words; what is too intricate stays CEL."""

from __future__ import annotations

import re
from collections.abc import Mapping

from checklists.loader import fact_definitions
from checklists.model import Definition, Text
from server.texts import text

__all__ = ["in_words"]

_TOKEN = re.compile(
    r'"(?P<member>[^"\\]+)" in (?P<root>answers|photos)\b'
    r'|facts\.(?P<fact>\w+)|answers\["(?P<item>[^"]+)"\]|"(?P<value>[^"\\]*)"'
    r"|(?P<sign>&&|\|\||==|!=|>=|<=|[<>!()])|(?P<number>\d+(?:\.\d+)?)|(?P<space>\s+)"
)
_SIGNS: Mapping[str, str] = {
    "&&": "and",
    "||": "or",
    "!": "not",
    "==": "is",
    "!=": "is_not",
    ">=": "least",
    "<=": "most",
}


def in_words(expression: str, definition: Definition, language: str) -> str:
    """The condition as a reader understands it; the expression itself where words would not be shorter."""
    words: list[str] = []
    at = 0
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        if token is None:
            return expression
        said = _said(token, definition, language, _options(expression, definition))
        if said is None:
            return expression
        words.append(said)
        at = token.end()
    return re.sub(r"\s+", " ", "".join(words)).strip()


def _said(
    token: re.Match[str], definition: Definition, language: str, options: Mapping[str, Text]
) -> str | None:
    """One token in words; None if it has none."""
    if (member := token["member"]) is not None:
        known = member in definition.by_code
        return text(f"form.in_{token['root']}", language, item=member) if known else None
    if (name := token["fact"]) is not None:
        fact = fact_definitions().get(name)
        return _in(fact.title, language) if fact is not None else None
    if (code := token["item"]) is not None:
        return code if code in definition.by_code else None
    if (value := token["value"]) is not None:
        option = options.get(value)
        return _in(option, language) if option is not None else None
    if (sign := token["sign"]) is not None:
        return text(f"form.sign_{_SIGNS[sign]}", language) if sign in _SIGNS else sign
    return token["number"] or " "


def _options(expression: str, definition: Definition) -> dict[str, Text]:
    """What the values mean that the facts and items of an expression can have."""
    found: dict[str, Text] = {}
    for name in re.findall(r"facts\.(\w+)", expression):
        if name in fact_definitions():
            found |= {option.value: option.text for option in fact_definitions()[name].options}
    for code in re.findall(r'answers\["([^"]+)"\]', expression):
        item = definition.by_code.get(code)
        if item is not None:
            found |= {option.value: option.text for option in item.options}
            for value in ("pass", "fail", "na", "provided", "missing"):
                found.setdefault(
                    value, Text(text(f"form.box_{value}", "zh-CN"), text(f"form.box_{value}", "en"))
                )
    return found


def _in(words: Text, language: str) -> str:
    return words.zh if language == "zh-CN" else words.en

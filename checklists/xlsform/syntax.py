"""Parsers for the two expression languages: XPath as XLSForms use it, and CEL as definitions do.

Both make the same trees, of which the translations read; neither decides what the other language can say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

__all__ = [
    "CHARACTERS_A_WORD",
    "MAX_CHARACTERS",
    "MAX_DEPTH",
    "Node",
    "Untranslatable",
    "parse_cel",
    "parse_xpath",
]

#: Characters and words of an expression, and how deep its parts nest. The evaluator takes 500 nodes.
MAX_CHARACTERS = 8_000
MAX_TOKENS = 400
MAX_DEPTH = 40
#: What a word of an expression is taken to have on average, to estimate the cost of one before it is read.
CHARACTERS_A_WORD = 4


class Untranslatable(Exception):
    """An expression cannot be read or said in the other language; `reason` is a short English phrase that
    names the part at fault."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Node:
    """`op` with its operands in `args`; leaves hold what they stand for in `value`.

    Leaves: `number` and `text` (value: the number as digits, the text), `ref` (an XLSForm name), `self`,
    `name` (an identifier). `call` and `method` have the function's name as value, and a method its target as
    the first operand; `member` the member's name. Otherwise `op` is the operator itself, or `list`, `index`,
    `if`, `neg`.
    """

    op: str
    args: tuple[Node, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


_XPATH = re.compile(
    r"""(?P<number>\d+\.?\d*|\.\d+)
    |(?P<text>'[^']*'|"[^"]*")
    |\$\{\s*(?P<ref>[^}\s]+)\s*\}
    |(?P<name>[^\W\d][\w.-]*(?::[^\W\d][\w.-]*)?)
    |(?P<sign>\.\.|//|!=|<=|>=|[-.+*/=<>()|,@\[\]])
    |(?P<space>\s+)""",
    re.VERBOSE,
)
_CEL = re.compile(
    r"""(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-.+*/%<>()?:,!\[\]{}])
    |(?P<space>\s+)""",
    re.VERBOSE | re.ASCII,
)
_CURLY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
_XPATH_BINARY: Mapping[str, int] = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("=", "!="), 3),
    **dict.fromkeys(("<", "<=", ">", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "div", "mod"), 6),
}
_CEL_BINARY: Mapping[str, int] = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
#: Both languages' operators under one name, the CEL one.
_SAME = {"or": "||", "and": "&&", "=": "==", "div": "/", "mod": "%"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?"}


def parse_xpath(text: str) -> Node:
    """Raises Untranslatable."""
    return _XPathParser(_tokens(_XPATH, text.translate(_CURLY))).parse()


def parse_cel(text: str) -> Node:
    """Raises Untranslatable."""
    return _CelParser(_tokens(_CEL, text)).parse()


def _tokens(pattern: re.Pattern[str], text: str) -> list[_Token]:
    if len(text) > MAX_CHARACTERS:
        raise Untranslatable(f"longer than {MAX_CHARACTERS} characters")
    tokens, at = [], 0
    while at < len(text):
        found = pattern.match(text, at)
        if found is None or found.lastgroup is None:
            raise Untranslatable(f"`{text[at : at + 10]}` is not understood")
        if found.lastgroup != "space":
            tokens.append(_Token(found.lastgroup, found[found.lastgroup], at))
        if len(tokens) > MAX_TOKENS:
            raise Untranslatable(f"longer than {MAX_TOKENS} words")
        at = found.end()
    return [*tokens, _Token("end", "", at)]


class _Parser:
    """Precedence climbing over tokens; a language says what binds how tightly and what a primary is."""

    binary: Mapping[str, int] = {}

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._nested(self.expression)
        if self.peek.kind != "end":
            self.fail()
        return node

    @property
    def peek(self) -> _Token:
        return self._tokens[self._at]

    def take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def taken(self, sign: str) -> bool:
        if self.peek.kind == "sign" and self.peek.text == sign:
            self._at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.taken(sign):
            self.fail()

    def fail(self) -> NoReturn:
        token = self.peek
        raise Untranslatable(f"`{token.text}` is out of place" if token.kind != "end" else "it ends too soon")

    def _nested(self, part: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Untranslatable(f"nested deeper than {MAX_DEPTH}")
        node = part()
        self._depth -= 1
        return node

    def in_brackets(self) -> Node:
        """What stands behind the `(` just taken, and its end."""
        node = self._nested(self.expression)
        self.expect(")")
        return node

    def expression(self) -> Node:
        return self.operators(1)

    def operators(self, weakest: int) -> Node:
        left = self._nested(self.unary)
        while (token := self.peek).kind in ("sign", "name") and self.binary.get(token.text, 0) >= weakest:
            self.take()
            tighter = self.binary[token.text] + 1
            right = self._nested(partial(self.operators, tighter))
            left = Node(_SAME.get(token.text, token.text), (left, right))
        return left

    def unary(self) -> Node:
        raise NotImplementedError

    def arguments(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        if self.taken(closing):
            return ()
        while True:
            found.append(self._nested(self.expression))
            if self.taken(closing):
                return tuple(found)
            self.expect(",")


class _XPathParser(_Parser):
    binary = _XPATH_BINARY

    def unary(self) -> Node:
        if self.taken("-"):
            return Node("neg", (self._nested(self.unary),))
        node = self.primary()
        if self.peek.text in ("/", "//", "[", "|", "@") and self.peek.kind == "sign":
            raise Untranslatable("paths into the form")
        return node

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Node("number", value=token.text)
        if token.kind == "text":
            return Node("text", value=token.text[1:-1])
        if token.kind == "ref":
            return Node("ref", value=token.text)
        if token.kind == "name" and self.taken("("):
            return Node("call", self.arguments(")"), token.text)
        if token.text == "(":
            return self.in_brackets()
        if token.text == ".":
            return Node("self")
        if token.text in ("..", "/", "//", "@", "*") or token.kind == "name":
            raise Untranslatable("paths into the form")
        self._at -= 1
        self.fail()


class _CelParser(_Parser):
    binary = _CEL_BINARY

    def expression(self) -> Node:
        condition = self.operators(1)
        if not self.taken("?"):
            return condition
        chosen = self._nested(self.expression)
        self.expect(":")
        return Node("if", (condition, chosen, self._nested(self.expression)))

    def unary(self) -> Node:
        if self.taken("-"):
            return Node("neg", (self._nested(self.unary),))
        if self.taken("!"):
            return Node("!", (self._nested(self.unary),))
        node = self.primary()
        while True:
            if self.taken("."):
                name = self.take()
                if name.kind != "name":
                    self._at -= 1
                    self.fail()
                if self.taken("("):
                    node = Node("method", (node, *self.arguments(")")), name.text)
                else:
                    node = Node("member", (node,), name.text)
            elif self.taken("["):
                node = Node("index", (node, *self.arguments("]")))
            else:
                return node

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Node("number", value=token.text)
        if token.kind == "text":
            return Node("text", value=_unescaped(token.text[1:-1]))
        if token.kind == "name":
            if self.taken("("):
                return Node("call", self.arguments(")"), token.text)
            return Node("name", value=token.text)
        if token.text == "(":
            return self.in_brackets()
        if token.text == "[":
            return Node("list", self.arguments("]"))
        self._at -= 1
        self.fail()


def _unescaped(body: str) -> str:
    def plain(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPES:
            raise Untranslatable(f"the escape `{found[0]}`")
        return _ESCAPES[found[2]]

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", plain, body)

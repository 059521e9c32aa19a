"""XPath as XLSForms use it, said in CEL.

What XLSForm leaves empty is not known here: an expression that needs it cannot be decided and is then read
strictly, as everywhere in checklists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from checklists.xlsform.pieces import PRIMARY, UNARY, Piece, binary, check_comparable, described
from checklists.xlsform.scope import Kind, Question, Scope
from checklists.xlsform.syntax import CHARACTERS_A_WORD, MAX_CHARACTERS, Node, Untranslatable, parse_xpath

__all__ = ["FUNCTIONS", "condition_to_cel", "number_to_cel"]

_LEVELS: Mapping[str, int] = {
    "||": 2,
    "&&": 3,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/"), 6),
}
_TERNARY = 1
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: How deep calculations refer to calculations, and how many parts an expression has with all of them put in.
_CALCULATIONS_DEEP = 10
_PARTS = 2_000


def condition_to_cel(xpath: str, scope: Scope, own: Question | None = None, within: str | None = None) -> str:
    """An XPath condition as CEL. `own` is the question that `.` stands for, `within` the code of the repeat
    the expression stands in. Raises Untranslatable."""
    translator = _Translator(scope, own, within)
    return _bounded(translator.truth(_parsed(xpath, scope)).text)


def number_to_cel(xpath: str, scope: Scope, within: str | None = None) -> str:
    """An XPath number as CEL. Raises Untranslatable."""
    return _bounded(_number(_Translator(scope, None, within).piece(_parsed(xpath, scope))).text)


def _parsed(xpath: str, scope: Scope) -> Node:
    scope.effort.spend(len(xpath) // CHARACTERS_A_WORD)
    return parse_xpath(xpath)


def _bounded(cel: str) -> str:
    if len(cel) > MAX_CHARACTERS:
        raise Untranslatable(f"longer than {MAX_CHARACTERS} characters")
    return cel


def _number(piece: Piece) -> Piece:
    if piece.kind == "text" and piece.constant is not None:
        return Piece(_digits(piece.constant), "number", constant=piece.constant)
    if piece.kind != "number" or piece.many:
        raise Untranslatable(f"{described(piece)} where a number is wanted")
    return piece


def _doubled(piece: Piece) -> Piece:
    if not piece.whole:
        return piece
    return Piece(f"1 * {piece.at(_LEVELS['*'] + 1)}", "number", _LEVELS["*"])


def _quoted(text: str) -> Piece:
    return Piece(json.dumps(text, ensure_ascii=False), "text", constant=text)


def _digits(text: str) -> str:
    """A number as CEL writes it: digits before the point, none after it if it is whole, no exponent."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Untranslatable(f"`{text}` where a number is wanted") from None
    if not value.is_finite():
        raise Untranslatable(f"`{text}` where a number is wanted")
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") or "0" if "." in plain else plain


class _Translator:
    """Translates one expression; the methods return pieces or raise Untranslatable."""

    def __init__(self, scope: Scope, own: Question | None, within: str | None) -> None:
        self._scope = scope
        self._own = own
        self._within = within
        self._deep = 0
        self._parts = 0

    def truth(self, node: Node) -> Piece:
        """A node as true or false, as XPath's boolean() has it."""
        piece = self.piece(node)
        if piece.kind == "bool":
            return piece
        if piece.question is not None and piece.kind in ("text", "choice", "choices", "date", "other"):
            return self._answered(piece.question)
        raise Untranslatable(f"{described(piece)} where true or false is wanted")

    def piece(self, node: Node) -> Piece:
        self._scope.effort.spend()
        self._parts += 1
        if self._parts > _PARTS:
            raise Untranslatable(f"more than {_PARTS} parts")
        if node.op == "number":
            return Piece(_digits(node.value), "number", constant=node.value)
        if node.op == "text":
            return _quoted(node.value)
        if node.op == "self":
            if self._own is None:
                raise Untranslatable("`.` outside a constraint")
            return self._reference(self._own)
        if node.op == "ref":
            return self._reference(self._named(node.value))
        if node.op == "neg":
            inner = self._double(node.args[0])
            return Piece(f"-{inner.at(UNARY)}", "number", UNARY)
        if node.op == "call":
            return self._call(node)
        if node.op in ("&&", "||"):
            return self._binary(node.op, self.truth(node.args[0]), self.truth(node.args[1]), "bool")
        if node.op in ("+", "-", "*", "/"):
            return self._arithmetic(node)
        if node.op in ("==", "!=", "<", "<=", ">", ">="):
            return self._comparison(node)
        raise Untranslatable(f"`{node.op}`")

    def _named(self, name: str) -> Question:
        if name not in self._scope.by_name:
            raise Untranslatable(f"${{{name}}}, which is no question of this form")
        return self._scope.by_name[name]

    def _reference(self, question: Question) -> Piece:
        if question.calculation is not None:
            if self._deep >= _CALCULATIONS_DEEP:
                raise Untranslatable(f"calculations that go round or deeper than {_CALCULATIONS_DEEP}")
            own, self._own, self._deep = self._own, None, self._deep + 1
            piece = self.piece(_parsed(question.calculation, self._scope))
            self._own, self._deep = own, self._deep - 1
            return replace(piece, question=None)
        if question.fact:
            plain = _IDENTIFIER.fullmatch(question.code)
            text = f"facts.{question.code}" if plain else f"facts[{json.dumps(question.code)}]"
            return Piece(text, question.kind, question=question)
        if question.repeat is not None and question.repeat != self._within:
            raise Untranslatable(f"${{{question.name}}}, which each entry of a repeat answers for itself")
        return Piece(f"answers[{self._code(question)}]", question.kind, question=question)

    def _code(self, question: Question) -> str:
        return json.dumps(question.code, ensure_ascii=False)

    def _answered(self, question: Question) -> Piece:
        self._reference(question)
        if question.fact:
            return Piece(f"{json.dumps(question.code)} in facts", "bool", _LEVELS["in"])
        return Piece(f"{self._code(question)} in answers", "bool", _LEVELS["in"])

    def _number(self, node: Node) -> Piece:
        return _number(self.piece(node))

    def _double(self, node: Node) -> Piece:
        return _doubled(self._number(node))

    def _texts(self, node: Node) -> Piece:
        piece = self.piece(node)
        if piece.kind not in ("text", "choice"):
            raise Untranslatable(f"{described(piece)} where a text is wanted")
        return piece

    def _binary(self, operator: str, left: Piece, right: Piece, kind: Kind) -> Piece:
        return binary(left, operator, right, _LEVELS[operator], kind)

    def _arithmetic(self, node: Node) -> Piece:
        left, right = self.piece(node.args[0]), self.piece(node.args[1])
        if node.op == "-" and left.kind == right.kind == "date" and left.days == right.days:
            return Piece(f"days({right.text}, {left.text})", "number")
        left, right = _number(left), _number(right)
        if node.op == "/":
            left = _doubled(left)
        return replace(self._binary(node.op, left, right, "number"), whole=left.whole)

    def _comparison(self, node: Node) -> Piece:
        for one, other in (node.args, node.args[::-1]):
            if one.op == "text" and one.value == "" and node.op in ("==", "!="):
                return self._emptiness(node.op, other)
        left, right = self._alike(self.piece(node.args[0]), self.piece(node.args[1]), node.op)
        if left.kind == "bool":
            return self._same_truth(node.op, left, right)
        return self._binary(node.op, left, right, "bool")

    def _emptiness(self, operator: str, node: Node) -> Piece:
        question = self.piece(node).question
        if question is None:
            raise Untranslatable("whether something is empty that is no question")
        answered = self._answered(question)
        return answered if operator == "!=" else Piece(f"!{answered.at(UNARY)}", "bool", UNARY)

    def _alike(self, left: Piece, right: Piece, operator: str = "==") -> tuple[Piece, Piece]:
        left, right = self._same_kind(left, right)
        check_comparable(left, operator, right)
        return left, right

    def _same_kind(self, left: Piece, right: Piece) -> tuple[Piece, Piece]:
        if left.constant is not None and right.constant is None:
            right, left = self._same_kind(right, left)
            return left, right
        if right.constant is not None and left.constant is None:
            right = self._constant_like(right.constant, left)
        return left, right

    def _constant_like(self, constant: str, other: Piece) -> Piece:
        if other.kind == "number":
            return Piece(_digits(constant), "number", constant=constant)
        if other.kind == "date" and not other.days and _DATE.fullmatch(constant):
            return Piece(json.dumps(constant), "date")
        if other.kind == "bool" and other.question is not None and constant in ("true", "false"):
            return Piece(constant, "bool")
        return _quoted(self._option(other.question, constant))

    def _option(self, question: Question | None, name: str) -> str:
        if question is None or question.kind not in ("choice", "choices"):
            return name
        if name not in question.options:
            raise Untranslatable(f"'{name}', which is no choice of ${{{question.name}}}")
        return question.options[name]

    def _same_truth(self, operator: str, left: Piece, right: Piece) -> Piece:
        if left.text in ("true", "false"):
            left, right = right, left
        if right.text not in ("true", "false"):
            return self._binary(operator, left, right, "bool")
        same = (right.text == "true") == (operator == "==")
        return left if same else Piece(f"!{left.at(UNARY)}", "bool", UNARY)

    def _call(self, node: Node) -> Piece:
        known = FUNCTIONS.get(node.value)
        if known is None:
            raise Untranslatable(f"{node.value}()")
        counts, translate = known
        if len(node.args) not in counts:
            raise Untranslatable(f"{node.value}() with {len(node.args)} arguments")
        return translate(self, *node.args)

    def _not(self, node: Node) -> Piece:
        return Piece(f"!{self.truth(node).at(UNARY)}", "bool", UNARY)

    def _selected(self, asked: Node, chosen: Node) -> Piece:
        piece = self.piece(asked)
        if chosen.op not in ("text", "number") or piece.kind not in ("choice", "choices"):
            raise Untranslatable("selected() of anything but a choice and its name")
        value = _quoted(self._option(piece.question, chosen.value))
        if piece.kind == "choice":
            return self._binary("==", piece, value, "bool")
        return self._binary("in", value, piece, "bool")

    def _size(self, kinds: tuple[Kind, ...]) -> Callable[[Node], Piece]:
        def size(node: Node) -> Piece:
            piece = self.piece(node)
            if piece.kind not in kinds or piece.many:
                raise Untranslatable(f"the size of {described(piece)}")
            return Piece(f"size({piece.text})", "number", whole=True)

        return size

    def _count(self, node: Node) -> Piece:
        question = self._named(node.value) if node.op == "ref" else None
        if question is None or question.fact:
            raise Untranslatable("count() of anything but a repeat")
        repeat = question.code if question.kind == "entries" else question.repeat
        if repeat is None or repeat == self._within:
            raise Untranslatable("count() of anything but a repeat")
        return Piece(f"size(answers[{json.dumps(repeat, ensure_ascii=False)}])", "number", whole=True)

    def _entries(self, node: Node) -> Piece | None:
        """What all entries of a repeat answer to one of its questions, if that is what `node` asks for."""
        question = self._scope.by_name.get(node.value) if node.op == "ref" else None
        if question is None or question.repeat in (None, self._within) or question.kind != "number":
            return None
        repeat = json.dumps(question.repeat, ensure_ascii=False)
        return Piece(f"answers[{repeat}].map(e, e[{self._code(question)}])", "number", many=True)

    def _over(self, function: str, *nodes: Node) -> Piece:
        many = self._entries(nodes[0]) if len(nodes) == 1 else None
        if many is not None:
            return Piece(f"{function}({many.text})", "number")
        if function == "sum" or len(nodes) == 1:
            raise Untranslatable(f"{function}() of anything but a question in a repeat")
        return Piece(f"{function}([{', '.join(self._double(node).text for node in nodes)}])", "number")

    def _rounded(self, node: Node, digits: Node | None = None) -> Piece:
        places = "0" if digits is None else self._double(digits).text
        return Piece(f"round({self._double(node).text}, {places})", "number")

    def _if(self, condition: Node, chosen: Node, otherwise: Node) -> Piece:
        left, right = map(_doubled, self._alike(self.piece(chosen), self.piece(otherwise)))
        test = self.truth(condition).at(_TERNARY + 1)
        text = f"{test} ? {left.at(_TERNARY + 1)} : {right.at(_TERNARY)}"
        return Piece(text, left.kind, _TERNARY)

    def _coalesce(self, first: Node, second: Node) -> Piece:
        piece = self.piece(first)
        if piece.question is None:
            raise Untranslatable("coalesce() of anything but a question")
        piece, other = self._alike(piece, _doubled(self.piece(second)))
        answered = self._answered(piece.question) if piece.question else piece
        return Piece(f"{answered.text} ? {piece.text} : {other.at(_TERNARY)}", piece.kind, _TERNARY)

    def _method(self, name: str, text: Node, part: Node) -> Piece:
        return Piece(f"{self._texts(text).at(PRIMARY)}.{name}({self._texts(part).text})", "bool")

    def _concatenated(self, *nodes: Node) -> Piece:
        pieces = [self._texts(node) for node in nodes]
        return Piece(" + ".join(piece.at(_LEVELS["+"] + 1) for piece in pieces), "text", _LEVELS["+"])

    def _date(self, node: Node) -> Piece:
        piece = self.piece(node)
        if piece.constant is not None and _DATE.fullmatch(piece.constant):
            return Piece(json.dumps(piece.constant), "date")
        if piece.kind != "date":
            raise Untranslatable(f"{described(piece)} where a date is wanted")
        return piece

    def _day_number(self, node: Node) -> Piece:
        piece = self._date(node)
        return Piece(piece.text, "date", days=True)


_One = Callable[..., Piece]
#: What XPath may call: with how many arguments, and what it is in CEL.
FUNCTIONS: Mapping[str, tuple[tuple[int, ...], _One]] = {
    "true": ((0,), lambda _: Piece("true", "bool")),
    "false": ((0,), lambda _: Piece("false", "bool")),
    "not": ((1,), _Translator._not),
    "selected": ((2,), _Translator._selected),
    "count-selected": ((1,), lambda self, node: self._size(("choices",))(node)),
    "string-length": ((1,), lambda self, node: self._size(("text", "choice"))(node)),
    "count": ((1,), _Translator._count),
    "sum": ((1,), lambda self, node: self._over("sum", node)),
    "min": (tuple(range(1, 9)), lambda self, *nodes: self._over("least", *nodes)),
    "max": (tuple(range(1, 9)), lambda self, *nodes: self._over("greatest", *nodes)),
    "round": ((1, 2), _Translator._rounded),
    "abs": ((1,), lambda self, node: Piece(f"abs({self._double(node).text})", "number")),
    "number": ((1,), _Translator._number),
    "if": ((3,), _Translator._if),
    "coalesce": ((2,), _Translator._coalesce),
    "contains": ((2,), lambda self, *nodes: self._method("contains", *nodes)),
    "starts-with": ((2,), lambda self, *nodes: self._method("startsWith", *nodes)),
    "ends-with": ((2,), lambda self, *nodes: self._method("endsWith", *nodes)),
    "concat": (tuple(range(2, 9)), _Translator._concatenated),
    "date": ((1,), _Translator._date),
    "decimal-date-time": ((1,), _Translator._day_number),
}

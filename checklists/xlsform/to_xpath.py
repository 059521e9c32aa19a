"""CEL as definitions use it, said in XPath for other programs, as far as XPath and the form can say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from checklists.xlsform.pieces import UNARY, Piece, binary, check_comparable, described
from checklists.xlsform.scope import Kind, Question, Scope
from checklists.xlsform.syntax import CHARACTERS_A_WORD, Node, Untranslatable, parse_cel

__all__ = ["condition_to_xpath", "digits", "number_to_xpath"]

_LEVELS: Mapping[str, int] = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!="), 3),
    **dict.fromkeys(("<", "<=", ">", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/"), 6),
}
_SIGNS = {"||": "or", "&&": "and", "==": "=", "/": "div"}
_METHODS = {"contains": "contains", "startsWith": "starts-with", "endsWith": "ends-with"}
_NAME = re.compile(r"[^\W\d][\w.-]*")


def condition_to_xpath(cel: str, scope: Scope, within: str | None = None) -> str:
    """A CEL condition as XPath. `within` is the code of the repeat it stands in. Raises Untranslatable."""
    return _plain(_Translator(scope, within).truth(_parsed(cel, scope)).text)


def number_to_xpath(cel: str, scope: Scope) -> str:
    """A CEL number as XPath. Raises Untranslatable."""
    return _plain(_Translator(scope, None).number(_parsed(cel, scope)).text)


def _parsed(cel: str, scope: Scope) -> Node:
    scope.effort.spend(len(cel) // CHARACTERS_A_WORD)
    return parse_cel(cel)


def digits(value: float) -> str:
    """A number as both languages read it back: every digit, no exponent."""
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _plain(xpath: str) -> str:
    # A cell that begins like a formula is taken for one when the form is edited, so none does.
    return f"({xpath})" if xpath[:1] in ("-", "+", "=", "@", "'") else xpath


class _Translator:
    def __init__(self, scope: Scope, within: str | None) -> None:
        self._scope = scope
        self._within = within

    def truth(self, node: Node) -> Piece:
        piece = self.piece(node)
        if piece.kind != "bool":
            raise Untranslatable(f"{described(piece)} where true or false is wanted")
        return piece

    def number(self, node: Node) -> Piece:
        return _number(self.piece(node))

    def piece(self, node: Node) -> Piece:
        self._scope.effort.spend()
        known = _NODES.get(node.op)
        if known is not None:
            return known(self, node)
        if node.op in ("&&", "||"):
            return self._binary(node.op, self.truth(node.args[0]), self.truth(node.args[1]), "bool")
        if node.op in ("+", "-", "*", "/"):
            return self._arithmetic(node)
        if node.op in ("==", "!=", "<", "<=", ">", ">="):
            return self._comparison(node)
        raise Untranslatable(f"`{node.op}`")

    def _constant(self, node: Node) -> Piece:
        if node.op == "number":
            text = digits(float(node.value))
            return Piece(text, "number", constant=text)
        if node.op == "text":
            return _text(node.value)
        if node.value not in ("true", "false"):
            raise Untranslatable(f"`{node.value}`")
        return Piece(f"{node.value}()", "bool", constant=node.value)

    def _looked_up(self, node: Node) -> Piece:
        question = self._question(node)
        if question is None:
            raise Untranslatable("a value of anything but `facts` and `answers`")
        if question.repeat not in (None, self._within):
            raise Untranslatable(f"`{question.code}`, which each entry of a repeat answers for itself")
        if question.kind == "bool":
            return Piece(f"${{{question.name}}} = 'true'", "bool", _LEVELS["=="], question=question)
        return Piece(f"${{{question.name}}}", question.kind, question=question)

    def _question(self, node: Node) -> Question | None:
        """The question that `facts.x` or `answers["x"]` names, if the node is that."""
        if node.op == "member":
            key = node.value
        elif node.op == "index" and node.args[1].op == "text":
            key = node.args[1].value
        else:
            return None
        return self._in(node.args[0], key)

    def _in(self, collection: Node, key: str) -> Question | None:
        if collection.op != "name" or collection.value not in ("facts", "answers"):
            return None
        known = self._scope.facts if collection.value == "facts" else self._scope.items
        if key not in known:
            raise Untranslatable(f"`{key}`, which this form does not ask")
        return known[key]

    def _negated(self, node: Node) -> Piece:
        return Piece(f"not({self.truth(node.args[0]).text})", "bool")

    def _minus(self, node: Node) -> Piece:
        return Piece(f"-{self.number(node.args[0]).at(UNARY)}", "number", UNARY)

    def _if(self, node: Node) -> Piece:
        test = self.truth(node.args[0])
        chosen, otherwise = self._alike(self.piece(node.args[1]), self.piece(node.args[2]))
        return Piece(f"if({test.text}, {chosen.text}, {otherwise.text})", chosen.kind)

    def _binary(self, operator: str, left: Piece, right: Piece, kind: Kind) -> Piece:
        return binary(left, _SIGNS.get(operator, operator), right, _LEVELS[operator], kind)

    def _arithmetic(self, node: Node) -> Piece:
        left, right = self.piece(node.args[0]), self.piece(node.args[1])
        if node.op == "+" and left.kind in ("text", "choice") and right.kind in ("text", "choice"):
            return Piece(f"concat({left.text}, {right.text})", "text")
        return self._binary(node.op, _number(left), _number(right), "number")

    def _comparison(self, node: Node) -> Piece:
        left, right = self._alike(self.piece(node.args[0]), self.piece(node.args[1]), node.op)
        if left.kind == "bool":
            return self._same_truth(node.op, left, right)
        return self._binary(node.op, left, right, "bool")

    def _same_truth(self, operator: str, left: Piece, right: Piece) -> Piece:
        if right.constant is None:
            raise Untranslatable(f"`{operator}` between true and false")
        same = (right.constant == "true") == (operator == "==")
        return left if same else Piece(f"not({left.text})", "bool")

    def _alike(self, left: Piece, right: Piece, operator: str = "==") -> tuple[Piece, Piece]:
        if left.question is not None and right.constant is not None and right.kind == "text":
            right = self._option(left, right)
        elif right.question is not None and left.constant is not None and left.kind == "text":
            left = self._option(right, left)
        check_comparable(left, operator, right)
        return left, right

    def _option(self, asked: Piece, value: Piece) -> Piece:
        if asked.kind == "date":
            return Piece(f"date({value.text})", "date")
        if asked.question is None or asked.kind not in ("choice", "choices") or value.constant is None:
            return value
        for name, option in asked.question.options.items():
            if option == value.constant:
                return _text(name)
        raise Untranslatable(f"`{value.constant}`, which is no option of `{asked.question.code}`")

    def _membership(self, node: Node) -> Piece:
        sought, collection = node.args
        if sought.op == "text" and (question := self._in(collection, sought.value)) is not None:
            return self._answered(question)
        if collection.op == "list" and collection.args:
            tests = [self._comparison(Node("==", (sought, one))).at(_LEVELS["=="]) for one in collection.args]
            return Piece(" or ".join(tests), "bool", _LEVELS["||"] if len(tests) > 1 else _LEVELS["=="])
        piece = self.piece(collection)
        if piece.kind != "choices" or sought.op != "text":
            raise Untranslatable("`in` anything but a list or an answer with several choices")
        return Piece(f"selected({piece.text}, {self._option(piece, _text(sought.value)).text})", "bool")

    def _answered(self, question: Question) -> Piece:
        if question.repeat not in (None, self._within):
            raise Untranslatable(f"`{question.code}`, which each entry of a repeat answers for itself")
        if question.kind == "entries":  # a repeat has no value of its own
            return Piece(f"count(${{{question.name}}}) > 0", "bool", _LEVELS[">"])
        return Piece(f"${{{question.name}}} != ''", "bool", _LEVELS["!="])

    def _call(self, node: Node) -> Piece:
        known = _FUNCTIONS.get((node.value, len(node.args)))
        if known is None:
            raise Untranslatable(f"{node.value}()")
        return known(self, *node.args)

    def _method(self, node: Node) -> Piece:
        if node.value == "size" and len(node.args) == 1:
            return self._size(node.args[0])
        if node.value == "map":
            return self._entries(node)
        if node.value not in _METHODS or len(node.args) != 2:
            raise Untranslatable(f".{node.value}()")
        pieces = [self.piece(part) for part in node.args]
        if any(piece.kind not in ("text", "choice") for piece in pieces):
            raise Untranslatable(f".{node.value}() of anything but texts")
        return Piece(f"{_METHODS[node.value]}({', '.join(piece.text for piece in pieces)})", "bool")

    def _entries(self, node: Node) -> Piece:
        """`answers["R"].map(e, e["q"])`: what the entries of a repeat answer to one of its questions."""
        if len(node.args) == 3 and node.args[1].op == "name":
            repeat = self._question(node.args[0])
            asked = node.args[2]
            if repeat is not None and repeat.kind == "entries" and asked.op == "index":
                entry, key = asked.args
                question = self._scope.items.get(key.value) if key.op == "text" else None
                if entry == node.args[1] and question is not None and question.repeat == repeat.code:
                    return Piece(f"${{{question.name}}}", question.kind, many=True)
        raise Untranslatable(".map() of anything but one question of a repeat")

    def _size(self, node: Node) -> Piece:
        piece = self.piece(node)
        function = {"text": "string-length", "choices": "count-selected", "entries": "count"}.get(piece.kind)
        if function is None or piece.many:
            raise Untranslatable(f"the size of {described(piece)}")
        return Piece(f"{function}({piece.text})", "number")

    def _over(self, function: str, node: Node) -> Piece:
        if node.op == "list" and node.args and function != "sum":
            numbers = ", ".join(self.number(part).text for part in node.args)
            if len(node.args) > 1:
                return Piece(f"{function}({numbers})", "number")
        piece = self.piece(node)
        if not piece.many or piece.kind != "number":
            raise Untranslatable(f"{function}() of anything but the numbers of a repeat")
        return Piece(f"{function}({piece.text})", "number")

    def _days(self, start: Node, end: Node) -> Piece:
        pieces = [self.piece(end), self.piece(start)]
        if any(piece.kind != "date" for piece in pieces):
            raise Untranslatable("days() of anything but dates")
        text = " - ".join(f"decimal-date-time({piece.text})" for piece in pieces)
        return Piece(text, "number", _LEVELS["-"])

    def _has(self, node: Node) -> Piece:
        question = self._question(node)
        if question is None:
            raise Untranslatable("has() of anything but a fact or an answer")
        return self._answered(question)


def _number(piece: Piece) -> Piece:
    if piece.kind != "number" or piece.many:
        raise Untranslatable(f"{described(piece)} where a number is wanted")
    return piece


def _text(value: str) -> Piece:
    if "'" in value and '"' in value:
        raise Untranslatable("a text with both kinds of quotation marks")
    if "${" in value or "\n" in value:
        raise Untranslatable("a text that a form would take apart")
    quote = '"' if "'" in value else "'"
    return Piece(f"{quote}{value}{quote}", "text", constant=value)


_Many = Callable[..., Piece]
_NODES: Mapping[str, Callable[[_Translator, Node], Piece]] = {
    "number": _Translator._constant,
    "text": _Translator._constant,
    "name": _Translator._constant,
    "member": _Translator._looked_up,
    "index": _Translator._looked_up,
    "!": _Translator._negated,
    "neg": _Translator._minus,
    "if": _Translator._if,
    "in": _Translator._membership,
    "call": _Translator._call,
    "method": _Translator._method,
}
_FUNCTIONS: Mapping[tuple[str, int], _Many] = {
    ("size", 1): _Translator._size,
    ("has", 1): _Translator._has,
    ("days", 2): _Translator._days,
    ("sum", 1): lambda self, node: self._over("sum", node),
    ("least", 1): lambda self, node: self._over("min", node),
    ("greatest", 1): lambda self, node: self._over("max", node),
    ("abs", 1): lambda self, node: Piece(f"abs({self.number(node).text})", "number"),
    ("round", 2): lambda self, *nodes: Piece(
        f"round({', '.join(self.number(node).text for node in nodes)})", "number"
    ),
}

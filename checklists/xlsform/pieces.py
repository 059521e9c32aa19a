"""Parts of an expression on their way from one language to the other: their text, and what they are."""

from __future__ import annotations

from dataclasses import dataclass

from checklists.xlsform.scope import Kind, Question
from checklists.xlsform.syntax import Untranslatable

__all__ = ["PRIMARY", "UNARY", "Piece", "binary", "check_comparable", "described"]

#: How tightly what has one operand, and what has no operator at all, holds together; binary ones hold less.
UNARY = 8
PRIMARY = 9
_DESCRIBED = {"choices": "a list of choices", "entries": "a repeat", "other": "an answer without a value"}


@dataclass(frozen=True)
class Piece:
    """Text in the language that is written, of a kind, that binds as `level`.

    Of a constant, `constant` is what it says; of an answer or a fact, `question` is which. `days` marks a
    date that XPath counts in days, `many` the numbers of a repeat's entries, and `whole` a number that CEL
    counts in integers, which it divides otherwise than numbers.
    """

    text: str
    kind: Kind
    level: int = PRIMARY
    constant: str | None = None
    question: Question | None = None
    days: bool = False
    many: bool = False
    whole: bool = False

    def at(self, level: int) -> str:
        """The text as an operand of what binds as `level`."""
        return self.text if self.level >= level else f"({self.text})"


def binary(left: Piece, sign: str, right: Piece, level: int, kind: Kind) -> Piece:
    """Two pieces with an operator between them, which takes the left one first."""
    return Piece(f"{left.at(level)} {sign} {right.at(level + 1)}", kind, level)


def described(piece: Piece) -> str:
    """What a piece is, for a reason."""
    return _DESCRIBED.get(piece.kind, f"a {piece.kind}")


def check_comparable(left: Piece, operator: str, right: Piece) -> None:
    """Whether two pieces can be compared by a CEL operator. Raises Untranslatable."""
    kinds = {"text" if piece.kind == "choice" else piece.kind for piece in (left, right)}
    if len(kinds) > 1 or kinds & {"choices", "entries", "other"} or left.many or right.many:
        raise Untranslatable(f"{described(left)} compared with {described(right)}")
    if operator in ("==", "!=") or left.kind in ("number", "date"):
        return
    between = "true and false" if left.kind == "bool" else "texts"
    raise Untranslatable(f"`{operator}` between {between}")

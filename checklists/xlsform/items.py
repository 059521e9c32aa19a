"""Questions as items: what a form says of a question, in a definition's terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from checklists.model import MAX_ENTRIES, Entries, Item, Limit, NumberRange, Role, Severity, Text
from checklists.xlsform.columns import Line
from checklists.xlsform.conditions import Conditions, Place, joined
from checklists.xlsform.parts import Parts
from checklists.xlsform.plain import bounds_of, is_constant
from checklists.xlsform.tree import Branch, Leaf
from checklists.xlsform.vocabulary import words
from checklists.xlsform.wanted import decimal, flag, one_of, whole

__all__ = ["DEFAULT_RANGE", "DEFAULT_SEVERITY", "DEFAULT_UNIT", "Defaults", "Maker"]

#: What an item has whose form does not say: each use is told.
DEFAULT_SEVERITY: Severity = "major"
DEFAULT_UNIT = "1"
DEFAULT_RANGE = NumberRange(-1e9, 1e9)
_PARAMETER = re.compile(r"([\w-]+)\s*=\s*([^\s;,]+)")
_LONGEST_SOURCE = 120


@dataclass(frozen=True)
class Defaults:
    """What holds for every item that does not say otherwise: the form's title, and whether Hezha wrote it."""

    title: Text
    written_here: bool

    @property
    def source(self) -> str:
        """The form itself, by its title, as a document that an item comes from."""
        title = re.sub(r"[《》;；\s]+", " ", self.title.zh).strip()[:_LONGEST_SOURCE]
        return f"《{title or '-'}》 XLSForm"


class Maker:
    """Makes items of leaves and repeats. Groups' conditions come with them, outermost first."""

    def __init__(self, defaults: Defaults, conditions: Conditions, parts: dict[str, Parts]) -> None:
        self._defaults = defaults
        self._conditions = conditions
        self._parts = parts
        self.used: set[str] = set()

    def item(self, leaf: Leaf, groups: Sequence[Line], within: str | None) -> Item:
        """The item that a question with a type becomes."""
        line, place = leaf.line, Place(leaf.line, leaf.code, within)
        limits, accept = self._constraint(leaf, place)
        parts = self._taken(leaf.code)
        if leaf.type == "signature" and not parts.roles and not self._defaults.written_here:
            parts.roles.append(Role("signer", words("signer")))
        return self._made(
            line,
            leaf.code,
            leaf.type or "text",
            parts,
            when=self._conditions.shown(place, groups),
            criterion=line.text("hint") or line.pair(line.table.own("criterion")),
            required=self._required(leaf),
            accept=accept,
            unit=self._unit(leaf),
            range=self._range(leaf, limits),
            limits=(*limits, *parts.limits),
            options=tuple(choice.option for choice in leaf.choices),
        )

    def repeat(self, branch: Branch, groups: Sequence[Line], items: tuple[Item, ...]) -> Item:
        """The item that a repeat becomes."""
        line, place = branch.line, Place(branch.line, branch.code, None)
        own = line.table.own
        count, exact = self._conditions.count(place)
        label = line.text("label")
        noun = line.pair(own("noun")) or label or Text(branch.code, branch.code)
        if line.word(own("entries_min")) is None and exact is None:
            line.table.gather("repeat_may_be_empty", line.number, "repeat_count")
        least, most = (0, MAX_ENTRIES) if exact is None else (exact, exact)
        entries = Entries(
            noun=noun,
            min=whole(line, own("entries_min"), least),
            max=whole(line, own("entries_max"), most),
            count=count,
        )
        parts = self._taken(branch.code)
        return self._made(
            line,
            branch.code,
            "repeat",
            parts,
            when=self._conditions.shown(place, groups),
            criterion=line.pair(own("criterion")),
            required=flag(line, own("required"), default=True),
            accept=line.words(own("accept")),
            unit=line.words(own("unit")),
            limits=tuple(parts.limits),
            entries=entries,
            items=items,
        )

    def _taken(self, code: str) -> Parts:
        self.used.add(code)
        return self._parts.get(code) or Parts()

    def _made(self, line: Line, code: str, kind: str, parts: Parts, **fields: object) -> Item:
        own = line.table.own
        label = line.text("label")
        if label is None:
            line.table.gather("no_label", line.number, "label")
            label = Text(code, code)
        if not self._defaults.written_here and "${" in label.zh + label.en:
            line.table.gather("reference_in_text", line.number, "label")
        return Item(
            code=code,
            text=label,
            type=kind,  # type: ignore[arg-type]
            severity=self._word(line, "severity", get_args(Severity), DEFAULT_SEVERITY),  # type: ignore[arg-type]
            remedy=self._remedy(line, label),
            source=self._source(line),
            certainty=self._word(line, "certainty", ("settled", "verify"), "verify"),  # type: ignore[arg-type]
            photo=one_of(  # type: ignore[arg-type]
                line, own("photo"), ("always", "on_fail", "never"), "always" if kind == "photo" else "never"
            ),
            photos_min=whole(line, own("photos_min"), 1),
            na=one_of(line, own("na"), ("allowed", "refused"), None),  # type: ignore[arg-type]
            instrument=flag(line, own("instrument"), default=False),
            accept_verdict=one_of(line, own("accept_verdict"), ("fail", "warning"), "fail"),  # type: ignore[arg-type]
            severities=tuple(parts.severities),
            roles=tuple(parts.roles),
            points=tuple(parts.points),
            views=tuple(parts.views),
            **fields,  # type: ignore[arg-type]
        )

    def _word(self, line: Line, name: str, allowed: tuple[str, ...], default: str) -> str | None:
        key = line.table.own(name)
        if line.word(key) is None:
            what: Literal["default_severity", "default_certainty"] = f"default_{name}"  # type: ignore[assignment]
            line.table.gather(what, line.number, key, value=default)
        return one_of(line, key, allowed, default)

    def _remedy(self, line: Line, label: Text) -> Text:
        key = line.table.own("remedy")
        written = line.pair(key) or line.text("constraint_message")
        if written is None:
            line.table.gather("default_remedy", line.number, f"{key}_zh")
        return written or words("remedy", label=label)

    def _source(self, line: Line) -> str:
        key = line.table.own("source")
        source = line.words(key)
        if source is None:
            line.table.gather("default_source", line.number, key, value=self._defaults.source)
        return self._defaults.source if source is None else source

    def _required(self, leaf: Leaf) -> bool:
        line, own = leaf.line, leaf.line.table.own("required")
        if line.word(own) is not None or leaf.type == "rule":
            return flag(line, own, default=True)
        word = line.word("required")
        constant = is_constant(word) if word is not None else False
        if constant is None:
            line.table.findings.lose(
                "conditional_required", line.table.name, line.number, "required", expression=word
            )
            return True
        return constant

    def _constraint(self, leaf: Leaf, place: Place) -> tuple[list[Limit], str | None]:
        """The limits and the `accept` that a constraint amounts to, with the `accept` of ours."""
        line = leaf.line
        accept = line.words(line.table.own("accept"))
        if leaf.type == "rule":
            return [], self._conditions.rule(place, accept)
        constraint = line.word("constraint")
        if constraint is None or is_constant(constraint) is True:
            return [], accept
        if self._possible(leaf, constraint) is not None:
            return [], accept
        bounds = bounds_of(constraint, line.word("name") or "") if leaf.type == "number" else None
        if bounds is not None and (bounds[0] is None or bounds[1] is None or bounds[0] <= bounds[1]):
            return [Limit(min=bounds[0], max=bounds[1])], accept
        said = self._conditions.constraint(place, constraint)
        return [], joined([one for one in (accept, said) if one is not None])

    def _possible(self, leaf: Leaf, constraint: str) -> NumberRange | None:
        """The readings that can exist at all, if that is what a constraint says: where Hezha wrote it."""
        if not self._defaults.written_here or leaf.type != "number":
            return None
        low, high = bounds_of(constraint, leaf.line.word("name") or "") or (None, None)
        return NumberRange(low, high) if low is not None and high is not None else None

    def _unit(self, leaf: Leaf) -> str | None:
        line, key = leaf.line, leaf.line.table.own("unit")
        unit = line.words(key)
        if unit is None and leaf.type == "number" and not self._defaults.written_here:
            line.table.gather("default_unit", line.number, key, value=DEFAULT_UNIT)
            return DEFAULT_UNIT
        return unit

    def _range(self, leaf: Leaf, limits: list[Limit]) -> NumberRange | None:
        line, own = leaf.line, leaf.line.table.own
        low, high = decimal(line, own("range_min")), decimal(line, own("range_max"))
        if low is not None and high is not None:
            return NumberRange(low, high)
        if (low is None) != (high is None):
            missing = own("range_min" if low is None else "range_max")
            line.table.findings.fault("missing_value", line.table.name, line.number, missing)
        if leaf.type != "number":
            return None
        possible = self._possible(leaf, line.word("constraint") or "")
        if possible is not None:
            return possible
        if self._defaults.written_here:
            return None
        return self._foreign_range(leaf, limits)

    def _foreign_range(self, leaf: Leaf, limits: list[Limit]) -> NumberRange:
        line = leaf.line
        if leaf.type_word == "percentage":
            return NumberRange(0, 100)
        if leaf.type_word == "range":
            parameters = dict(_PARAMETER.findall(line.raw("parameters") or ""))
            if "step" in parameters:
                line.table.findings.lose(
                    "parameters",
                    line.table.name,
                    line.number,
                    "parameters",
                    value=f"step={parameters['step']}",
                )
            try:
                return NumberRange(float(parameters.get("start", 1)), float(parameters.get("end", 10)))
            except ValueError:
                pass
        bounds = [bound for limit in limits for bound in (limit.min, limit.max) if bound is not None]
        reach = max([DEFAULT_RANGE.max, *(10 * abs(bound) for bound in bounds)])
        line.table.gather("default_range", line.number, line.table.own("range_min"), reach=f"{reach:g}")
        return NumberRange(-reach, reach)

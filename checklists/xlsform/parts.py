"""The sheets of ours for what an item has several of: limits, severities, and roles, points and views."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from checklists.model import Limit, Point, Role, Severity, SeverityRule, Text, View
from checklists.xlsform.columns import Line, Table
from checklists.xlsform.vocabulary import PART_SHEETS
from checklists.xlsform.wanted import decimal, flag, one_of, whole

__all__ = ["Parts", "read_parts"]

KINDS = ("role", "point", "view")


@dataclass
class Parts:
    """What one item has several of, in the order of the sheets. `lines` are where it stands."""

    limits: list[Limit] = field(default_factory=list)
    severities: list[SeverityRule] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def read_parts(tables: Mapping[str, Table]) -> dict[str, Parts]:
    """The parts by the code of their item."""
    found: dict[str, Parts] = defaultdict(Parts)
    readers = {"hezha_limits": _limit, "hezha_severities": _severity, "hezha_parts": _part}
    for name in PART_SHEETS:
        for line in tables[name].lines if name in tables else ():
            code = line.words("item")
            if code is None:
                line.table.findings.fault("missing_value", line.table.name, line.number, "item")
            else:
                readers[name](line, found[code])
                found[code].lines.append(line)
    return found


def _limit(line: Line, parts: Parts) -> None:
    parts.limits.append(
        Limit(
            min=decimal(line, "min"),
            max=decimal(line, "max"),
            verdict=one_of(line, "verdict", ("fail", "warning"), "fail"),  # type: ignore[arg-type]
            severity=one_of(line, "severity", get_args(Severity), None),  # type: ignore[arg-type]
            when=line.words("when"),
            note=flag(line, "note", default=False),
            basis=line.pair("basis"),
            since=line.words("since"),
        )
    )


def _severity(line: Line, parts: Parts) -> None:
    severity = one_of(line, "severity", get_args(Severity), None)
    when = line.words("when")
    for column, value in (("severity", severity), ("when", when)):
        if value is None:
            line.table.findings.fault("missing_value", line.table.name, line.number, column)
    if severity is not None and when is not None:
        parts.severities.append(SeverityRule(severity, when))  # type: ignore[arg-type]


def _part(line: Line, parts: Parts) -> None:
    kind, name = one_of(line, "kind", KINDS, None), line.words("name")
    if kind is None or name is None:
        column = "kind" if kind is None else "name"
        line.table.findings.fault("missing_value", line.table.name, line.number, column)
        return
    label = line.pair("label") or Text(name, name)
    least = whole(line, "min", 1)
    if kind == "role":
        parts.roles.append(Role(name, label, least))
    elif kind == "view":
        parts.views.append(View(name, label, least))
    else:
        parts.points.append(Point(name, label))

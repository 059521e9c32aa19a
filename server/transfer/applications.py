"""A row of a list as the command that opens its case, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from geo.coords import Datum
from server.casework.sites import site_findings
from server.transfer.columns import FACT, datum_of, fact_value, field_of, number_of, process_of
from server.transfer.findings import Finding
from server.transfer.sheets import Row
from server.workflow.commands import OpenCase
from server.workflow.policy import Policy
from server.workflow.processes import process
from server.workflow.vocabulary import ProcessName

_NUMBERS = {
    "site.lon",
    "site.lat",
    "site.radius_m",
    "supply.voltage_kv",
    "supply.capacity_kva",
    "supply.existing_kva",
}
_NEEDED = ("no", "customer.name", "site.lon", "site.lat", "supply.voltage_kv", "supply.capacity_kva")
#: As the API bounds them; the workflow's own bounds are wider, and a sheet's slip is found sooner here.
_LONGEST_NO = 40
_BOUNDS = {
    "supply.voltage_kv": (0.1, 1000.0),
    "supply.capacity_kva": (0.1, 1_000_000.0),
    "supply.existing_kva": (0.0, 1_000_000.0),
    "site.radius_m": (1.0, 10_000.0),
}


@dataclass(frozen=True)
class Application:
    """What a row says. `command` has no id of its own yet; None if `findings` say what is wrong. `said`: the
    parts of a case that the row speaks of; what it is silent on was filled in."""

    row: int
    no: str
    command: OpenCase | None
    findings: tuple[Finding, ...]
    said: frozenset[str] = frozenset()


class Reader:
    """Rows of one list for one organisation. `manager` is who manages where a row names nobody, `datum` that
    of positions where it names none.

    `may_manage(name)` says whether somebody may. `ignored` collects headings that stand for nothing,
    `fields` what the others stand for.
    """

    def __init__(
        self,
        organisation: str,
        policy: Policy,
        manager: str,
        may_manage: Callable[[str], bool],
        datum: Datum | None = None,
    ) -> None:
        self._organisation = organisation
        self._policy = policy
        self._manager = manager
        self._may_manage = may_manage
        self._datum = datum
        self.ignored: set[str] = set()
        self.fields: set[str] = set()

    def read(self, row: Row) -> Application:
        findings: list[Finding] = list(row.findings)
        values: dict[str, Any] = {}
        columns: dict[str, str] = {}
        for heading, words in row.cells.items():
            name = field_of(heading)
            if name is None:
                self.ignored.add(heading)
            elif name in values:
                findings.append(Finding("field_twice", row.number, name, heading))
            else:
                columns[name] = heading
                values[name] = words
        self.fields.update(values)
        self._convert(row, values, columns, findings)
        no = str(values.get("no", ""))
        if findings:
            return Application(row.number, no, None, tuple(findings))
        command, late = self._command(row, values, columns)
        said = frozenset(name.partition(".")[0] for name in values)
        return Application(row.number, no, command, tuple(late), said)

    def _convert(
        self, row: Row, values: dict[str, Any], columns: Mapping[str, str], findings: list[Finding]
    ) -> None:
        """Numbers as numbers, and words as those that we know. A cell at fault was told of already."""
        faulty = {field_of(one.column) for one in row.findings if one.column}
        findings += [
            Finding("value_missing", row.number, name)
            for name in _NEEDED
            if name not in values and name not in faulty
        ]
        for name in _NUMBERS & values.keys():
            number = number_of(values[name])
            low, high = _BOUNDS.get(name, (-180.0, 180.0))
            if number is None or not low <= number <= high:
                params = {"value": values[name][:50], "low": low, "high": high}
                findings.append(Finding("not_a_number", row.number, name, columns.get(name), params))
            else:
                values[name] = number
        for name in sorted(name for name in values if name.startswith(FACT)):
            try:
                values[name] = fact_value(name.removeprefix(FACT), values[name])
            except ValueError as error:
                params = {"value": values[name][:50], "names": str(error)}
                findings.append(Finding("not_a_fact_value", row.number, name, columns.get(name), params))
        if len(str(values.get("no", ""))) > _LONGEST_NO:
            findings.append(Finding("too_long", row.number, "no", columns.get("no"), {"limit": _LONGEST_NO}))
        if "process" in values:
            values["process"] = process_of(values["process"])
            if values["process"] not in get_args(ProcessName):
                said = row.cells[columns["process"]][:50]
                params = {"value": said, "names": ", ".join(get_args(ProcessName))}
                findings.append(Finding("not_a_process", row.number, "process", columns["process"], params))
        if "site.datum" in values:
            values["site.datum"] = datum_of(values["site.datum"])

    def _command(
        self, row: Row, values: Mapping[str, Any], columns: Mapping[str, str]
    ) -> tuple[OpenCase | None, list[Finding]]:
        nested: dict[str, Any] = {}
        for name, value in values.items():
            room, dot, inner = name.partition(".")
            if dot:
                nested.setdefault(room, {})[inner] = value
            else:
                nested[name] = value
        manager = nested.setdefault("manager", self._manager)
        if self._datum is not None:
            nested["site"].setdefault("datum", self._datum)
        nested.setdefault("process", self._process_for(values["supply.voltage_kv"]))
        if not self._may_manage(manager):
            params = {"name": manager[:50]}
            return None, [Finding("not_a_manager", row.number, "manager", columns.get("manager"), params)]
        found = [
            Finding(one.code, row.number, "site" + one.place.replace("/", "."), None, one.params)
            for one in site_findings(nested["site"])
        ]
        if found:
            return None, found
        fields = {"command": "OpenCase", "id": "-", "organisation": self._organisation, **nested}
        try:
            return msgspec.convert(fields, OpenCase), []
        except msgspec.ValidationError as error:
            return None, [Finding("invalid", row.number, params={"detail": str(error)})]

    def _process_for(self, kv: float) -> str:
        """The process that a voltage belongs to."""
        for name in get_args(ProcessName):
            if process(name).voltage.admits(kv, self._policy):
                return str(name)
        return "hv"

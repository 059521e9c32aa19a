"""What importing or exporting a form has to say, with its place in the workbook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

__all__ = ["FAULTS_TOLD", "Finding", "Findings", "What", "XlsFormError"]

#: Faults told one by one; of further ones it is told how many there are.
FAULTS_TOLD = 200

#: Why a workbook is not read, or a definition not written.
Refusal = Literal[
    "too_large",
    "old_excel",
    "not_xlsx",
    "damaged",
    "too_many_parts",
    "unpacks_too_large",
    "packed_too_tightly",
    "too_many_elements",
    "encrypted",
    "macros",
    "external_link",
    "embedded_object",
    "entities",
    "too_many_sheets",
    "too_many_rows",
    "too_many_columns",
    "too_many_cells",
    "too_long",
    "formula",
    "error_value",
    "no_survey",
    "missing_column",
    "repeated_column",
    "missing_value",
    "invalid_value",
    "unknown_list",
    "unmatched_end",
    "unmatched_begin",
    "nested_too_deep",
    "unknown_item",
    "conditions_disagree",
    "no_stage",
    "no_items",
    "more_faults",
    "not_writable",
    "not_restored",
]
#: What a form says and a definition cannot, or has read otherwise.
Loss = Literal[
    "appearance",
    "calculation",
    "comments",
    "condition_kept",
    "conditional_required",
    "default_certainty",
    "default_range",
    "default_remedy",
    "default_severity",
    "default_source",
    "default_unit",
    "disabled_row",
    "duplicate_choice",
    "duplicate_name",
    "empty_group",
    "expression",
    "file_upload",
    "form_settings",
    "formula_ignored",
    "guidance",
    "language",
    "list_from_elsewhere",
    "media",
    "metadata",
    "mirrored",
    "more_like_it",
    "named_anew",
    "nested_group",
    "nested_repeat",
    "choice_filter",
    "no_default_value",
    "no_id",
    "no_label",
    "no_title",
    "note",
    "or_other",
    "parameters",
    "pictures",
    "read_as_text",
    "reference_in_text",
    "repeat_may_be_empty",
    "required_message",
    "sheet",
    "single_choice",
    "strict_reading",
    "type",
    "uncarried",
    "unknown_column",
    "unused_list",
    "whole_number",
]
#: What other programs that read the written form will not do.
Unsaid = Literal["only_here", "condition_only_here"]
What = Refusal | Loss | Unsaid


class Finding(msgspec.Struct, frozen=True):
    """One thing told. `sheet`, `row` (as spreadsheets count, from 1) and `column` (its heading) are None
    where it concerns more than that; `params` fill the words of `what`."""

    what: What
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    params: dict[str, Any] = {}


class XlsFormError(Exception):
    """A workbook is not taken, or a definition not written. `findings` say why, each with its place."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(_plain(finding) for finding in self.findings))


def _plain(finding: Finding) -> str:
    place = [str(part) for part in (finding.sheet, finding.row, finding.column) if part is not None]
    told = ", ".join(f"{name}={value}" for name, value in finding.params.items())
    return f"{':'.join(place) or 'workbook'} {finding.what}" + (f" ({told})" if told else "")


class Findings:
    """Collects what is told while a form is read: losses go on, faults end the reading at `settle`."""

    def __init__(self) -> None:
        self.losses: list[Finding] = []
        self._faults: dict[tuple[Any, ...], Finding] = {}
        self._more = 0

    def lose(
        self,
        what: Loss,
        sheet: str | None = None,
        row: int | None = None,
        column: str | None = None,
        **params: Any,
    ) -> None:
        """Something is not carried over, or was filled in."""
        self.losses.append(Finding(what, sheet, row, column, params))

    def fault(
        self,
        what: Refusal,
        sheet: str | None = None,
        row: int | None = None,
        column: str | None = None,
        **params: Any,
    ) -> None:
        """The form cannot be taken as it is. One cell is told of once, however often it is looked at."""
        place = (what, sheet, row, column)
        if place in self._faults:
            return
        if len(self._faults) < FAULTS_TOLD:
            self._faults[place] = Finding(what, sheet, row, column, params)
        else:
            self._more += 1

    def settle(self) -> None:
        """Raises XlsFormError if there were faults."""
        faults = list(self._faults.values())
        if self._more:
            faults.append(Finding("more_faults", params={"count": self._more}))
        if faults:
            raise XlsFormError(faults)

"""A checklist as a paper form: what stands on its pages, as data for the template.

Every text comes as a list, one entry for each language that the form is printed in, and is shown line below
line. Boxes are ticked and lines written on by hand, so the form shows whatever an answer can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from checklists.model import Definition, Item, Limit, Text
from checklists.reasons import number
from server.reports.conditions import in_words
from server.reports.typesetting import edition, typeset
from server.reports.wording import Printed, breakable, languages
from server.texts import text

__all__ = [
    "ENTRY_COLUMNS",
    "MOST_ITEMS",
    "FormTooLarge",
    "Printed",
    "blank_form",
    "blank_form_tag",
    "form_pages",
]

#: Blank columns for the entries of a repeat; more entries go on another copy of the sheet.
ENTRY_COLUMNS = 4
#: Items of the largest form that is printed: setting takes some milliseconds for each.
MOST_ITEMS = 500
#: A row stays on one page unless it is written with more characters than this.
_KEPT_TOGETHER = 6000

#: A text in each printed language, or a part of a page made of such.
Words = list[str]
Part = dict[str, Any]


class FormTooLarge(Exception):
    """A definition has more items than are printed. `limit` says how many are."""

    def __init__(self, items: int, limit: int) -> None:
        super().__init__(f"{items} items; at most {limit} are printed")
        self.items = items
        self.limit = limit


def blank_form(definition: Definition, printed: Printed = "both") -> bytes:
    """The form as a PDF; the same bytes each time. Raises FormTooLarge, TypesettingError."""
    return typeset("blank_form", form_pages(definition, printed))


def blank_form_tag(definition: Definition, printed: Printed = "both") -> str:
    """A name for the bytes of `blank_form`, found without setting them. Raises FormTooLarge."""
    return edition("blank_form", form_pages(definition, printed))


def form_pages(definition: Definition, printed: Printed = "both", *, most: int = MOST_ITEMS) -> Part:
    """What the template shows. Raises FormTooLarge."""
    if len(definition.items) > most:
        raise FormTooLarge(len(definition.items), most)
    return _Form(definition, printed).pages()


class _Form:
    """One definition, printed in some languages."""

    def __init__(self, definition: Definition, printed: Printed) -> None:
        self._definition = definition
        self._languages: Sequence[str] = languages(printed)

    def pages(self) -> Part:
        definition = self._definition
        return {
            "language": self._languages[0],
            "name": f"{definition.id}@{definition.version}",
            "digest": definition.digest,
            "title": self._text(definition.title),
            "stage": self._say(f"stage_{definition.stage}"),
            "head": [
                self._say(f"head_{field}") for field in ("case", "customer", "address", "date", "people")
            ],
            "columns": [self._say(f"column_{column}") for column in ("code", "item", "result", "photo")],
            "page": self._say("page")[0],
            "verify": self._say("verify_note") if self._unverified() else None,
            "sections": [
                {"title": self._text(section.title), "rows": [self._row(item) for item in section.items]}
                for section in definition.sections
            ],
        }

    def _unverified(self) -> bool:
        return any(item.certainty == "verify" for item in self._definition.items)

    def _say(self, code: str, **params: Any) -> Words:
        return [text(f"form.{code}", language, **params) for language in self._languages]

    def _text(self, words: Text) -> Words:
        return [breakable(words.zh if language == "zh-CN" else words.en) for language in self._languages]

    def _row(self, item: Item) -> Part:
        row: Part = {
            "code": breakable(item.code),
            "severity": item.severity,
            "severity_words": self._say(f"severity_{item.severity}"),
            "text": self._text(item.text),
            "details": list(self._details(item)),
            "verify": self._say("verify") if item.certainty == "verify" else None,
            "source": f"{' '.join(self._say('source'))}: {breakable(item.source)}",
            "fields": list(self._fields(item)),
            "photo": list(self._photos(item)),
        }
        row["long"] = len(repr(row)) > _KEPT_TOGETHER
        if item.type == "repeat":
            row["repeat"] = self._repeat(item)
        return row

    def _details(self, item: Item) -> Iterator[Words]:
        if item.criterion is not None:
            yield self._text(item.criterion)
        if item.when is not None:
            yield self._conditional("applies_when", item.when)
        for rule in item.severities:
            severity = self._say(f"severity_{rule.severity}")
            yield [
                text("form.graver_when", language, severity=severe, condition=condition)
                for language, severe, condition in zip(
                    self._languages, severity, self._condition(rule.when), strict=True
                )
            ]

    def _condition(self, expression: str) -> Words:
        return [breakable(in_words(expression, self._definition, language)) for language in self._languages]

    def _conditional(self, code: str, expression: str) -> Words:
        conditions = zip(self._languages, self._condition(expression), strict=True)
        return [text(f"form.{code}", language, condition=condition) for language, condition in conditions]

    def _fields(self, item: Item) -> Iterator[Part]:
        na = ("na",) if item.na_allowed else ()
        match item.type:
            case "pass_fail":
                yield self._boxes("pass", "fail", *na)
            case "file":
                yield self._boxes("provided", "missing", *na)
            case "number":
                yield {
                    "kind": "number",
                    "unit": breakable(item.unit or ""),
                    "limits": [self._limit(item, one) for one in item.limits],
                }
            case "choice" | "multi_choice":
                boxes = [self._option(option.text, option.verdict) for option in item.options]
                yield {"kind": "boxes", "listed": True, "boxes": boxes}
            case "text":
                yield {"kind": "lines", "count": 2}
            case "date":
                yield {"kind": "date", "label": self._say("date")}
            case "location":
                yield from self._positions(item)
            case "signature":
                for role in item.roles:
                    signature = {
                        "kind": "signature",
                        "label": self._text(role.text),
                        "date": self._say("signed_on"),
                    }
                    yield from (signature for _ in range(max(role.min, 1)))
            case "rule":
                yield {"kind": "words", "text": self._say("rule")}
            case "repeat" | "photo":
                pass
        if na and item.type not in ("pass_fail", "file"):
            yield self._boxes("na")
        if item.instrument:
            yield {"kind": "instrument", "labels": [self._say("instrument"), self._say("calibrated")]}

    def _boxes(self, *codes: str) -> Part:
        boxes = [{"text": self._say(f"box_{code}"), "verdict": None} for code in codes]
        return {"kind": "boxes", "listed": False, "boxes": boxes}

    def _option(self, words: Text, verdict: str) -> Part:
        mark = None if verdict == "pass" else self._say(f"verdict_{verdict}")
        return {"text": self._text(words), "verdict": mark}

    def _positions(self, item: Item) -> Iterator[Part]:
        labels = [self._say(f"position_{part}") for part in ("lon", "lat", "accuracy")]
        for point in item.points or (None,):
            label = self._text(point.text) if point is not None else None
            yield {"kind": "position", "label": label, "labels": labels}
        if item.limits:
            yield {"kind": "limits", "limits": [self._limit(item, one) for one in item.limits]}

    def _limit(self, item: Item, limit: Limit) -> Words:
        unit = breakable(item.unit or "") if item.type == "number" else "m"
        low = f"≥ {number(float(limit.min), unit)}" if limit.min is not None else ""
        high = f"≤ {number(float(limit.max), unit)}" if limit.max is not None else ""
        bounds = ", ".join(bound for bound in (low, high) if bound)
        lines = []
        conditions = self._condition(limit.when) if limit.when else [""] * len(self._languages)
        for language, condition in zip(self._languages, conditions, strict=True):
            verdict = text("form.limit_warning", language) if limit.verdict == "warning" else ""
            when = text("form.limit_when", language, condition=condition) if condition else ""
            lines.append(f"{bounds}{verdict}{when}")
        return list(dict.fromkeys(lines))

    def _photos(self, item: Item) -> Iterator[Words]:
        if item.photo == "always":
            yield self._say("photo_always", count=item.photos_min)
        elif item.photo == "on_fail":
            yield self._say("photo_on_fail", count=item.photos_min)
        for view in item.views:
            shown = zip(self._languages, self._text(view.text), strict=True)
            yield [text("form.view", language, view=words, count=view.min) for language, words in shown]

    def _repeat(self, item: Item) -> Part:
        entries = item.entries
        least, most = (entries.min, entries.max) if entries is not None else (1, ENTRY_COLUMNS)
        noun = self._text(entries.noun) if entries is not None else [""] * len(self._languages)
        named = zip(self._languages, noun, strict=True)
        return {
            "noun": noun,
            "columns": min(most, ENTRY_COLUMNS),
            "label": self._say("entry_label"),
            "notes": self._say("entry_notes"),
            "count": [text("form.entries", lang, noun=one, min=least, max=most) for lang, one in named],
            "more": self._say("entries_more", columns=ENTRY_COLUMNS) if most > ENTRY_COLUMNS else None,
            "rows": [{**self._row(one), "cell": self._cell(one)} for one in item.items],
        }

    def _cell(self, item: Item) -> Part:
        """What is filled in for one entry; narrow, so only boxes and blanks."""
        match item.type:
            case "pass_fail":
                codes = ("pass", "fail", "na") if item.na_allowed else ("pass", "fail")
                return {"kind": "boxes", "boxes": [self._say(f"box_{code}") for code in codes]}
            case "file":
                return {"kind": "boxes", "boxes": [self._say("box_provided"), self._say("box_missing")]}
            case "choice" | "multi_choice":
                return {"kind": "boxes", "boxes": [self._text(option.text) for option in item.options]}
            case "number":
                labels = [self._say("instrument"), self._say("calibrated")] if item.instrument else []
                return {"kind": "blank", "unit": breakable(item.unit or ""), "labels": labels}
            case "rule":
                return {"kind": "none"}
            case _:
                return {"kind": "blank", "unit": "", "labels": []}

"""The words of the exchange format: sheets, columns and question types, and the columns that are ours.

XLSForm has grown many names for the same things; here each has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec
import yaml

from checklists.model import Text
from checklists.xlsform.finding import Loss

__all__ = [
    "CARRIED_SETTINGS",
    "CHOICE_ALIASES",
    "CHOICE_COLUMNS",
    "ENGLISH",
    "FORMAT",
    "ITEM_COLUMNS",
    "LISTS",
    "METADATA",
    "PART_SHEETS",
    "QUESTION_TYPES",
    "READ_SHEETS",
    "SURVEY_ALIASES",
    "UNCARRIED",
    "ZH",
    "Answer",
    "language_of",
    "words",
]

#: The version of our own columns; a form whose settings name it was written here.
FORMAT = "1"
ZH = "中文 (zh)"
ENGLISH = "English (en)"

_CHINESE = re.compile(r"zh|zh[-_].*|chinese|mandarin|中文.*|汉语|漢語|简体.*|繁體.*|.*\(zh([-_].*)?\)")
_ENGLISH = re.compile(r"en|en[-_].*|english|英文|英语|.*\(en([-_].*)?\)")

#: What a question's answer is.
Answer = Literal[
    "text",
    "number",
    "date",
    "location",
    "photo",
    "file",
    "acknowledge",
    "note",
    "calculate",
    "read_as_text",
    "media",
    "elsewhere",
    "unknown",
]


def language_of(name: str) -> Literal["zh", "en"] | None:
    """Which of our two languages a column's language is, if it is one of them."""
    plain = name.strip().lower()
    if _CHINESE.fullmatch(plain):
        return "zh"
    return "en" if _ENGLISH.fullmatch(plain) else None


def _aliases(table: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({name: key for key, names in table.items() for name in (key, *names.split(", "))})


#: The survey sheet's columns by all their names, in lower case.
SURVEY_ALIASES = _aliases(
    {
        "type": "command",
        "name": "tag, value",
        "label": "caption",
        "hint": "hint",
        "constraint": "constraint",
        "constraint_message": "constraining_message, jr:constraintmsg",
        "required": "required",
        "relevant": "relevance",
        "calculation": "calculate",
        "repeat_count": "count, jr:count",
        "appearance": "appearance",
        "parameters": "parameters",
        "choice_filter": "choice filter",
        "default": "default",
        "required_message": "requiredmsg, jr:requiredmsg",
        "guidance_hint": "guidance hint",
        "image": "big-image",
        "audio": "audio",
        "video": "video",
        "disabled": "disabled",
        "readonly": "read_only, read only",
        "trigger": "trigger",
        "save_to": "save to",
        "noapperrorstring": "no_app_error_string, jr:noapperrorstring",
    }
)
CHOICE_ALIASES = _aliases(
    {
        "list_name": "list name",
        "name": "value",
        "label": "caption",
        "image": "big-image",
        "audio": "audio",
        "video": "video",
    }
)
#: Columns of the survey whose cells are told as losses, each by its own kind.
UNCARRIED: Mapping[str, Loss] = MappingProxyType(
    {
        "appearance": "appearance",
        "parameters": "parameters",
        "choice_filter": "choice_filter",
        "default": "no_default_value",
        "required_message": "required_message",
        "guidance_hint": "guidance",
        "image": "media",
        "audio": "media",
        "video": "media",
        "readonly": "uncarried",
        "trigger": "uncarried",
        "save_to": "uncarried",
        "noapperrorstring": "uncarried",
    }
)
CARRIED_SETTINGS = frozenset({"form_title", "form_id", "version", "default_language"})
READ_SHEETS = frozenset({"survey", "choices", "settings"})


def _types(table: Mapping[Answer, str]) -> Mapping[str, Answer]:
    return MappingProxyType({name: answer for answer, names in table.items() for name in names.split(", ")})


#: Types by all their names, with spaces for underscores, in lower case, but selects, groups and repeats.
QUESTION_TYPES = _types(
    {
        "text": "text, string, q string, add text prompt, q text",
        "number": "integer, int, q int, add integer prompt, decimal, q decimal, add decimal prompt, "
        "percentage, range, number of days in last month, number of days in last six months, "
        "number of days in last year",
        "date": "date, q date, add date prompt",
        "location": "geopoint, q geopoint, gps, location, q location, add location prompt",
        "photo": "image, photo, q image, q picture, add image prompt, add photo prompt, annotate, draw, "
        "signature",
        "file": "file, q file, add file prompt",
        "acknowledge": "acknowledge, trigger, q acknowledge, add acknowledge prompt",
        "note": "note, q note, add note prompt",
        "calculate": "calculate, q calculate, add calculate prompt, calculation",
        "read_as_text": "time, datetime, date time, q datetime, q date time, add date time prompt, "
        "add datetime prompt, barcode, q barcode, add barcode prompt, phone number, url",
        "media": "audio, q audio, add audio prompt, video, q video, add video prompt, background-audio, "
        "geotrace, q geotrace, geoshape, q geoshape, osm",
        "elsewhere": "xml-external, csv-external, include",
    }
)
#: What a device fills in by itself. Hezha notes who answered, when and where with every answer.
METADATA = frozenset(
    {
        "audit",
        "background-geopoint",
        "device id",
        "deviceid",
        "email",
        "end",
        "end time",
        "get device id",
        "get end time",
        "get phone number",
        "get sim id",
        "get start time",
        "get subscriber id",
        "get today",
        "hidden",
        "imei",
        "phonenumber",
        "sim id",
        "simserial",
        "start",
        "start time",
        "start-geopoint",
        "subscriber id",
        "subscriberid",
        "today",
        "uri:deviceid",
        "uri:email",
        "uri:phonenumber",
        "uri:simserial",
        "uri:subscriberid",
        "uri:username",
        "username",
    }
)

#: Columns of the survey that carry what XLSForm has no word for, as `hezha::<name>`: the fields of an item as
#: definitions name them, `…_zh` and `…_en` for a text's two languages.
ITEM_COLUMNS = (
    "code",
    "type",
    "severity",
    "remedy_zh",
    "remedy_en",
    "source",
    "certainty",
    "unit",
    "photo",
    "photos_min",
    "na",
    "required",
    "instrument",
    "when",
    "accept",
    "accept_verdict",
    "range_min",
    "range_max",
    "criterion_zh",
    "criterion_en",
    "noun_zh",
    "noun_en",
    "entries_min",
    "entries_max",
    "entries_count",
    "fact",
)
#: The same of the choices sheet. XForms makes XML elements of that sheet's further columns, which cannot hold
#: colons, so these are `hezha_<name>`.
CHOICE_COLUMNS = ("value", "verdict", "severity", "alone", "note")
#: Sheets for what an item has several of, one a row, by the item's code.
PART_SHEETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hezha_limits": (
            "item",
            "min",
            "max",
            "verdict",
            "severity",
            "when",
            "note",
            "basis_zh",
            "basis_en",
            "since",
        ),
        "hezha_severities": ("item", "severity", "when"),
        "hezha_parts": ("item", "kind", "name", "label_zh", "label_en", "min"),
    }
)
#: Choice lists for answers that XLSForm has no type for: the list's name, and its choices' names.
LISTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hezha_pass_fail": ("pass", "fail"),
        "hezha_pass_fail_na": ("pass", "fail", "na"),
        "hezha_file": ("provided", "missing"),
        "hezha_file_na": ("provided", "missing", "na"),
        "hezha_bool": ("true", "false"),
    }
)


@cache
def _words() -> dict[str, Text]:
    raw = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, dict[str, Text])


def words(code: str, **texts: Text) -> Text:
    """A text of `words.yaml`, with texts put in in each language."""
    found = _words()[code]
    zh = {name: text.zh for name, text in texts.items()}
    en = {name: text.en for name, text in texts.items()}
    return Text(found.zh.format_map(zh), found.en.format_map(en))

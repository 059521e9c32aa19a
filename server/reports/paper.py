"""A printed form 单据 as a value: what stands in the frame that all of them share.

The frame is a title, numbers, a QR code, the page's number, the time of printing, and one copy each for the
customer and the file. What stands inside it is a row of blocks, made by the module of each form. A form shows
what the case holds; what it does not hold is a line to be filled in by hand, never a made-up value.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from server.reports.typesetting import edition, pictures, typeset
from server.reports.wording import Wording, Words, breakable

__all__ = [
    "FORMS",
    "Blank",
    "Block",
    "Box",
    "Cell",
    "Copies",
    "Field",
    "Fields",
    "FormName",
    "Heading",
    "Line",
    "Paper",
    "Passage",
    "Photos",
    "Picture",
    "Room",
    "Signature",
    "Signatures",
    "Style",
    "Table",
    "print_paper",
    "printed_pages",
    "seal",
    "shown",
]

FormName = Literal[
    "notice",
    "reinspection",
    "survey",
    "intermediate",
    "acceptance",
    "customer_inspection",
    "order",
    "record",
    "scheme_reply",
    "design_review",
    "intermediate_application",
    "completion_application",
    "settings",
    "metering",
    "index",
    "minutes",
    "receipt",
    "bulletin",
    "outage_request",
    "public_notice",
    "contact_sheet",
    "pairs",
]


@dataclass(frozen=True)
class Form:
    """`code` stands in the paper's number; `version` tells layouts and wordings of one form apart."""

    code: str
    version: int = 1


FORMS: Mapping[FormName, Form] = {
    "notice": Form("QX", 2),
    "reinspection": Form("FY"),
    "survey": Form("KC"),
    "intermediate": Form("ZJ"),
    "acceptance": Form("JY"),
    "customer_inspection": Form("JC"),
    "order": Form("SD"),
    "record": Form("SDD"),
    "scheme_reply": Form("DF"),
    "design_review": Form("SH"),
    "intermediate_application": Form("ZBY"),
    "completion_application": Form("BY", 2),
    "settings": Form("DZ"),
    "metering": Form("ZB"),
    "index": Form("ML"),
    "minutes": Form("HY"),
    "receipt": Form("YJ"),
    "bulletin": Form("TB"),
    "outage_request": Form("TD"),
    "public_notice": Form("TG"),
    "contact_sheet": Form("YX"),
    "pairs": Form("DB"),
}

#: Which copies are printed: the customer's, the one for the file, or first the one and then the other.
Copies = Literal["both", "customer", "file"]

Style = Literal["plain", "strong", "small", "alarm"]

#: A row of a table stays on one page unless a cell is written with more characters than this: a column of
#: forty millimetres holds some seven hundred on a page.
_KEPT_TOGETHER = 400
#: Hexadecimal digits of the seal that are printed and stand in the QR code: 64 bits.
SEAL_DIGITS = 16


class Line(Struct, frozen=True, tag="line"):
    """Words, line below line in each language."""

    text: Words
    style: Style = "plain"


class Blank(Struct, frozen=True, tag="blank"):
    """`count` lines to write on, after a label if there is one."""

    label: Words = ()
    count: int = 1


class Box(Struct, frozen=True, tag="box"):
    """A box to tick, or ticked."""

    text: Words
    ticked: bool = False


class Room(Struct, frozen=True, tag="room"):
    """Room to draw or paste, `height` in millimetres."""

    height: float


Cell = tuple[Line | Blank | Box | Room, ...]


class Heading(Struct, frozen=True, tag="heading"):
    text: Words


class Field(Struct, frozen=True):
    """A label and what is known; nothing known leaves room to write. `wide`: a row of its own."""

    label: Words
    value: Cell = ()
    wide: bool = False


class Fields(Struct, frozen=True, tag="fields"):
    """Labels and values, two to a row."""

    fields: tuple[Field, ...]


class Table(Struct, frozen=True, tag="table"):
    """`widths` in millimetres, 0 for what is left. The head is repeated on every page."""

    head: tuple[Words, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Passage(Struct, frozen=True, tag="passage"):
    """Paragraphs, in a frame of their own if `framed`."""

    lines: Cell
    framed: bool = False


class Picture(Struct, frozen=True):
    """`image` is the name of a file given with the paper; None where there is nothing to show."""

    image: str | None
    caption: Cell


class Photos(Struct, frozen=True, tag="photos"):
    """Pictures with their captions, so many to a row."""

    pictures: tuple[Picture, ...]
    columns: int = 3


class Signature(Struct, frozen=True):
    """Who signs. `drawn` is an SVG of the strokes, None to be signed by hand."""

    label: Words
    name: Words = ()
    at: Words = ()
    drawn: str | None = None


class Signatures(Struct, frozen=True, tag="signatures"):
    signatures: tuple[Signature, ...]


Block = Heading | Fields | Table | Passage | Photos | Signatures


class Paper(Struct, frozen=True, kw_only=True):
    """One form, filled in. `stamp` is written across every page: a draft, a notice withdrawn."""

    form: FormName
    no: str
    case_no: str
    title: Words
    organisation: str = ""
    stamp: Words = ()
    blocks: tuple[Block, ...] = ()


def shown(paper: Paper, wording: Wording, copies: Copies | None = "both") -> dict[str, Any]:
    """What the template shows, but for the time of printing and the seal. `copies` None: one, unnamed."""
    body: dict[str, Any] = msgspec.to_builtins(paper)
    for block, made in zip(body["blocks"], paper.blocks, strict=True):
        if isinstance(made, Table):
            block["long"] = [any(_size(cell) > _KEPT_TOGETHER for cell in row) for row in made.rows]
        elif isinstance(made, Passage):
            block["long"] = _size(made.lines) > _KEPT_TOGETHER * 4
        elif isinstance(made, Fields):
            block["fields"] = msgspec.to_builtins(_in_pairs(made.fields))
    version = str(FORMS[paper.form].version)
    return {
        **body,
        "organisation": wording.organisation(paper.organisation),
        "language": wording.languages[0],
        "version": wording.say("version", version=version),
        "labels": {
            name: wording.say(name) for name in ("no", "case_no", "printed", "seal", "name", "signed_on")
        },
        "page": wording.say("page")[0],
        "copies": [()] if copies is None else [wording.say(f"copy_{one}") for one in _copies(copies)],
    }


def seal(content: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what a paper shows, whichever copy and whenever it is printed: another as soon as the
    case says something else."""
    return edition("paper", {name: value for name, value in content.items() if name != "copies"})


def print_paper(
    content: Mapping[str, Any], printed: Words, images: Mapping[str, Path] | None = None
) -> bytes:
    """The PDF of what `shown` gave. The same arguments give the same bytes. Raises TypesettingError."""
    return typeset("paper", _with_seal(content, printed), images)


def printed_pages(
    content: Mapping[str, Any], printed: Words, images: Mapping[str, Path] | None = None
) -> list[bytes]:
    """The pages of `print_paper` as PNG."""
    return pictures("paper", _with_seal(content, printed), images)


def qr_text(content: Mapping[str, Any]) -> str:
    """What the QR code says: form, number, case and seal, for whoever holds the paper beside the case."""
    parts = ("hezha", content["form"], content["no"], content["case_no"], seal(content)[:SEAL_DIGITS])
    return "|".join(parts)


def _with_seal(content: Mapping[str, Any], printed: Words) -> dict[str, Any]:
    return {
        **content,
        "printed_at": printed,
        "seal": seal(content)[:SEAL_DIGITS],
        "qr": _qr(qr_text(content)),
    }


def _qr(words: str) -> str:
    """The QR code as SVG."""
    import segno  # noqa: PLC0415  papers are rare, and a process may never print one

    out = io.BytesIO()
    segno.make(words, error="m", micro=False).save(out, kind="svg", xmldecl=False, border=2)
    return out.getvalue().decode()


def _copies(copies: Copies) -> Sequence[str]:
    return [one for one in get_args(Copies) if one != "both"] if copies == "both" else [copies]


def _in_pairs(fields: Sequence[Field]) -> list[Field]:
    """Two to a row; one that is left without another takes the row for itself."""
    rows: list[Field] = []
    waiting = False
    for one in fields:
        if one.wide and waiting:
            rows[-1] = replace(rows[-1], wide=True)
        rows.append(one)
        waiting = not one.wide and not waiting
    if waiting:
        rows[-1] = replace(rows[-1], wide=True)
    return rows


def _size(cell: Cell) -> int:
    return sum(len(word) for part in cell if isinstance(part, Line | Box) for word in part.text)


def number_of(case_no: str, form: FormName, n: int | str = "") -> str:
    """The number of a case's paper."""
    return f"{case_no}-{FORMS[form].code}{n}"


def own_line(words: str, style: Style = "plain") -> tuple[Line, ...]:
    """What somebody wrote; nothing if it is empty."""
    return (Line((breakable(words),), style),) if words.strip() else ()

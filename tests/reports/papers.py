"""Papers in a test's hands: a notice of any length, and what can be read back from its pages."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image
from pypdf import PdfReader

from server.reports.paper import Copies, Paper, print_paper, printed_pages, shown
from server.reports.wording import Wording
from server.workflow import commands as c
from server.workflow.model import Case, ItemResult, Text
from tests.workflow.builders import INSPECTOR, Desk

PRINTED = ("2026-03-03 09:00",)
CHINESE = Wording("zh-CN")
BOTH = Wording("both")
AT = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


def failure(code: str, **changes: Any) -> ItemResult:
    """An item that failed, with all that a notice tells of it."""
    fields: dict[str, Any] = {
        "code": code,
        "verdict": "fail",
        "severity": "major",
        "text": Text(zh=f"缺陷{code}", en=f"defect {code}"),
        "remedy": Text(zh="请整改", en="mend it"),
        "reason": Text(zh="低于下限 0.6 m。", en="below 0.6 m."),
        "value": 0.45,
        "unit": "m",
        "note": "现场所见",
        "by": INSPECTOR.name,
        "at": AT,
        "source": "GB 50169",
    }
    return ItemResult(**{**fields, **changes})


def with_notice(*items: ItemResult, issued: bool = True) -> Desk:
    """A desk whose case has notice 1, issued unless said otherwise."""
    desk = Desk()
    desk.inspect("t-mid", "intermediate", *items)
    if issued:
        desk.do(c.IssueNotice(n=1))
    return desk


def many(count: int) -> Case:
    return with_notice(*(failure(f"AA-{number:03}") for number in range(1, count + 1))).case


def printed(paper: Paper, say: Wording = CHINESE, copies: Copies = "customer", **more: Any) -> bytes:
    return print_paper(shown(paper, say, copies), PRINTED, **more)


def texts(pdf: bytes) -> list[str]:
    """The text of each page, without spaces."""
    return [re.sub(r"[\s\u200b]+", "", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def whole(pdf: bytes) -> str:
    return "".join(texts(pdf))


def codes(paper: Paper, say: Wording = CHINESE, copies: Copies = "customer") -> list[str]:
    """What a reader of QR codes finds on each page."""
    pages = printed_pages(shown(paper, say, copies), PRINTED)
    found = (zxingcpp.read_barcodes(Image.open(io.BytesIO(page))) for page in pages)
    return [code.text for page in found for code in page]


def jpeg(path: Path, colour: str = "red") -> Path:
    Image.new("RGB", (64, 48), colour).save(path, "JPEG")
    return path


def fonts(pdf: bytes) -> list[Mapping[str, Any]]:
    """The descriptor of every font of every page."""
    pages: Any = PdfReader(io.BytesIO(pdf)).pages
    used = (font.get_object() for page in pages for font in page["/Resources"]["/Font"].values())
    return [one.get_object() for font in used for one in font["/DescendantFonts"]]

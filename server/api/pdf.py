"""How a paper is answered: as PDF, unless the reader has it already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from flask import Response, request

from server.reports.paper import Copies, Paper, print_paper, seal, shown
from server.reports.wording import Wording
from server.services import services

__all__ = ["ANSWERS", "FILE", "PDF", "pdf"]

PDF = "application/pdf"
#: What stands for something else in a header or in the name of a file.
_NO_LETTERS = re.compile(r"[^\w.-]+")
#: A file in the OpenAPI document, and the answers of a route that gives a paper.
FILE = {"schema": {"type": "string", "format": "binary"}}
ANSWERS = {
    "200": {"description": "The paper.", "content": {PDF: FILE}},
    "304": {"description": "The reader has it already."},
}


def pdf(
    paper: Paper, say: Wording, copies: Copies | None, images: Mapping[str, Path] | None = None
) -> Response:
    """The paper, or 304. The time of printing makes no other paper of it, so the tag is weak."""
    content = shown(paper, say, copies)
    tag = f"{seal(content)}-{copies or 'one'}"
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language"}
    if request.if_none_match.contains_weak(tag):
        return Response(status=304, headers={"ETag": f'W/"{tag}"', **headers})
    printed = say.moment(services().clock())
    response = Response(print_paper(content, printed, images), mimetype=PDF, headers=headers)
    response.set_etag(tag, weak=True)
    response.headers["Content-Disposition"] = _named(paper.no)
    return response


def _named(no: str) -> str:
    """The header that names the file after the paper's number, whatever that is written with (RFC 6266)."""
    name = _NO_LETTERS.sub("_", no) + ".pdf"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

"""Whether a file may be opened as a workbook at all: asked before any spreadsheet library sees it.

An XLSX file is a ZIP of XML parts. What could fill memory, call home or run is refused by what the parts are,
never by what the file is called.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from checklists.xlsform.bounds import Bounds
from checklists.xlsform.finding import Finding, Findings, Refusal, XlsFormError

__all__ = ["Watch", "check_file", "check_package"]

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTENT_TYPES = "[Content_Types].xml"
_CHUNK = 64 * 1024
_ENCRYPTED = 0x1
#: Folders of parts that run, call home or hide other files.
_FOLDERS: dict[str, Refusal] = {
    "xl/activex/": "embedded_object",
    "xl/ctrlprops/": "embedded_object",
    "xl/embeddings/": "embedded_object",
    "xl/externallinks/": "external_link",
    "xl/macrosheets/": "macros",
    "xl/dialogsheets/": "macros",
    "xl/querytables/": "external_link",
    "xl/model/": "external_link",
}


#: Told of each element of a sheet: the part's name, the element's, and its attributes.
Watch = Callable[[str, str, Mapping[str, str]], None]


def check_package(data: bytes, bounds: Bounds, findings: Findings) -> None:
    """Refuse what is no plain workbook. Comments and pictures are told as losses. Raises XlsFormError."""
    check_file(io.BytesIO(data), bounds, findings)


def check_file(file: BinaryIO, bounds: Bounds, findings: Findings, watch: Watch | None = None) -> None:
    """The same for a file of any size, of which only pieces are held at a time. Raises XlsFormError."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    begins = file.read(len(_OLD_EXCEL))
    if size > bounds.file_bytes:
        _refuse("too_large", have=size, limit=bounds.file_bytes)
    if begins.startswith(_OLD_EXCEL):
        _refuse("old_excel")
    if not begins.startswith(_ZIP):
        _refuse("not_xlsx")
    try:
        with zipfile.ZipFile(file) as package:
            _check_parts(package, bounds, findings, watch)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise XlsFormError([Finding("damaged")]) from error


def _refuse(what: Refusal, **params: object) -> None:
    raise XlsFormError([Finding(what, params=params)])


def _check_parts(package: zipfile.ZipFile, bounds: Bounds, findings: Findings, watch: Watch | None) -> None:
    parts = package.infolist()
    if len(parts) > bounds.parts:
        _refuse("too_many_parts", have=len(parts), limit=bounds.parts)
    names = [part.filename.lower() for part in parts]
    if _CONTENT_TYPES.lower() not in names or not any(name.startswith("xl/workbook") for name in names):
        _refuse("not_xlsx")
    if len(set(names)) < len(names):
        _refuse("damaged")
    unpacked = 0
    reader = _Links(bounds.elements, {name.rpartition(".")[2] for name in names}, watch)
    for part, name in zip(parts, names, strict=True):
        if part.flag_bits & _ENCRYPTED:
            _refuse("encrypted")
        _check_name(name)
        reader.part = name
        parser = _parser(reader) if name.endswith((".xml", ".rels", ".vml")) else None
        for piece in _unpack(package, part, bounds, bounds.unpacked_bytes - unpacked):
            unpacked += len(piece)
            if parser is not None:
                _feed(parser, reader, piece)
        if parser is not None:
            _feed(parser, reader, b"")
    if any("comments" in name for name in names):
        findings.lose("comments")
    if any(name.startswith("xl/media/") for name in names):
        findings.lose("pictures")


def _check_name(name: str) -> None:
    for folder, what in _FOLDERS.items():
        if name.startswith(folder):
            _refuse(what, part=name)
    if "vbaproject" in name or "vbadata" in name:
        _refuse("macros", part=name)
    if name.startswith("xl/connections"):
        _refuse("external_link", part=name)


def _unpack(package: zipfile.ZipFile, part: zipfile.ZipInfo, bounds: Bounds, allowed: int) -> Iterator[bytes]:
    # The sizes that the archive states are the author's word, so what comes out is counted.
    have = 0
    with package.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            have += len(chunk)
            if have > allowed:
                _refuse("unpacks_too_large", limit=bounds.unpacked_bytes)
            if have > bounds.ratio_from_bytes and have > bounds.ratio * max(part.compress_size, 1):
                _refuse("packed_too_tightly", limit=bounds.ratio, part=part.filename)
            yield chunk


def _parser(reader: _Links) -> Any:
    parser = defusedxml.sax.make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(reader)
    return parser


def _feed(parser: Any, reader: _Links, piece: bytes) -> None:
    """Have a piece of a part read; an empty one is its end."""
    try:
        if piece:
            parser.feed(piece)
        else:
            parser.close()
    except DefusedXmlException as error:
        raise XlsFormError([Finding("entities", params={"part": reader.part})]) from error
    except SAXParseException as error:
        raise XlsFormError([Finding("damaged")]) from error


class _Links(ContentHandler):
    """Refuses content types with macros, relationships that lead out of the file or to objects in it, and
    more elements in all parts together than a form has."""

    def __init__(self, elements: int, extensions: set[str], watch: Watch | None) -> None:
        super().__init__()
        self.part = ""
        self._watch = watch
        self._extensions = extensions
        self._left = self._elements = elements

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802 - SAX's name
        self._left -= 1
        if self._left < 0:
            _refuse("too_many_elements", limit=self._elements)
        if not self.part.endswith((".rels", "].xml")):
            if self._watch is not None and self.part.startswith("xl/worksheets/"):
                self._watch(self.part, name, attrs)  # type: ignore[arg-type]
            return
        values = {key.lower(): str(value) for key, value in attrs.items()}  # type: ignore[attr-defined]
        local = name.rpartition(":")[2]
        # Some programs declare a default for parts with macros in every file, whether it has any or not.
        declared = local == "Override" or values.get("extension", "").lower() in self._extensions
        if declared and "macroenabled" in values.get("contenttype", "").lower():
            _refuse("macros", part=self.part)
        if local != "Relationship":
            return
        kind = values.get("type", "").rpartition("/")[2].lower()
        if kind == "vbaproject" or "macrosheet" in kind:
            _refuse("macros", part=self.part)
        if kind in ("oleobject", "package", "control", "activexcontrolbinary"):
            _refuse("embedded_object", part=self.part)
        # A hyperlink is only shown: nothing here follows one.
        if values.get("targetmode", "").lower() == "external" and kind != "hyperlink":
            _refuse("external_link", part=self.part)

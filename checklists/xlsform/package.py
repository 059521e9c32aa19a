"""Whether a file may be opened as a workbook at all: asked before any spreadsheet library sees it.

An XLSX file is a ZIP of XML parts. What could fill memory, call home or run is refused by what the parts are,
never by what the file is called.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from checklists.xlsform.bounds import Bounds
from checklists.xlsform.finding import Finding, Findings, Refusal, XlsFormError

__all__ = ["check_package"]

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


def check_package(data: bytes, bounds: Bounds, findings: Findings) -> None:
    """Refuse what is no plain workbook. Comments and pictures are told as losses. Raises XlsFormError."""
    if len(data) > bounds.file_bytes:
        _refuse("too_large", have=len(data), limit=bounds.file_bytes)
    if data.startswith(_OLD_EXCEL):
        _refuse("old_excel")
    if not data.startswith(_ZIP):
        _refuse("not_xlsx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _check_parts(package, bounds, findings)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise XlsFormError([Finding("damaged")]) from error


def _refuse(what: Refusal, **params: object) -> None:
    raise XlsFormError([Finding(what, params=params)])


def _check_parts(package: zipfile.ZipFile, bounds: Bounds, findings: Findings) -> None:
    parts = package.infolist()
    if len(parts) > bounds.parts:
        _refuse("too_many_parts", have=len(parts), limit=bounds.parts)
    names = [part.filename.lower() for part in parts]
    if _CONTENT_TYPES.lower() not in names or not any(name.startswith("xl/workbook") for name in names):
        _refuse("not_xlsx")
    if len(set(names)) < len(names):
        _refuse("damaged")
    unpacked = 0
    reader = _Links(bounds.elements, {name.rpartition(".")[2] for name in names})
    for part, name in zip(parts, names, strict=True):
        if part.flag_bits & _ENCRYPTED:
            _refuse("encrypted")
        _check_name(name)
        content = b"".join(_unpack(package, part, bounds, bounds.unpacked_bytes - unpacked))
        unpacked += len(content)
        if name.endswith((".xml", ".rels", ".vml")):
            reader.part = name
            _check_xml(reader, content)
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


def _check_xml(reader: _Links, content: bytes) -> None:
    try:
        defusedxml.sax.parseString(content, reader, forbid_dtd=True)
    except DefusedXmlException as error:
        raise XlsFormError([Finding("entities", params={"part": reader.part})]) from error
    except SAXParseException as error:
        raise XlsFormError([Finding("damaged")]) from error


class _Links(ContentHandler):
    """Refuses content types with macros, relationships that lead out of the file or to objects in it, and
    more elements in all parts together than a form has."""

    def __init__(self, elements: int, extensions: set[str]) -> None:
        super().__init__()
        self.part = ""
        self._extensions = extensions
        self._left = self._elements = elements

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802 - SAX's name
        self._left -= 1
        if self._left < 0:
            _refuse("too_many_elements", limit=self._elements)
        if not self.part.endswith((".rels", "].xml")):
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

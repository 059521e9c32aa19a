"""`hezha photo facts`: what a photo file says of itself, and whether it would be taken as evidence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from server.commands.common import settings_or_exit
from server.services import system_clock
from server.texts import LANGUAGES, both, text

if TYPE_CHECKING:
    from server.evidence.model import PhotoVerdict, Reason
    from server.evidence.workers import PhotoWorkers

#: Columns of the labels.
_INDENT = 12


@click.group()
def photo() -> None:
    """Photos as evidence."""


@photo.command("facts")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON array with everything.")
def facts_command(files: tuple[Path, ...], language: str, *, as_json: bool) -> None:
    """Format, size, digest, EXIF time and place, camera and software of FILES, and what is odd of them.

    Each is judged as intake judges a photo whose form claims neither time nor place, in a process of its own.
    Exits with 1 if one of them would be refused.
    """
    from server.evidence.workers import PhotoWorkers  # noqa: PLC0415  brings Pillow

    settings = settings_or_exit()
    with PhotoWorkers(1, settings.photo_timeout_seconds, settings.photo_memory_bytes) as workers:
        told = [_told(file, workers) for file in files]
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        for one in told:
            for line in _lines(one, language):
                click.echo(line)
    sys.exit(0 if all(one["ok"] for one in told) else 1)


def _told(file: Path, workers: PhotoWorkers) -> dict[str, Any]:
    from server.evidence.model import PhotoLimits  # noqa: PLC0415

    verdict = _judged(file, workers, PhotoLimits())
    exif: dict[str, Any] | None = msgspec.to_builtins(verdict.exif)
    if exif is not None and verdict.exif is not None and verdict.exif.position is not None:
        place = verdict.exif.position
        # Stored in WGS-84 whatever it came in; the datum that the camera names stands beside it.
        exif["position"] = {"lon": place.lon, "lat": place.lat, "datum": "wgs84"}
    return {
        "file": file.name,
        "ok": verdict.ok,
        "format": verdict.format,
        "bytes": verdict.bytes,
        "width": verdict.width,
        "height": verdict.height,
        "sha256": verdict.sha256,
        "exif": exif,
        "reasons": [_worded(reason) for reason in verdict.reasons],
        "flags": [_worded(reason) for reason in verdict.flags],
    }


def _judged(file: Path, workers: PhotoWorkers, limits: Any) -> PhotoVerdict:
    """The verdict on a claim that is true as far as it goes: the file's own digest and sides."""
    from server.evidence.header import Refused, read_header  # noqa: PLC0415
    from server.evidence.model import PhotoClaim  # noqa: PLC0415
    from server.evidence.verify import copy_hashed  # noqa: PLC0415

    with file.open("rb") as opened:
        sha256, _ = copy_hashed(opened, None, limits.max_bytes)
        try:
            header = read_header(opened)
            sides = header.width, header.height
        except Refused:
            # It is refused for that before anybody asks for its sides.
            sides = 1, 1
    return workers.verify(file, PhotoClaim(sha256 or "", *sides), limits=limits, received_at=system_clock())


def _worded(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "params": dict(reason.params),
        "text": both(reason.code, **reason.params),
    }


def _lines(told: dict[str, Any], language: str) -> Iterator[str]:
    """One photo, the least in a line of its own, labels before what is known."""
    verdict = text("photo_fact.accepted" if told["ok"] else "photo_fact.refused", language)
    sides = f"{told['width']} × {told['height']}" if told["width"] else ""
    size = text("photo_fact.bytes", language, bytes=f"{told['bytes']:,}")
    yield "  ".join(filter(None, (told["file"], told["format"], sides, size, verdict)))
    for label, value in _facts(told, language):
        if value:
            yield f"  {_padded(text(f'photo_fact.{label}', language))}{value}"
    for mark, rows in (("✗", told["reasons"]), ("!", told["flags"])):
        for row in rows:
            yield f"  {mark} {row['text'][language]}"


def _facts(told: dict[str, Any], language: str) -> Iterator[tuple[str, str]]:
    yield "sha256", told["sha256"] or ""
    exif = told["exif"]
    if exif is None:
        return
    assumed = f" ({text('photo_fact.zone_assumed', language)})" if exif["offset_assumed"] else ""
    yield "taken_at", _moment(exif["taken_at"]) + assumed if exif["taken_at"] else ""
    yield "saved_at", _moment(exif["saved_at"]) if exif["saved_at"] != exif["taken_at"] else ""
    yield "gps_at", _moment(exif["gps_at"])
    if exif["position"]:
        yield "place", f"{exif['position']['lat']:.5f}, {exif['position']['lon']:.5f} WGS-84"
    yield "datum", exif["gps_datum"] or ""
    yield "camera", "  ".join(filter(None, (exif["make"], exif["model"])))
    yield "software", exif["software"] or ""
    yield "orientation", str(exif["orientation"]) if exif["orientation"] != 1 else ""


def _moment(value: str | None) -> str:
    return datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M:%S UTC") if value else ""


def _padded(label: str) -> str:
    """Filled up to the column; a Chinese sign is as wide as two letters."""
    wide = sum(2 if ord(sign) > 0x2E7F else 1 for sign in label)
    return label + " " * max(1, _INDENT - wide)

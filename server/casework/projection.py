"""A case as rows of the read model."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, date
from typing import Any

import msgspec

from geo.coords import CoordinateError, to_wgs84
from geo.tracks import TrackError, read_track
from server.bulletins.record import CaseRecord, packed, record_of
from server.casework.access import access_to
from server.casework.surroundings import surrounding_rows
from server.evidence.originals.document import attached, moved
from server.names import Names
from server.readmodel.database import CaseRows, ReadModel
from server.readmodel.layers import put_tracks
from server.readmodel.looks import put_look
from server.readmodel.search import folded
from server.readmodel.spans import NEVER, spans_of
from server.workflow.clocks.measure import Clock, clocks
from server.workflow.clocks.timeline import latest
from server.workflow.ended import ended_at
from server.workflow.explanations import standing_of
from server.workflow.gates import ready, ready_until
from server.workflow.inforce import InForce
from server.workflow.model import Case, Notice, Site
from server.workflow.monitors import Anomaly, watched
from server.workflow.vocabulary import SETTLED_TASKS
from sync.store import Document, DocumentStore

#: Before the id of a track, in its case's forms database.
TRACK = "track:"


def project(readmodel: ReadModel, case: Case, rev: str, rules: InForce) -> None:
    """Write what lists show of a case; an older generation than the known one changes nothing."""
    readmodel.put_cases([rows_of(case, rev, rules)])


def rows_of(case: Case, rev: str, rules: InForce) -> CaseRows:
    """What lists show of a case that stands at `rev`.

    It depends on no clock: what days bring is told by the days on which they do.
    """
    now = latest(case)
    timed = clocks(case, now, rules)
    told = watched(case, now, rules, timed)
    policy = rules.at(now, case.organisation)
    running = [one for one in timed if one.state != "ended"]
    clock_rows = [_clock_row(clock) for clock in running]
    open_notices = [notice for notice in case.notices.values() if notice.open]
    open_tasks = [task for task in case.tasks.values() if task.status not in SETTLED_TASKS]
    dues = [due for due in map(_due, open_notices) if due] + [
        task.due.isoformat() for task in open_tasks if task.due
    ]
    lon, lat = _wgs84(case.site)
    ended = ended_at(case)
    row: dict[str, Any] = {
        "id": case.id,
        "generation": int(rev.partition("-")[0]),
        "no": case.no,
        "organisation": case.organisation,
        "customer": case.customer.name,
        "address": case.customer.address,
        "process": case.process,
        "voltage_kv": case.supply.voltage_kv,
        "capacity_kva": case.supply.capacity_kva,
        "manager": case.manager,
        "stage": case.stage,
        "energization": case.energization.status,
        "ready": ready(case),
        "ready_until": _day(ready_until(case)),
        "open_tasks": len(open_tasks),
        "open_notices": len(open_notices),
        "next_due": min(dues, default=None),
        "clock_due": min((one.due.isoformat() for one in running if one.due), default=None),
        "lon": lon,
        "lat": lat,
        "opened_at": case.log[0].at.isoformat(),
        "updated_at": case.log[-1].at.isoformat(),
        "ended_at": None if ended is None else ended.astimezone(UTC).isoformat(),
        "words": folded((case.no, case.customer.name, case.customer.address, case.customer.account_no)),
    }
    return CaseRows(
        row,
        {
            "case_inspectors": [{"name": name} for name in access_to(case).writers],
            "tasks": [
                {
                    "id": task_id,
                    "kind": task.kind,
                    "status": task.status,
                    "due": task.due.isoformat() if task.due else None,
                    "assignees": list(task.assignees),
                }
                for task_id, task in case.tasks.items()
            ],
            "notices": [
                {
                    "n": n,
                    "status": notice.state,
                    "round": notice.round,
                    "items": len(notice.items),
                    "due": _due(notice),
                }
                for n, notice in case.notices.items()
            ],
            "clocks": clock_rows,
            "clock_spans": spans_of(clock_rows),
            "anomalies": [_anomaly_row(n, case, one) for n, one in enumerate(told, start=1)],
            "case_records": [_record_row(record_of(case, policy, timed, told, _rated(case)))],
            **surrounding_rows(case, now, rules),
        },
    )


def _rated(case: Case) -> int | None:
    """The customer's last rating."""
    last = max(case.ratings.values(), key=lambda one: (one.dated, one.recorded_at, one.id), default=None)
    return None if last is None else last.score


def _anomaly_row(n: int, case: Case, one: Anomaly) -> dict[str, Any]:
    return {
        "n": n,
        "manager": case.manager,
        "monitor": one.monitor,
        "code": one.code,
        "watch": one.watch,
        "since": one.since.isoformat(),
        "until": NEVER if one.until is None else one.until.isoformat(),
        "params": msgspec.to_builtins(one.params),
        "refs": one.refs,
        "anomaly": one.key,
        "standing": standing_of(case.explanations.get(one.key)),
    }


def _record_row(record: CaseRecord) -> dict[str, Any]:
    return {"first": record.opened.isoformat(), "last": _day(record.ended), "record": packed(record)}


def _clock_row(clock: Clock) -> dict[str, Any]:
    """A clock for any day from now on: the days of its marks, in their order."""
    first, second, full, *_ = [*(mark.on for mark in clock.marks), None, None, None]
    return {
        "id": clock.id,
        "clock": clock.clock,
        "kind": clock.kind,
        "state": clock.state,
        "limit": clock.limit,
        "unit": clock.unit,
        "due": _day(clock.due),
        "first_on": _day(first),
        "second_on": _day(second),
        "full_on": _day(full),
        "over_on": _day(clock.over_on),
        "unknown_from": None if clock.unknown_year is None else f"{clock.unknown_year}-01-01",
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def project_photo(
    readmodel: ReadModel, case_id: str, document: Document, receipt: Mapping[str, Any]
) -> dict[str, Any]:
    """Write what is shown of a judged photo; returns the row."""
    row: dict[str, Any] = {
        "id": str(document["_id"]).removeprefix("photo:"),
        "case_id": case_id,
        "task": str(document.get("task") or ""),
        "item": str(document.get("item") or ""),
        "sha256": str(document.get("sha256") or ""),
        "status": str(receipt["status"]),
        "taken_at": str(document.get("taken_at") or ""),
        "by": str(document.get("by") or ""),
        "bytes": int(receipt.get("bytes") or 0),
        "moved": not attached(document) and moved(document) is not None,
    }
    readmodel.put_photo(row)
    look = receipt.get("look")
    if look and row["status"] == "verified":
        put_look(
            readmodel,
            case_id=case_id,
            photo=row["id"],
            task=row["task"],
            item=row["item"],
            look=b64decode(look),
        )
    return row


def named_tracks(ids: Sequence[str]) -> list[str]:
    """The tracks among documents, each once."""
    return list(dict.fromkeys(one.removeprefix(TRACK) for one in ids if one.startswith(TRACK)))


def project_tracks(
    readmodel: ReadModel,
    store: DocumentStore,
    names: Names,
    case_id: str,
    tracks: Sequence[str] | None = None,
) -> None:
    """Show where tracks of the case lie: these, or all of them. One that cannot be read lies nowhere."""
    keys = None if tracks is None else [TRACK + one for one in tracks]
    rows, known = [], set()
    for document in store.all_docs(names.forms(case_id), prefix=TRACK, keys=keys):
        row = _track_row(document)
        if row is not None:
            rows.append(row)
            known.add(row["id"])
    put_tracks(readmodel, case_id, rows, gone=[one for one in tracks or () if one not in known])


def _track_row(document: Document) -> dict[str, Any] | None:
    try:
        track = read_track(document)
    except TrackError:
        return None
    places = [track.fixes[index].position for index in track.kept]
    if not places or track.started_at is None or track.ended_at is None:
        return None
    lons, lats = [one.lon for one in places], [one.lat for one in places]
    return {
        "id": str(document["_id"]).removeprefix(TRACK),
        "by": str(document.get("by") or ""),
        "west": min(lons),
        "south": min(lats),
        "east": max(lons),
        "north": max(lats),
        "started_at": track.started_at.isoformat(),
        "ended_at": track.ended_at.isoformat(),
        "fixes": len(track.fixes),
        "length_m": track.length_m,
    }


def _wgs84(site: Site) -> tuple[float, float]:
    """Where a site lies on everybody's map; as it was given, where that is no place."""
    try:
        position = to_wgs84(site.lon, site.lat, site.datum)
    except CoordinateError:
        return site.lon, site.lat
    return position.lon, position.lat


def project_photos(readmodel: ReadModel, store: DocumentStore, names: Names, case_id: str) -> int:
    """Show every judged photo of the case; returns how many."""
    media = names.media(case_id)
    receipts = {
        f"photo:{receipt['photo']}": receipt for receipt in store.all_docs(media, prefix="photo-receipt:")
    }
    for document in store.all_docs(media, keys=sorted(receipts)):
        project_photo(readmodel, case_id, document, receipts[document["_id"]])
    return len(receipts)


def _due(notice: Notice) -> str | None:
    return min((item.due.isoformat() for item in notice.items if item.due and not item.settled), default=None)

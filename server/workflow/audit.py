"""What each decision left of the case, part by part, so that a change made behind Hezha's back is found.

A *part* is what the case holds under one name: a field (`stage`), or one entry of a field that holds many
(`notices/2`, `facts/dual`, `gates/no-hold`). The last entry of each decision records the parts that it
changed, as they were before and after: small ones in full, larger ones by the SHA-256 of their canonical
JSON. So a part that differs from what was last recorded of it was changed by no decision, and the two entries
between which it happened are known even where a later decision built on the change.

What this cannot find by itself: a document that was put back whole to an earlier state, and a log that was
written anew from some entry on, hashes and all, by somebody who knows how. Both are found by `heads` that
were kept elsewhere (`hezha audit heads`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import structs
from msgspec.structs import replace

from server.workflow.lean import default_of, lean
from server.workflow.log import encoded, reseal, unsound
from server.workflow.model import Case, Change, LogEntry

__all__ = ["Head", "Trace", "head", "sealed", "sound", "traces"]

#: Parts of at most so many bytes of canonical JSON are recorded in full: they are what people ask about.
_IN_FULL_BYTES = 200
#: A part that the case does not hold.
_ABSENT: Mapping[str, Any] = {}


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that no decision accounts for.

    `code`: `log_broken` (an entry was changed, removed, inserted, or comes from another case), `log_empty`,
    `part_changed` (the part differs from what was last recorded of it), `part_unrecorded` (a part appeared
    that no entry tells of), `head_missing` (the log no longer contains an entry that was there), `unsealed`
    (the last decision recorded no parts, so they cannot be compared).

    `after_seq`: the last entry whose record still held, 0 if none. `before_seq`: the first entry at which it
    no longer did, None if no entry came after. `at` and `actor` are those of the entry `after_seq`.
    """

    code: str
    part: str = ""
    after_seq: int = 0
    before_seq: int | None = None
    at: datetime | None = None
    actor: str = ""
    reason: str = ""


class Head(msgspec.Struct, frozen=True):
    """How far a case's log had come: enough to tell later that it was cut off or written anew."""

    case: str
    seq: int
    hash: str


def head(case: Case) -> Head:
    """The end of the case's log as it stands."""
    last = case.log[-1] if case.log else None
    return Head(case.id, len(case.log), "" if last is None else last.hash)


def sealed(before: Case | None, after: Case) -> tuple[LogEntry, ...]:
    """The log of `after` with its last entry recording what the decision made of `before`.

    A case from before parts were recorded gets all of them at its next decision.
    """
    changes = dict(_changes(before, after))
    if before is not None and not any(entry.changes is not None for entry in before.log):
        held = {name: Change(record, record) for name, record in _records(after)}
        changes = {**held, **changes}
    return (*after.log[:-1], reseal(replace(after.log[-1], changes=changes)))


def traces(case: Case, known: Sequence[Head] = ()) -> tuple[Trace, ...]:
    """Whatever in the case its own log does not account for; nothing, if it is as decisions left it.

    `known`: heads of this case that were kept elsewhere.
    """
    found = [*_broken(case), *_beheaded(case, known)]
    found += _unaccounted(case)
    return tuple(found)


def sound(found: Iterable[Trace]) -> bool:
    """Whether these traces say nothing against a case. One that recorded no parts yet is silent."""
    return all(trace.code == "unsealed" for trace in found)


# -- recording


def _parts(case: Case, fields: Iterable[tuple[str, Any]] | None = None) -> Iterator[tuple[str, Any]]:
    """Every part that the case holds, or of these fields. A field that stands at its default is none."""
    for name, default in _fields() if fields is None else fields:
        value = getattr(case, name)
        if isinstance(value, Mapping):
            yield from ((f"{name}/{key}", inner) for key, inner in value.items())
        elif name == "gates":
            yield from ((f"gates/{gate.id}", gate) for gate in value)
        elif value != default:
            yield name, value


@cache
def _fields() -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, default_of(field)) for field in structs.fields(Case) if field.name != "log")


def _records(case: Case) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, _record(value)) for name, value in _parts(case))


def _changes(before: Case | None, after: Case) -> Iterator[tuple[str, Change]]:
    # Values are frozen and mostly the same objects: what a decision left alone costs next to nothing.
    fields = [
        (name, default)
        for name, default in _fields()
        if before is None or getattr(before, name) is not getattr(after, name)
    ]
    old = {} if before is None else dict(_parts(before, fields))
    new = dict(_parts(after, fields))
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new and (old[name] is new[name] or old[name] == new[name]):
            continue
        was = _record(old[name]) if name in old else _ABSENT
        now = _record(new[name]) if name in new else _ABSENT
        yield name, Change(was, now)


def _record(value: Any) -> Mapping[str, Any]:
    """`{"is": value}` or `{"sha256": …}`, in values that JSON gives back as they are."""
    plain = encoded(lean(value))
    if len(plain) <= _IN_FULL_BYTES:
        return {"is": msgspec.json.decode(plain)}
    return {"sha256": hashlib.sha256(plain).hexdigest()}


# -- comparing


def _broken(case: Case) -> Iterator[Trace]:
    if not case.log:
        yield Trace(code="log_empty")
    for seq, reason in unsound(case):
        last = case.log[seq - 2] if seq > 1 else None
        yield Trace(
            code="log_broken",
            after_seq=seq - 1,
            before_seq=seq,
            at=None if last is None else last.at,
            actor="" if last is None else last.actor,
            reason=reason,
        )


def _beheaded(case: Case, known: Sequence[Head]) -> Iterator[Trace]:
    for one in sorted(known, key=lambda one: one.seq):
        entry = case.log[one.seq - 1] if 0 < one.seq <= len(case.log) else None
        if one.seq and (entry is None or entry.hash != one.hash):
            reason = "shorter" if entry is None else "rewritten"
            yield Trace(code="head_missing", before_seq=one.seq, reason=reason)


def _unaccounted(case: Case) -> Iterator[Trace]:
    last: dict[str, tuple[Mapping[str, Any], LogEntry]] = {}
    begun = False
    recording: LogEntry | None = None
    for entry in case.log:
        if entry.changes is None:
            continue
        for name, change in sorted(entry.changes.items()):
            was, seen = last.get(name, (_ABSENT, recording))
            # The first record of an older case tells what was found, and has nothing to be compared with.
            if begun and not _same(change.before, was):
                yield _trace("part_changed" if name in last else "part_unrecorded", name, seen, entry)
            last[name] = (change.after, entry)
        begun, recording = True, entry
    if recording is None:
        yield Trace(code="unsealed")
        return
    yield from _differing(case, last, recording)


def _differing(
    case: Case, last: Mapping[str, tuple[Mapping[str, Any], LogEntry]], recording: LogEntry
) -> Iterator[Trace]:
    """What stands in the document otherwise than it was last recorded."""
    standing = dict(_records(case))
    for name in sorted(standing.keys() | last.keys()):
        was, seen = last.get(name, (_ABSENT, recording))
        if not _same(standing.get(name, _ABSENT), was):
            yield _trace("part_changed" if name in last else "part_unrecorded", name, seen, None)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records say the same. Python takes true for 1, the store does not."""
    return one is other or (one == other and encoded(one) == encoded(other))


def _trace(code: str, part: str, seen: LogEntry | None, then: LogEntry | None) -> Trace:
    return Trace(
        code=code,
        part=part,
        after_seq=0 if seen is None else seen.seq,
        before_seq=None if then is None else then.seq,
        at=None if seen is None else seen.at,
        actor="" if seen is None else seen.actor,
    )

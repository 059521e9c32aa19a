"""The case's log: every event carries the hash of the one before, so that none can be changed in silence.

A hash covers the canonical JSON of an entry without its own hash: keys sorted, no spaces, UTF-8, and whole
floats written as integers, because a store that passes JSON through JavaScript gives 4.0 back as 4. The
chain begins with the hash of the case's id: a log cannot be moved to another case.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from server.workflow.model import Case, Cause, LogEntry

#: Writes in one go what `_JSON` writes, unless there is a number with a fraction or an exponent.
_SORTED = msgspec.json.Encoder(order="sorted")
#: MessagePack puts this byte before each such number, and next to nowhere else: no UTF-8 of Chinese has it.
_PACKED, _FLOAT = msgspec.msgpack.Encoder(), b"\xcb"
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    """Canonical JSON of any value that msgspec can turn into JSON. Raises ValueError for NaN and infinity."""
    quick = _quick(value)
    return (
        _JSON.encode(_whole(msgspec.to_builtins(value, str_keys=True))).encode() if quick is None else quick
    )


def encoded(plain: Any) -> bytes:
    """Canonical JSON of plain values whose whole floats are integers already. Raises as `canonical` does."""
    quick = _quick(plain)
    return _JSON.encode(plain).encode() if quick is None else quick


def _quick(value: Any) -> bytes | None:
    """The canonical JSON where msgspec writes the same, which takes a tenth of the time; else None."""
    try:
        return None if _FLOAT in _PACKED.encode(value) else _SORTED.encode(value)
    except (TypeError, OverflowError):  # a key that is no text, a number beyond 64 bits
        return None


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _whole(value: Any) -> Any:
    # By exact type first: nearly all values are of these, and a log has many.
    kind = type(value)
    if kind is dict or (kind not in _PLAIN and isinstance(value, Mapping)):
        return {key: _whole(inner) for key, inner in value.items()}
    if kind is list or kind is tuple:
        return [_whole(inner) for inner in value]
    return int(value) if kind is float and value.is_integer() else value


_PLAIN = frozenset({str, int, float, bool, list, tuple, type(None)})


def _genesis(case_id: str) -> str:
    return digest({"case": case_id})


def _hash(entry: LogEntry) -> str:
    plain = msgspec.to_builtins(entry)
    del plain["hash"]
    return digest(plain)


def append(
    log: tuple[LogEntry, ...],
    case_id: str,
    *,
    at: datetime,
    actor: str,
    event: str,
    data: Mapping[str, Any],
    cause: Cause | None = None,
) -> LogEntry:
    """The entry that follows `log`. `at` is kept in UTC, `data` and the cause's command as plain JSON."""
    if cause is not None:
        cause = msgspec.structs.replace(cause, command=msgspec.json.decode(canonical(cause.command)))
    unsealed = LogEntry(
        seq=len(log) + 1,
        at=at.astimezone(UTC),
        actor=actor,
        event=event,
        data=msgspec.json.decode(canonical(data)),
        prev=log[-1].hash if log else _genesis(case_id),
        hash="",
        cause=cause,
    )
    return msgspec.structs.replace(unsealed, hash=_hash(unsealed))


def reseal(entry: LogEntry) -> LogEntry:
    """The entry with the hash of what it says now. Only for the end of a log that nobody saw yet."""
    return msgspec.structs.replace(entry, hash=_hash(entry))


def unsound(case: Case) -> Iterator[tuple[int, str]]:
    """Every place at which the chain does not hold: the place, from 1, and `seq`, `prev` or `hash`."""
    prev = _genesis(case.id)
    for seq, entry in enumerate(case.log, start=1):
        if entry.seq != seq:
            yield seq, "seq"
        elif entry.prev != prev:
            yield seq, "prev"
        elif entry.hash != _hash(entry):
            yield seq, "hash"
        prev = entry.hash


def verify_log(case: Case) -> bool:
    """True if no entry was changed, removed, inserted or taken from another case."""
    return bool(case.log) and next(unsound(case), None) is None

"""The vectors of the write rules: who may write what, each with the verdict that it must have.

`tests/vectors/write_rules/*.json` holds one a line. A database of the `kind` and with the `writers` holds
`old`, if there is one, written by the server; then `user` with `roles` writes `new` under `id`. `how`: `edit`
(the default) builds on `old`; the others replicate: `grown` builds on `old`, `branch` on nothing, and `long`
on nothing with a revision that is too long. `verdict` is `ok`, `forbidden` or `unauthorized`, `reason` its
first word. `{n}` stands for a text that no other vector has, `{"$times": [n, value]}` for a list, `<<x*9>>`
for nine x.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sync_http.fuzz.malformed import spread

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "write_rules"
ADMIN = "_admin"
OLD_REV, NEW_REV, OTHER_REV, LONG_REV = "1-aaaa", "2-cccc", "1-bbbb", "1-" + "x" * 130


@dataclass(frozen=True)
class Write:
    """Documents that are written at once: by whom, and whether as a replicator does."""

    docs: list[dict[str, Any]]
    new_edits: bool


@dataclass(frozen=True)
class Verdict:
    """What became of a write. `reason` is the first word of a refusal."""

    verdict: str
    reason: str | None = None

    @classmethod
    def of(cls, error: str | None, reason: str | None) -> Verdict:
        """From the row of an answer."""
        return cls("ok") if error is None else cls(error, (reason or "").split(":")[0])


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def vectors() -> list[dict[str, Any]]:
    """Every vector, numbered."""
    found = []
    for path in files():
        for number, vector in enumerate(json.loads(path.read_text("utf-8"))):
            found.append(numbered(vector, f"{path.stem}-{number}"))
    return found


def numbered(vector: dict[str, Any], n: str) -> dict[str, Any]:
    """A vector as it stands in its file, with `n` for its text that no other has."""
    text = spread(json.dumps(vector).replace("{n}", n))
    made: dict[str, Any] = json.loads(text, object_hook=_times)
    return made


def _times(value: dict[str, Any]) -> Any:
    if value.keys() == {"$times"}:
        count, one = value["$times"]
        return [one] * count
    return value


def expected(vector: dict[str, Any]) -> Verdict:
    return Verdict(vector["verdict"], vector.get("reason"))


def before(vector: dict[str, Any]) -> Write | None:
    """What the server has written, under a revision that the vector's own write can name."""
    if "old" not in vector:
        return None
    return Write([{"_id": vector["id"], "_rev": OLD_REV, **vector["old"]}], new_edits=False)


def write(vector: dict[str, Any]) -> Write:
    """The write to be judged."""
    doc = {"_id": vector["id"], **vector["new"]}
    match vector.get("how", "edit"):
        case "edit":
            if "old" in vector:
                doc["_rev"] = OLD_REV
            return Write([doc], new_edits=True)
        case "grown":
            line = {"start": 2, "ids": [NEW_REV[2:], OLD_REV[2:]]}
            return Write([{**doc, "_rev": NEW_REV, "_revisions": line}], new_edits=False)
        case "branch":
            return Write([{**doc, "_rev": OTHER_REV}], new_edits=False)
        case "long":
            return Write([{**doc, "_rev": LONG_REV}], new_edits=False)
        case other:
            raise ValueError(other)

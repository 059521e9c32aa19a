"""The write rules on the embedded engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sync.embedded.engine import EmbeddedStore
from sync.embedded.validate import Validator
from sync.store import SERVER, Security, UserCtx
from tests.write_rules.vectors import Verdict, before, write


class Embedded:
    """A database for every kind and set of writers, in one embedded store."""

    def __init__(self, folder: Path, design: dict[str, Any]) -> None:
        self.store = EmbeddedStore(folder, validator=Validator(), design=design)
        self._made: dict[str, str] = {}

    def judge(self, vector: dict[str, Any]) -> Verdict:
        db = self._database(vector)
        first = before(vector)
        if first is not None:
            [kept] = self.store.bulk_docs(db, first.docs, new_edits=False, user=SERVER)
            assert kept.ok, kept
        asked = write(vector)
        user = UserCtx(vector["user"], tuple(vector["roles"]))
        [row] = self.store.bulk_docs(db, asked.docs, new_edits=asked.new_edits, user=user)
        return Verdict.of(row.error, row.reason)

    def _database(self, vector: dict[str, Any]) -> str:
        key = repr((vector["kind"], vector["writers"]))
        if key not in self._made:
            self._made[key] = f"rules-{len(self._made)}"
            self.store.create_database(self._made[key], Security(kind="any"))  # with the rules
            self.store.put_security(self._made[key], security(vector))
        return self._made[key]


def security(vector: dict[str, Any]) -> dict[str, Any]:
    """`_security` as the server sets it, but open to all: the rules are to be heard, and not the door."""
    shown = Security(kind=vector["kind"]).to_json()
    shown["hezha"]["writers"] = vector["writers"]
    shown["members"] = {"names": [], "roles": []}
    return shown

"""The write rules on a real CouchDB: databases with a prefix of their own, users of their own."""

from __future__ import annotations

import json
import secrets
import uuid
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from sync.rules import design_document
from tests.write_rules.vectors import ADMIN, Verdict, Write, before, write

_TIMEOUT = 30.0


class Couch:
    """Judges vectors on the CouchDB at `url`, whose server admin it names. Use it in a `with`."""

    def __init__(self, url: str, asked: list[dict[str, Any]]) -> None:
        """`asked`: vectors of whose users each gets an account for the time being."""
        parts = urlsplit(url)
        self._url = f"{parts.scheme}://{parts.hostname}:{parts.port}"
        self._admin = (str(parts.username), str(parts.password))
        self._password = secrets.token_urlsafe(16)
        self._roles = {vector["user"]: vector["roles"] for vector in asked if vector["user"] is not None}
        # Others may run the same at the same time, and accounts are everybody's.
        self._tag = uuid.uuid4().hex[:8]
        self._prefix = f"rules-{self._tag}"
        self._made: dict[str, str] = {}
        self._sessions: dict[str | None, requests.Session] = {}

    def __enter__(self) -> Self:
        for name, roles in self._renamed(self._roles).items():
            account = {"name": name, "password": self._password, "roles": roles, "type": "user"}
            made = self._ask("PUT", f"_users/org.couchdb.user:{name}", json=account)
            assert made.ok, made.text
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._renamed(self._roles):
            path = f"_users/org.couchdb.user:{name}"
            rev = self._ask("GET", path).json().get("_rev")
            self._ask("DELETE", path, params={"rev": rev})
        for db in self._made.values():
            self._ask("DELETE", db)
        for session in self._sessions.values():
            session.close()

    def judge(self, vector: dict[str, Any], security: dict[str, Any]) -> Verdict:
        vector, security = self._renamed(vector), self._renamed(security)
        db = self._database(vector, security)
        first = before(vector)
        if first is not None:
            kept = self._write(db, first, ADMIN)
            assert kept == Verdict("ok"), (vector["name"], kept)
        return self._write(db, write(vector), ADMIN if ADMIN in vector["roles"] else vector["user"])

    def _renamed(self, value: Any) -> Any:
        """JSON with every name of a user made one that nobody else has."""
        text = json.dumps(value)
        for name in self._roles:
            text = text.replace(f'"{name}"', f'"{name}-{self._tag}"')
        return json.loads(text)

    def _write(self, db: str, asked: Write, user: str | None) -> Verdict:
        body = {"docs": asked.docs, "new_edits": asked.new_edits}
        answer = self._ask("POST", f"{db}/_bulk_docs", user, json=body)
        assert answer.status_code in {201, 202}, answer.text
        # To a replicator CouchDB answers the refusals alone.
        row: dict[str, Any] = next(iter(answer.json()), {})
        return Verdict.of(row.get("error"), row.get("reason"))

    def _database(self, vector: dict[str, Any], security: dict[str, Any]) -> str:
        key = repr((vector["kind"], vector["writers"]))
        if key not in self._made:
            db = self._made[key] = f"{self._prefix}-{len(self._made)}"
            for path, body in ((db, None), (f"{db}/_design/hezha", design_document())):
                assert self._ask("PUT", path, json=body).ok
            assert self._ask("PUT", f"{db}/_security", json=security).ok
        return self._made[key]

    def _ask(self, method: str, path: str, user: str | None = ADMIN, **more: Any) -> requests.Response:
        session = self._sessions.get(user)
        if session is None:
            session = self._sessions[user] = requests.Session()
            session.trust_env = False
            if user is not None:
                session.auth = self._admin if user == ADMIN else (user, self._password)
        return session.request(method, f"{self._url}/{path}", timeout=_TIMEOUT, **more)

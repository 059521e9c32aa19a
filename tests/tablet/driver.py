"""A tablet for tests: a Node process with real PouchDB databases, which outlive it in their folder."""

from __future__ import annotations

import base64
import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

_SCRIPT = Path(__file__).with_name("tablet.mjs")
_LAST_WORDS = 4000

JSON = dict[str, Any]


class TabletError(Exception):
    """PouchDB refused a command. `status`, `name` and `reason` are its own, None where it gave none.

    `result` is the summary of a replication that broke off.
    """

    def __init__(self, command: str, error: Mapping[str, Any]) -> None:
        self.status: int | None = error.get("status")
        self.name: str | None = error.get("name")
        self.reason: str | None = error.get("reason")
        self.result: JSON | None = error.get("result")
        super().__init__(f"{command}: {self.status} {self.name}: {self.reason or error.get('message')}")


class TabletDied(Exception):
    """The Node process ended or did not answer in time."""


class Tablet:
    """Use it in a `with`. `folder` holds the databases: a second Tablet on it is the same one, restarted.

    Databases are named at will (`db`); `url` is a server's database. `timeout` (seconds) bounds each command.
    Every method raises TabletError when PouchDB refuses, TabletDied when there is no answer.
    """

    def __init__(self, folder: Path, *, timeout: float = 60.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._timeout = timeout
        self._process = subprocess.Popen(
            ["node", str(_SCRIPT), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=_SCRIPT.parent,
        )
        self._answers: queue.Queue[JSON | None] = queue.Queue()
        self._errors = bytearray()
        self._number = 0
        self._readers = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._take("start")

    def __enter__(self) -> Tablet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the databases and end the process."""
        if self._process.poll() is None:
            with contextlib.suppress(TabletError, TabletDied, OSError):
                self._do("close")
        self.kill()

    def kill(self) -> None:
        """End the process at once, as when the battery is taken out."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    # -- who and where

    def sign_in(self, token: str) -> None:
        """Send this bearer token with every request from now on, also in replications under way."""
        self.set_headers({"Authorization": f"Bearer {token}"})

    def sign_in_basic(self, name: str, password: str) -> None:
        credentials = base64.b64encode(f"{name}:{password}".encode()).decode()
        self.set_headers({"Authorization": f"Basic {credentials}"})

    def sign_out(self) -> None:
        self.set_headers({})

    def set_headers(self, headers: Mapping[str, str]) -> None:
        self._do("headers", headers=dict(headers))

    def go_offline(self) -> None:
        """Let every request fail before it leaves the tablet."""
        self._do("offline", offline=True)

    def go_online(self) -> None:
        self._do("offline", offline=False)

    def requests(self) -> list[JSON]:
        """The requests since the last call, `{method, path, status}`."""
        found: list[JSON] = self._do("requests")
        return found

    # -- the tablet's own databases

    def put(self, db: str, doc: JSON, files: Mapping[str, tuple[Path, str]] | None = None) -> str:
        """Write a document; `files` are attachments, `{name: (path, content type)}`. Returns the revision."""
        return str(self._do("put", db=db, doc=doc, files=_files(files)))

    def bulk(self, db: str, docs: list[JSON]) -> list[JSON]:
        rows: list[JSON] = self._do("bulk", db=db, docs=docs)
        return rows

    def get(self, db: str, doc_id: str, **options: Any) -> JSON:
        """With PouchDB's options: `rev`, `revs`, `conflicts`, `open_revs`, `attachments` …"""
        doc: JSON = self._do("get", db=db, doc_id=doc_id, options=options)
        return doc

    def remove(self, db: str, doc_id: str, rev: str) -> str:
        return str(self._do("remove", db=db, doc_id=doc_id, rev=rev))

    def all_docs(self, db: str, **options: Any) -> list[JSON]:
        rows: list[JSON] = self._do("all_docs", db=db, options=options)
        return rows

    def changes(self, db: str, **options: Any) -> list[JSON]:
        rows: list[JSON] = self._do("changes", db=db, options=options)
        return rows

    def info(self, db: str) -> JSON:
        info: JSON = self._do("info", db=db)
        return info

    def put_attachment(
        self, db: str, doc_id: str, name: str, path: Path, content_type: str, *, rev: str | None = None
    ) -> str:
        return str(
            self._do(
                "put_attachment",
                db=db,
                doc_id=doc_id,
                name=name,
                rev=rev,
                path=str(path),
                content_type=content_type,
            )
        )

    def attachment(self, db: str, doc_id: str, name: str, **options: Any) -> bytes:
        return base64.b64decode(
            self._do("attachment", db=db, doc_id=doc_id, name=name, options=options)["base64"]
        )

    def destroy(self, db: str) -> None:
        self._do("destroy", db=db)

    # -- its key, by `web/signing`

    def make_key(self) -> JSON:
        """A new key of this process, `{kid, extractable}`."""
        made: JSON = self._do("make_key")
        return made

    def enrolment(self, device: str, user: str) -> JSON:
        """The body that enrols the key."""
        body: JSON = self._do("enrolment", device=device, user=user)
        return body

    def form_digest(self, form: JSON) -> str:
        return str(self._do("form_digest", form=form))

    def sign_form(self, form: JSON, forms: str, media: str) -> JSON:
        """The form signed, with the digests of what it names in these databases of the tablet."""
        signed: JSON = self._do("sign_form", form=form, forms=forms, media=media)
        return signed

    # -- replication, once

    def push(self, db: str, url: str, **options: Any) -> JSON:
        """To the server. `{ok, docs_read, docs_written, doc_write_failures, errors, last_seq, denied}`, where
        `denied` lists the refused documents as `{id, name, reason}`.
        """
        result: JSON = self._do("push", db=db, url=url, options=options)
        return result

    def pull(self, db: str, url: str, **options: Any) -> JSON:
        """From the server; answers like `push`."""
        result: JSON = self._do("pull", db=db, url=url, options=options)
        return result

    def sync(self, db: str, url: str, **options: Any) -> JSON:
        """Both at once, `{push, pull}`."""
        result: JSON = self._do("sync", db=db, url=url, options=options)
        return result

    # -- replication, live

    def live_start(self, name: str, db: str, url: str, *, pull_only: bool = False, **options: Any) -> None:
        """Sync both ways, or only pull, until `live_stop(name)`, coming back after every error."""
        self._do("live_start", name=name, db=db, url=url, pull_only=pull_only, options=options)

    def live_stop(self, name: str) -> list[JSON]:
        """Returns the documents that were refused meanwhile, as `push` does."""
        denied: list[JSON] = self._do("live_stop", name=name)
        return denied

    # -- the server's database, without a local one

    def remote_get(self, url: str, doc_id: str, **options: Any) -> JSON:
        doc: JSON = self._do("remote_get", url=url, doc_id=doc_id, options=options)
        return doc

    def remote_put(self, url: str, doc: JSON, files: Mapping[str, tuple[Path, str]] | None = None) -> str:
        return str(self._do("remote_put", url=url, doc=doc, files=_files(files)))

    def remote_info(self, url: str) -> JSON:
        info: JSON = self._do("remote_info", url=url)
        return info

    def remote_changes(self, url: str, **options: Any) -> list[JSON]:
        rows: list[JSON] = self._do("remote_changes", url=url, options=options)
        return rows

    def wait_for(self, what: Callable[[], Any], *, timeout: float | None = None) -> Any:
        """Call `what` until it gives something true, and return that. A TabletError counts as not yet."""
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        while True:
            try:
                found = what()
                said = repr(found)
            except TabletError as error:
                found, said = None, str(error)
            if found:
                return found
            if time.monotonic() >= deadline:
                raise AssertionError(f"it did not happen in time; last answer: {said}")
            time.sleep(0.05)

    # -- the wire

    def _do(self, command: str, **arguments: Any) -> Any:
        self._number += 1
        message = json.dumps({"id": self._number, "do": command, **arguments})
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(message.encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:  # ValueError: `kill` has closed the pipe
            raise self._died(command) from error
        return self._take(command)

    def _take(self, command: str) -> Any:
        while True:
            try:
                answer = self._answers.get(timeout=self._timeout)
            except queue.Empty:
                raise TabletDied(f"{command}: no answer within {self._timeout} s") from None
            if answer is None:
                raise self._died(command)
            if answer["id"] != self._number:
                continue  # of a command whose answer came too late
            if "error" in answer:
                raise TabletError(command, answer["error"])
            return answer["ok"]

    def _died(self, command: str) -> TabletDied:
        self._process.wait(timeout=5)
        words = bytes(self._errors[-_LAST_WORDS:]).decode(errors="replace")
        return TabletDied(f"{command}: the tablet ended with {self._process.returncode}: {words}")

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        for line in _lines(self._process.stdout):
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in _lines(self._process.stderr):
            self._errors += line


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    with contextlib.suppress(ValueError, OSError):
        yield from pipe


def _files(files: Mapping[str, tuple[Path, str]] | None) -> dict[str, dict[str, str]]:
    return {name: {"path": str(path), "content_type": kind} for name, (path, kind) in (files or {}).items()}

"""Photos judged in processes that a hostile file may kill, hang or bloat without harm to the server.

The workers are separate programs, spoken to in JSON over pipes: nothing that a broken decoder does to
its own memory reaches the parent, which unpickles nothing. A worker that dies is replaced, and its photo is
tried once more, because a kill may have been the machine's doing; a photo that kills twice is undecodable.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from msgspec.structs import replace

import server
from geo.fence import SiteFence
from server.evidence.header import Refused
from server.evidence.model import PhotoClaim, PhotoLimits, PhotoVerdict, Reason
from server.evidence.renditions import UNSHOWN, Rendition, Shown, Size
from server.evidence.verify import copy_hashed
from server.evidence.worker import (
    READY,
    Answer,
    Declined,
    Failed,
    Rendered,
    RenderRequest,
    Request,
    Verified,
    VerifyRequest,
)

_ROOT = Path(server.__file__).resolve().parent.parent
_MAX_ANSWER_BYTES = 1024 * 1024


class PoolClosed(RuntimeError):
    """The pool was closed; the photo was not judged."""


class WorkersUnavailable(RuntimeError):
    """No worker could be started (see its standard error); the photo was not judged."""


class _Died(Exception):
    """The worker gave no answer; `cause` is `crash` or `timeout`."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class PhotoWorkers:
    """`count` workers, started when first needed. Safe to use from many threads; close it, or use `with`.

    Each photo may take `timeout_s` of processor time and `memory_bytes` of address space (the interpreter's
    own share included). On a busy machine a decoder waits for its turn, so the wall clock stops it only after
    `patience` times as long. A worker is replaced after `recycle_after` photos.
    """

    def __init__(
        self,
        count: int = 2,
        timeout_s: float = 10.0,
        memory_bytes: int = 1024 * 1024 * 1024,
        *,
        patience: float = 4.0,
        attempts: int = 2,
        start_s: float = 60.0,
        recycle_after: int = 1000,
        spool_dir: Path | None = None,
    ) -> None:
        self._command = [
            *(sys.executable, "-m", "server.evidence.worker"),
            *(str(memory_bytes), str(max(1, round(timeout_s)))),
        ]
        self._start_s = start_s
        self._wall_s = timeout_s * patience
        self._attempts = attempts
        self._recycle_after = recycle_after
        self._spool_dir = spool_dir
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._closed = threading.Event()
        self._count = count
        for _ in range(count):
            self._idle.put(None)

    def verify(
        self,
        source: Path | BinaryIO,
        claim: PhotoClaim,
        *,
        limits: PhotoLimits,
        received_at: datetime,
        fence: SiteFence | None = None,
        shown: Shown = UNSHOWN,
    ) -> PhotoVerdict:
        """`verify.verify_photo` of a file or stream, in a worker; waits for a free one.

        A photo that its worker does not survive is tried again without renditions, and at last
        refused as `photo_undecodable`. Raises OSError when the
        disk failed, WorkersUnavailable, PoolClosed after `close`: none of them speaks against the photo.
        """
        if not isinstance(source, Path):
            with tempfile.NamedTemporaryFile(dir=self._spool_dir, suffix=".photo") as spool:
                copy_hashed(source, spool, limits.max_bytes)
                spool.flush()
                return self.verify(
                    Path(spool.name),
                    claim,
                    limits=limits,
                    received_at=received_at,
                    fence=fence,
                    shown=shown,
                )
        request = VerifyRequest(str(source.absolute()), claim, limits, received_at, fence, shown)
        reply = self._ask(request, replace(request, shown=UNSHOWN))
        if isinstance(reply, Verified):
            return reply.verdict
        return PhotoVerdict(ok=False, reasons=(_refusal(reply),), flags=claim.notes)

    def render_all(
        self,
        path: Path,
        outs: Mapping[Size, Path],
        *,
        limits: PhotoLimits | None = None,
        mark: Sequence[str] = (),
    ) -> dict[Size, Rendition]:
        """`renditions.render_all` in a worker; raises Refused also where the worker does not survive."""
        named: dict[Size, str] = {size: str(out.absolute()) for size, out in outs.items()}
        reply = self._ask(RenderRequest(str(path.absolute()), named, limits or PhotoLimits(), tuple(mark)))
        if isinstance(reply, Rendered):
            return reply.made
        reason = _refusal(reply)
        raise Refused(reason.code, **reason.params)

    @property
    def longest_seconds(self) -> float:
        """The longest that one photo takes once a worker is free: every attempt with a start before it."""
        return self._attempts * (self._start_s + self._wall_s)

    def close(self) -> None:
        """Stop the workers, after the photos they are at."""
        self._closed.set()
        for _ in range(self._count):
            worker = self._idle.get()
            if worker is not None:
                worker.stop()
        for _ in range(self._count):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: Request, again: Request | None = None) -> Answer:
        """The answer; `again` is what is asked of another worker when one died of the request."""
        cause = "crash"
        for attempt in range(self._attempts):
            asked = again if attempt and again else request
            try:
                reply = self._ask_once(msgspec.json.encode(asked) + b"\n")
            except _Died as died:
                cause = died.cause
                continue
            if isinstance(reply, Failed):
                raise OSError(reply.errno, reply.message)
            return reply
        return Declined(Reason("photo_undecodable", {"cause": cause}))

    def _ask_once(self, line: bytes) -> Answer:
        worker = self._idle.get()
        try:
            if self._closed.is_set():
                raise PoolClosed
            if worker is not None and not worker.alive:
                worker.stop()
                worker = None
            if worker is None:
                worker = _Worker(self._command, self._start_s)
            reply = worker.ask(line, self._wall_s)
            if worker.answered >= self._recycle_after:
                worker.stop()
                worker = None
            return reply
        except _Died:
            worker = None
            raise
        finally:
            self._idle.put(worker)


def _refusal(reply: Answer) -> Reason:
    """Why a photo got no verdict; an answer to another question is as good as none."""
    return reply.reason if isinstance(reply, Declined) else Reason("photo_undecodable", {"cause": "crash"})


class _Worker:
    """One child process and its two pipes."""

    def __init__(self, command: list[str], start_s: float) -> None:
        self.answered = 0
        # Only what an interpreter needs to start: the parent's environment holds keys.
        kept = {name: value for name in ("PATH", "LANG", "TZ", "TMPDIR") if (value := os.environ.get(name))}
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, numbers as arguments
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # One thread: a pool of its own would only take address space from the pictures.
            env={**kept, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"},
            # Ctrl-C on the server is not for the workers: they end with their input.
            start_new_session=True,
        )
        try:
            if self._read_line(start_s) != READY:
                raise _Died("crash")
        except _Died as died:
            self.stop()
            raise WorkersUnavailable("a photo worker did not start") from died

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, line: bytes, wall_s: float) -> Answer:
        """Send a request and wait for its answer; on any doubt the process is ended and _Died raised."""
        try:
            if self._process.stdin is None:
                raise _Died("crash")
            self._process.stdin.write(line)
            self._process.stdin.flush()
            reply = msgspec.json.decode(self._read_line(wall_s), type=Answer)
        except (OSError, msgspec.DecodeError) as error:
            self.stop()
            raise _Died("crash") from error
        except BaseException:
            self.stop()
            raise
        self.answered += 1
        return reply  # type: ignore[no-any-return]

    def stop(self) -> None:
        """End the process and reap it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                # A request half written when the worker died is still in the buffer.
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _read_line(self, wall_s: float) -> bytes:
        pipe = self._process.stdout
        if pipe is None:
            raise _Died("crash")
        waiter = select.poll()
        waiter.register(pipe, select.POLLIN)
        deadline = time.monotonic() + wall_s
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not waiter.poll(left * 1000):
                raise _Died("timeout")
            block = os.read(pipe.fileno(), 65536)
            line += block
            if len(line) > _MAX_ANSWER_BYTES:
                raise _Died("crash")
            if not block:
                raise _Died(self._cause())
        return line

    def _cause(self) -> str:
        """Why the pipe closed: the kernel ends a process over its processor time with SIGXCPU."""
        try:
            ended = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "crash"
        return "timeout" if ended == -signal.SIGXCPU else "crash"

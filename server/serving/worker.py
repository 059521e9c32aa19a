"""gunicorn's threaded worker, which lets neither waiting tablets nor slow clients hold its threads."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from types import FrameType
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from server.serving.answer import Answer
from server.serving.arrival import Arrival, look, wanted
from server.serving.memory import give_memory_back, settle, trim
from server.serving.patience import PIECE, Patience, PatientInput, bound_socket, is_read
from server.serving.response import OnePacketResponse
from sync.embedded.pausing import CAN_PAUSE, Pause


class WebWorker(ThreadWorker):  # type: ignore[misc]
    """Threads for requests that have something to do; the main thread watches over all the rest.

    An answer that pauses (`sync.embedded.pausing`) is set aside with its connection until its bell
    rings, its time is over, or its client goes away. A stop lets go of all of them, or they would hold the
    process for the whole grace, at every restart.
    """

    #: Seconds for a request's headers, and for a piece of its body or of the answer; `bounded` sets them.
    header_seconds = 10.0
    stall_seconds = 30.0
    #: How long a thread stays with a connection whose request it has answered.
    linger_seconds = 0.02
    #: Of a body from this size on, what it took is given back to the system once it is answered.
    large_bytes = 4 * 1024 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._headers = Patience(self.header_seconds)
        self._bodies = Patience(self.stall_seconds)
        self._aside: dict[TConn, tuple[Answer, Pause]] = {}
        self._going_on: dict[TConn, Answer] = {}
        self._arriving: dict[TConn, Arrival] = {}
        self._alarms: list[tuple[float, int, TConn, Pause]] = []
        self._number = itertools.count()

    @classmethod
    def bounded(cls, *, header_seconds: float, stall_seconds: float) -> type[WebWorker]:
        """The class with these limits: gunicorn makes the worker itself, from a class."""
        return type(cls.__name__, (cls,), {"header_seconds": header_seconds, "stall_seconds": stall_seconds})

    def init_process(self) -> None:
        give_memory_back()
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        settle()

    # -- in the threads

    def handle(self, conn: TConn) -> Any:
        """Answer a request, and those that follow it at once, or go on with an answer that was set aside."""
        outcome = self._handle_one(conn)
        while outcome is True and self._next_is_here(conn):
            outcome = self._handle_one(conn)
        return outcome

    def _next_is_here(self, conn: TConn) -> bool:
        """Whether the client has sent another request, or does so now.

        Who replicates asks one thing after the other. To hand the connection back to the main thread in
        between, and to get it again, costs more than most answers. But nobody else's request waits for that.
        """
        if not self.alive or self.tpool._work_queue.qsize() or conn.parser.unreader.buf.getvalue():
            return False
        poller = select.poll()
        poller.register(conn.sock, select.POLLIN)
        if not poller.poll(self.linger_seconds * 1000):
            return False
        seen = look(conn.sock)
        return seen is not None and seen[1] >= wanted(seen[0])

    def _handle_one(self, conn: TConn) -> Any:
        answer = self._going_on.pop(conn, None)
        if answer is None:
            if not conn.initialized:
                bound_socket(conn.sock, self.stall_seconds)
            self._headers.begin(conn.sock)
            try:
                return super().handle(conn)
            finally:
                self._headers.end(conn.sock)
        try:
            conn.sock.setblocking(True)
            return self._keepalive_after(conn, self._go_on(conn, answer))
        except (OSError, StopIteration):
            return False

    def handle_request(self, req: Any, conn: TConn) -> Pause | bool:
        """As gunicorn's own; but its input is not waited for without end, and its answer may pause."""
        self._headers.end(conn.sock)
        conn.parser.unreader.mxchunk = PIECE  # else a body comes in halves of that, each copied once more
        response, environ = wsgi.create(
            req, conn.sock, conn.client, conn.server, self.cfg, response_class=OnePacketResponse
        )
        environ["wsgi.multithread"] = True
        body = PatientInput(environ["wsgi.input"], conn.sock, self._bodies)
        environ["wsgi.input"] = body
        environ[CAN_PAUSE] = True
        self.nr += 1
        if not self.alive or not self.cfg.keepalive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        answer = Answer(
            response,
            conn,
            self.wsgi(environ, response.start_response),
            file_wrapper=environ["wsgi.file_wrapper"],
            finished=partial(self._finished, body, partial(self.log.access, response, req, environ)),
            broke=partial(self.log.exception, "Error handling request"),
        )
        return self._go_on(conn, answer)

    def _finished(self, body: PatientInput, log: Callable[[timedelta], None], taken: timedelta) -> None:
        log(taken)
        if body.taken >= self.large_bytes:
            trim()

    def _go_on(self, conn: TConn, answer: Answer) -> Pause | bool:
        outcome = answer.go_on()
        if isinstance(outcome, Pause):
            self._aside[conn] = (answer, outcome)
        return outcome

    def _keepalive_after(self, conn: TConn, keepalive: Pause | bool) -> Any:
        if isinstance(keepalive, Pause) or (keepalive and is_read(conn.parser.mesg.body)):
            return keepalive
        return super()._keepalive_after(conn, keepalive)

    # -- in the main thread

    def enqueue_req(self, conn: TConn) -> None:
        """gunicorn comes here with a connection that is new, or stirs: a thread gets it when it may begin."""
        if conn in self._going_on or (conn.parser is not None and conn.parser.unreader.buf.getvalue()):
            super().enqueue_req(conn)
        else:
            conn.sock.setblocking(False)
            self._arriving[conn] = Arrival(time.monotonic() + self.cfg.keepalive)
            self._arrives(conn)

    def _arrives(self, conn: TConn, _sock: object = None) -> None:
        """See how much of a request there is, and wait for the rest of it without a thread."""
        self._unregister(conn)
        arrival = self._arriving[conn]
        seen = look(conn.sock)
        if seen is None or (seen[1] and seen[1] == arrival.there):  # no more has come, and no more will
            self._leaves(conn)
            return
        head, there = seen
        if there and there >= wanted(head):
            del self._arriving[conn]
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            conn.data_ready = True
            super().enqueue_req(conn)
            return
        if there:
            headers_there = wanted(head) > len(head) + 1
            seconds = self.stall_seconds if headers_there else self.header_seconds
            if not arrival.there or headers_there:
                arrival.deadline = time.monotonic() + seconds
            arrival.there = there
        # The kernel wakes us when that much has come, and not for every packet.
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted(head))
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._arrives, conn))

    def _leaves(self, conn: TConn) -> None:
        """A connection that nothing comes from any more."""
        self._arriving.pop(conn, None)
        self._unregister(conn)
        self.nr_conns -= 1
        conn.close()

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        pause = None if fs.cancelled() or fs.exception() else fs.result()
        if not isinstance(pause, Pause):
            super().finish_request(conn, fs)
            return
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._stirs, conn, pause))
        deadline = time.monotonic() + pause.seconds
        heapq.heappush(self._alarms, (deadline, next(self._number), conn, pause))
        # Last of all, since the bell may have rung already.
        pause.bell.call(partial(self.method_queue.defer, self._resume, conn, pause))

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """gunicorn's loop comes here at least once a second."""
        if self._alarms:
            timeout = max(0.0, min(timeout, self._alarms[0][0] - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)
        while self._alarms and self._alarms[0][0] <= time.monotonic():
            _, _, conn, pause = heapq.heappop(self._alarms)
            self._resume(conn, pause)
        now = time.monotonic()
        for conn, arrival in list(self._arriving.items()):
            if arrival.deadline <= now or not (self.alive or arrival.there):
                self._leaves(conn)
        for patience, what in ((self._headers, "headers"), (self._bodies, "body")):
            if cut := patience.cut_off():
                _tell_of_slow(waited_for=what, connections=cut)

    def _resume(self, conn: TConn, pause: Pause) -> None:
        """Its bell has rung, or its time is over. What comes late for an earlier pause is passed over."""
        answer, current = self._aside.get(conn, (None, None))
        if answer is None or current is not pause:
            return
        del self._aside[conn]
        self._unregister(conn)
        self._going_on[conn] = answer
        self.enqueue_req(conn)

    def _stirs(self, conn: TConn, pause: Pause, _sock: object) -> None:
        """The client of an answer set aside has sent something, or has gone."""
        if self._aside.get(conn, (None, None))[1] is not pause:
            return  # its bell rang in the same moment: a thread goes on with it, and may have paused again
        try:
            gone = not conn.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        self._unregister(conn)  # a next request is read when this one is answered
        if gone:
            self._aside.pop(conn)[0].end()
            self.nr_conns -= 1
            conn.close()

    def _unregister(self, conn: TConn) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)

    # -- signals

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # By the main loop: a signal may come while this thread holds a lock that letting go needs.
        self.method_queue.defer(self._dismiss)
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        threading.Thread(target=self._dismiss, daemon=True).start()
        super().handle_quit(sig, frame)

    def _dismiss(self) -> None:
        # A signal may come before the application is loaded, or find one that could not be.
        made = getattr(getattr(self, "wsgi", None), "extensions", {}).get("hezha")
        if made is not None:
            made.store.dismiss()
            made.live.dismiss()


def _tell_of_slow(**fields: object) -> None:
    import structlog  # noqa: PLC0415  gunicorn's parent process reads this module and tells nothing

    structlog.get_logger(__name__).info("client.too_slow", **fields)

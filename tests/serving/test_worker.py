"""The web worker with two threads: neither those who wait nor those who are slow keep the others waiting."""

from __future__ import annotations

import ast
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HEADER_SECONDS = 0.6
STALL_SECONDS = 1.2
THREADS = 2
PATIENCE = 20.0


@dataclass
class Served:
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def get(self, path: str) -> bytes:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as link:
            link.request("GET", path)
            return link.getresponse().read()

    def counted(self, what: str) -> int:
        counted: dict[str, int] = ast.literal_eval(self.get("/counted").decode())
        return counted[what]

    def until(self, look: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not look():
            assert time.monotonic() < end
            time.sleep(0.02)

    @contextlib.contextmanager
    def parked(self, *, seconds: float) -> Iterator[http.client.HTTPResponse]:
        """A parked answer whose first bytes have come."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as link:
            link.request("GET", f"/park/{seconds}")
            with link.getresponse() as response:
                assert response.read(6) == b"begin "
                yield response


def read_all(link: socket.socket) -> bytes:
    with link.makefile("rb") as answer:
        return answer.read()


def is_cut_off(link: socket.socket) -> bool:
    with contextlib.suppress(ConnectionResetError):
        return link.recv(100) == b""
    return True


@contextlib.contextmanager
def crowd(served: Served, size: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(served.connect()) for _ in range(size)]


def start(folder: Path) -> Served:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log"
    arguments = [str(port), str(THREADS), str(HEADER_SECONDS), str(STALL_SECONDS)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("app.py")), *arguments],
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
    served = Served(port, process, log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            return served.get("/now") == b"now"
        return False

    served.until(answers)
    return served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start(tmp_path_factory.mktemp("served"))
    try:
        yield made
    finally:
        made.process.terminate()
        made.process.wait(PATIENCE)


def test_answers_that_wait_hold_no_thread(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(served.parked(seconds=60)) for _ in range(10 * THREADS)]
        assert served.get("/now") == b"now"
        served.get("/ring")
        for response in waiting:
            assert response.read(7) == b"middle "
        served.get("/ring")
        for response in waiting:
            assert response.read() == b"end"


def test_an_answer_goes_on_when_its_time_is_over(served: Served) -> None:
    began = time.monotonic()
    with served.parked(seconds=0.3) as response:
        assert response.read() == b"middle end"
    assert time.monotonic() - began >= 0.6


def test_who_rings_while_an_answer_is_set_aside_is_heard(served: Served) -> None:
    for _ in range(50):
        with served.parked(seconds=60) as response:
            served.get("/ring")
            assert response.read(7) == b"middle "
            served.get("/ring")
            assert response.read() == b"end"


def test_an_answer_whose_client_has_gone_is_let_go(served: Served) -> None:
    before = served.counted("closed")
    for _ in range(5):
        with served.parked(seconds=60):
            pass
    served.until(lambda: served.counted("closed") == before + 5)


def test_whose_client_goes_as_its_bell_rings_ends_alone(served: Served) -> None:
    """Both may be told in one look at the sockets; then a thread has the answer already."""
    before, rounds, size = served.counted("closed"), 30, 20
    for _ in range(rounds):
        with contextlib.ExitStack() as stack:
            for _ in range(size):
                stack.enter_context(served.parked(seconds=60))
            ringing = threading.Thread(target=served.get, args=("/ring",))
            ringing.start()
        ringing.join(PATIENCE)
    served.until(lambda: served.counted("closed") == before + rounds * size)
    assert "Exception in worker process" not in served.log.read_text()


def test_slow_headers_hold_no_thread_and_are_cut_off(served: Served) -> None:
    with crowd(served, 10 * THREADS) as slow:
        for link in slow:
            link.sendall(b"GET /now HT")
        assert served.get("/now") == b"now"
        assert all(is_cut_off(link) for link in slow)


def test_slow_headers_that_come_in_time_are_answered(served: Served) -> None:
    with served.connect() as link:
        for piece in (b"GET /now HTTP/1.1\r", b"\nHost: x\r\n", b"Connection: close\r\n\r", b"\n"):
            link.sendall(piece)
            time.sleep(HEADER_SECONDS / 20)
        assert read_all(link).endswith(b"now\r\n0\r\n\r\n")


def test_half_of_a_small_body_holds_no_thread_and_never_begins(served: Served) -> None:
    begun = served.counted("begun")
    with crowd(served, 10 * THREADS) as halves:
        for link in halves:
            link.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n" + b"x" * 1000)
        assert served.get("/now") == b"now"
        assert all(is_cut_off(link) for link in halves)
    assert served.counted("begun") == begun


def test_the_rest_of_a_small_body_is_waited_for(served: Served) -> None:
    with served.connect() as link:
        head = b"POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n"
        link.sendall(head + b"x" * 1999)
        time.sleep(STALL_SECONDS / 4)
        link.sendall(b"x")
        assert b"2000" in read_all(link)


def test_who_stalls_in_a_large_body_gives_the_thread_back(served: Served) -> None:
    read = served.counted("read")
    head = b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
    with crowd(served, THREADS) as stalled:
        for link in stalled:
            link.sendall(head + b"x" * 100_000)
        # gunicorn calls a body that breaks off complete: who counts its bytes knows better, as `/sync` does.
        served.until(lambda: served.counted("read") == read + THREADS)


def test_who_takes_nothing_gives_the_thread_back(served: Served) -> None:
    with crowd(served, THREADS) as idle:
        for link in idle:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(STALL_SECONDS / 4)  # both threads are at it by now
        assert served.get("/now") == b"now"


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1, 3_000_000])
def test_bodies_of_any_size_arrive_whole(served: Served, size: int) -> None:
    link = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    for _ in range(2):  # the connection is kept
        link.request("POST", "/length", b"y" * size)
        assert link.getresponse().read() == str(size).encode()
    link.request("POST", "/length", iter([b"y" * size, b"zz"]), encode_chunked=True)
    assert link.getresponse().read() == str(size + 2).encode()
    link.request("POST", "/lines", b"a\nbb\n" + b"c" * size)
    assert link.getresponse().read() == repr([2, 3, size][: 3 if size else 2]).encode()
    link.close()


def test_who_expects_a_word_first_is_told_to_go_on(served: Served) -> None:
    with served.connect() as link:
        head = b"POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
        link.sendall(head + b"Content-Length: 5\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 100")
        link.sendall(b"hello")
        assert b"5" in read_all(link)


def test_requests_sent_ahead_are_answered_in_their_order(served: Served) -> None:
    with served.connect() as link:
        request = b"GET /%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
        link.sendall(
            request % (b"park/0.1", b"")
            + request % (b"now", b"")
            + request % (b"now", b"Connection: close\r\n")
        )
        answers = read_all(link)
    assert answers.count(b"200 OK") == 3
    assert answers.index(b"begin") < answers.index(b"end") < answers.index(b"now")


def test_an_answer_that_fails_is_cut_short_or_told_and_logged(served: Served) -> None:
    with served.connect() as link:
        link.sendall(b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = read_all(link)
    assert b"begin" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    with served.connect() as link:
        link.sendall(b"GET /crash HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_all(link).startswith(b"HTTP/1.1 500")
    log = served.log.read_text()
    assert "failed in the middle" in log
    assert "failed at once" in log


def test_a_stop_ends_idle_connections_at_once(tmp_path: Path) -> None:
    served = start(tmp_path)
    with crowd(served, 5) as idle:
        assert served.get("/now") == b"now"
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert all(is_cut_off(link) for link in idle)
        assert served.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 8  # the grace is ten seconds


def test_clients_that_ask_without_a_pause_leave_room_for_others(served: Served) -> None:
    """A thread stays a moment with who asks again at once, but for no longer than nobody waits for it."""
    over = threading.Event()

    def ask() -> int:
        asked = 0
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        ) as link:
            while not over.is_set():
                link.request("GET", "/")
                assert link.getresponse().read() == b"now"
                asked += 1
        return asked

    with ThreadPoolExecutor(THREADS + 1) as pool:
        busy = [pool.submit(ask) for _ in range(THREADS + 1)]
        try:
            assert [served.get("/") for _ in range(20)] == [b"now"] * 20
        finally:
            over.set()
        assert all(client.result(PATIENCE) > 0 for client in busy)

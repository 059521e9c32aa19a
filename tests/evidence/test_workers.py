"""A hostile file may kill, hang or bloat its worker; the pool answers, recovers, and blames nobody else."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from geo.coords import Position
from geo.fence import circle
from server.evidence import workers as pool_module
from server.evidence.header import Refused
from server.evidence.model import PhotoLimits, PhotoVerdict
from server.evidence.workers import PhotoWorkers, PoolClosed, WorkersUnavailable
from tests.evidence.photos import LAT, LON, RECEIVED, claim_for, judge, photo, png_bomb, saved

LIMITS = PhotoLimits()
GOOD = photo()


def ask(pool: PhotoWorkers, data: bytes, limits: PhotoLimits = LIMITS) -> PhotoVerdict:
    return pool.verify(io.BytesIO(data), claim_for(data), limits=limits, received_at=RECEIVED)


def child_pids() -> set[int]:
    """This process's children, whichever of its threads started them."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended since
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., PhotoWorkers]]:
    """A pool whose workers run real processes with another body, to misbehave on command."""
    pools: list[PhotoWorkers] = []

    def make(body: str, wall_s: float = 20.0) -> PhotoWorkers:
        program = tmp_path / "worker.py"
        program.write_text(f"import sys, os, signal, time\nprint('ready', flush=True)\n{body}\n")
        pool = PhotoWorkers(1, timeout_s=wall_s, patience=1.0)
        monkeypatch.setattr(pool, "_command", [sys.executable, str(program)])
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        pool.close()


def test_a_worker_judges_like_the_function(workers: PhotoWorkers, write: Callable[..., Path]) -> None:
    fence = circle(Position(LON + 0.05, LAT), 200.0)
    expected = judge(GOOD, fence=fence)
    for source in (io.BytesIO(GOOD), write(GOOD)):
        claim = claim_for(GOOD)
        assert workers.verify(source, claim, limits=LIMITS, received_at=RECEIVED, fence=fence) == expected


def test_refusals_pass_through(workers: PhotoWorkers) -> None:
    for data, code in (
        (b"", "photo_empty"),
        (GOOD[:-9], "photo_undecodable"),
        (png_bomb(50_000, 50_000), "photo_side_too_long"),
    ):
        assert [reason.code for reason in ask(workers, data).reasons] == [code]
    too_big = ask(workers, GOOD, PhotoLimits(max_bytes=1000))
    assert [reason.code for reason in too_big.reasons] == ["photo_too_many_bytes"]


def test_a_worker_renders_or_refuses(
    workers: PhotoWorkers, write: Callable[..., Path], tmp_path: Path
) -> None:
    made = workers.render_all(write(GOOD), {"thumb": tmp_path / "t.jpg"})
    assert made["thumb"].bytes == (tmp_path / "t.jpg").stat().st_size
    with pytest.raises(Refused, match="photo_undecodable"):
        workers.render_all(write(GOOD[:-9]), {"thumb": tmp_path / "u.jpg"})
    with pytest.raises(FileNotFoundError):
        workers.render_all(tmp_path / "gone.jpg", {"thumb": tmp_path / "v.jpg"})


def test_a_worker_killed_while_idle_is_replaced_unnoticed() -> None:
    with PhotoWorkers(1) as pool:
        before = child_pids()
        assert ask(pool, GOOD).ok
        (pid,) = child_pids() - before
        os.kill(pid, signal.SIGKILL)
        assert ask(pool, GOOD).ok
        assert pid not in child_pids()


def test_a_worker_killed_at_work_costs_the_photo_nothing() -> None:
    """A kill may be the machine's doing: the photo is tried again and judged rightly."""
    slow = png_bomb(9000, 8500)
    claim = claim_for(slow, width=9000, height=8500)
    with PhotoWorkers(1) as pool:
        before = child_pids()
        assert ask(pool, GOOD).ok
        (pid,) = child_pids() - before
        killer = threading.Timer(0.02, os.kill, (pid, signal.SIGKILL))
        killer.start()
        assert pool.verify(io.BytesIO(slow), claim, limits=LIMITS, received_at=RECEIVED).ok
        killer.join()
        assert pid not in child_pids()


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("sys.stdin.readline(); os.kill(os.getpid(), signal.SIGSEGV)", "crash"),
        ("sys.stdin.readline(); os.kill(os.getpid(), signal.SIGXCPU)", "timeout"),
        ("sys.stdin.readline(); print('nonsense', flush=True)", "crash"),
        ("sys.stdin.readline(); print('x' * 3_000_000, flush=True)", "crash"),
        ("sys.stdin.readline(); time.sleep(60)", "timeout"),
    ],
)
def test_a_photo_its_worker_never_survives_is_undecodable(
    body: str, cause: str, stub: Callable[..., PhotoWorkers]
) -> None:
    verdict = ask(stub(body, 0.3) if "sleep" in body else stub(body), GOOD)
    assert not verdict.ok
    assert [(reason.code, reason.params) for reason in verdict.reasons] == [
        ("photo_undecodable", {"cause": cause})
    ]


def test_the_pool_recovers_after_a_killer(
    stub: Callable[..., PhotoWorkers], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = stub("sys.stdin.readline(); os.kill(os.getpid(), signal.SIGSEGV)")
    assert not ask(pool, GOOD).ok
    with PhotoWorkers(1) as sound:
        monkeypatch.setattr(pool, "_command", sound._command)
    assert ask(pool, GOOD).ok


def test_a_real_bomb_meets_the_memory_limit_and_the_next_photo_passes() -> None:
    """The header is within the limits given, so the decoder is let loose on 2.5 gigapixels: it must not get
    the memory, and the server must not notice."""
    bomb = png_bomb(50_000, 50_000)
    reckless = PhotoLimits(max_side=60_000, max_pixels=3_000_000_000)
    claim = claim_for(bomb, width=50_000, height=50_000)
    with PhotoWorkers(1, memory_bytes=512 * 1024 * 1024) as pool:
        verdict = pool.verify(io.BytesIO(bomb), claim, limits=reckless, received_at=RECEIVED)
        assert [reason.params for reason in verdict.reasons] == [{"cause": "memory"}]
        assert ask(pool, GOOD).ok


def test_a_decoder_that_burns_processor_time_is_stopped_by_the_kernel() -> None:
    """A progressive JPEG of many scans over a large frame: small to send, long to decode."""
    data = scan_bomb()
    assert len(data) < 3_000_000
    claim = claim_for(data, width=4096, height=4096)
    with PhotoWorkers(1, timeout_s=1.0, patience=20.0, attempts=1) as pool:
        started = time.monotonic()
        verdict = pool.verify(io.BytesIO(data), claim, limits=LIMITS, received_at=RECEIVED)
        assert [reason.params for reason in verdict.reasons] == [{"cause": "timeout"}]
        assert time.monotonic() - started < 15
        assert ask(pool, GOOD).ok


def scan_bomb() -> bytes:
    """Repeat the last scan of a progressive JPEG two hundred times."""
    data = saved(Image.new("L", (4096, 4096), 99), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 200 + data[-2:]


def test_many_threads_share_few_workers() -> None:
    with PhotoWorkers(2) as pool:
        verdicts: list[PhotoVerdict] = []
        threads = [threading.Thread(target=lambda: verdicts.append(ask(pool, GOOD))) for _ in range(12)]
        before = child_pids()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(child_pids() - before) == 2
    assert [verdict.ok for verdict in verdicts] == [True] * 12


def test_workers_are_renewed_after_their_share() -> None:
    with PhotoWorkers(1, recycle_after=2) as pool:
        before = child_pids()
        seen = set()
        for _ in range(4):
            assert ask(pool, GOOD).ok
            seen |= child_pids() - before
        assert ask(pool, GOOD).ok
        seen |= child_pids() - before
    assert len(seen) >= 2


def test_a_worker_that_cannot_start_condemns_no_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    with PhotoWorkers(1) as pool:
        monkeypatch.setattr(pool, "_command", [sys.executable, "-c", "raise SystemExit(3)"])
        with pytest.raises(WorkersUnavailable):
            ask(pool, GOOD)


def test_a_closed_pool_says_so_and_leaves_no_process() -> None:
    before = child_pids()
    pool = PhotoWorkers(2)
    assert ask(pool, GOOD).ok
    pool.close()
    pool.close()
    assert child_pids() == before
    with pytest.raises(PoolClosed):
        ask(pool, GOOD)


def test_a_worker_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEZHA_JWT_KEY", "top-secret")
    with PhotoWorkers(1) as pool:
        before = child_pids()
        assert ask(pool, GOOD).ok
        (pid,) = child_pids() - before
        assert b"top-secret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_workers_module_is_where_the_server_is() -> None:
    assert (pool_module._ROOT / "server" / "evidence" / "worker.py").is_file()

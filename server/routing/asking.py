"""Asks a process of its own for a route, and waits: the solver never comes into the process that serves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

import server
from server.routing.model import Order, Route

log = structlog.get_logger()

_ROOT = Path(server.__file__).resolve().parent.parent
#: Routes kept at hand: a tablet and its office ask for the same one again and again.
_KEPT = 256


@dataclass(frozen=True)
class Terms:
    """What finding a route may take: memory, time by the clock, and how many at once."""

    memory_bytes: int
    seconds: float
    at_once: int


class NoRoute(Exception):
    """Nothing came of it: `route_busy`, `route_too_slow` or `route_failed`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Routes:
    """Routes for whoever asks. Safe for many threads."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._places = threading.BoundedSemaphore(terms.at_once)
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Route] = OrderedDict()

    def find(self, order: Order) -> Route:
        """The route of an order; the same order gives the same route. Raises NoRoute."""
        asked = msgspec.json.encode(order)
        known = self._remembered(asked)
        if known is not None:
            return known
        if not self._places.acquire(timeout=self._terms.seconds):
            raise NoRoute("route_busy")
        try:
            route = self._remembered(asked) or self._found(asked)
        finally:
            self._places.release()
        with self._lock:
            self._known[asked] = route
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return route

    def _remembered(self, asked: bytes) -> Route | None:
        with self._lock:
            if asked in self._known:
                self._known.move_to_end(asked)
            return self._known.get(asked)

    def _found(self, asked: bytes) -> Route:
        # Only what an interpreter needs to start: the parent's environment holds keys.
        kept = {name: value for name in ("PATH", "LANG", "TZ", "TMPDIR") if (value := os.environ.get(name))}
        try:
            ended = subprocess.run(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "server.routing.child", str(self._terms.memory_bytes)],
                input=asked,
                capture_output=True,
                env={**kept, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
                timeout=self._terms.seconds,
                check=True,
            )
            return msgspec.json.decode(ended.stdout, type=Route)
        except subprocess.TimeoutExpired:
            raise NoRoute("route_too_slow") from None
        except (subprocess.CalledProcessError, msgspec.DecodeError) as error:
            told = getattr(error, "stderr", None) or b""
            log.warning("route_failed", error=str(error), told=told[-2000:].decode(errors="replace"))
            raise NoRoute("route_failed") from None

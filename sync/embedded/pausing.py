"""Waiting without holding a thread.

An answer that waits for changes is an iterator of bytes. Where the server below can set it aside, it yields a
`Pause` in between: the server takes its thread back, and asks for the next bytes, in any thread, when the
bell has rung or the time is over. Elsewhere the iterator waits by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sync.embedded.wakeup import Waiter

#: The key in a WSGI environment by which a server says that it understands `Pause`.
CAN_PAUSE = "hezha.can_pause"


@dataclass(frozen=True)
class Pause:
    """Yielded in place of bytes: there is nothing to send before `bell` rings or `seconds` have passed."""

    bell: Waiter
    seconds: float


def can_pause(environ: Mapping[str, Any]) -> bool:
    """Whether the server of this request understands `Pause`."""
    return bool(environ.get(CAN_PAUSE))


def pause(bell: Waiter, seconds: float, *, aside: bool) -> Iterator[Pause]:
    """Wait for the bell, at most `seconds`: `aside`, or else in this thread. Its ringing is used up by that.

    `yield from` it. It may return early.
    """
    if aside:
        yield Pause(bell, seconds)
        bell.wait(0)
    else:
        bell.wait(seconds)

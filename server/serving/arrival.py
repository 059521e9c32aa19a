"""Whether a request has arrived far enough for a thread to take it.

The kernel holds what has come; it is only looked at. A thread that took a request earlier would wait for a
client that may be slow, or gone, and serve nobody meanwhile.
"""

from __future__ import annotations

import fcntl
import re
import socket
import struct
import termios
from dataclasses import dataclass

#: How much of a request is looked at for the end of its headers: Hezha's own clients send a fraction of it.
HEAD = 16 * 1024
#: Of a longer body a thread takes the beginning, and then waits within its patience.
BODY = 32 * 1024

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)


def wanted(head: bytes) -> int:
    """How many bytes must have come, given the first ones: no more than there are if a thread may begin.

    `head` is the beginning of a request, at most HEAD bytes of it. What cannot be understood may begin: its
    refusal is the server's.
    """
    end = head.find(_END)
    if end < 0:
        return len(head) if len(head) >= HEAD else len(head) + 1
    size = end + len(_END)
    length = _LENGTH.search(head, 0, size)
    # Whoever expects a word from us sends nothing before it; a chunked body says its length as it comes.
    if length is None or _EXPECT.search(head, 0, size):
        return size
    return size + min(int(length[1]), BODY)


@dataclass
class Arrival:
    """A request on its way in. `deadline` is monotonic; `there` counts the bytes that have come so far."""

    deadline: float
    there: int = 0


def look(sock: socket.socket) -> tuple[bytes, int] | None:
    """The first bytes that wait in a non-blocking socket, and how many there are; None if nobody is there."""
    try:
        head = sock.recv(HEAD, socket.MSG_PEEK)
        there = len(head)
        if there == HEAD:
            (there,) = struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))
    except BlockingIOError:
        return b"", 0
    except OSError:
        return None
    return (head, there) if head else None

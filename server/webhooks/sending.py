"""One message sent once: to the address that was looked at, within a time, and no further.

Redirects are not followed, of an answer a few bytes are read, and whoever sends a byte now and then is cut
off when the time is over.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from server.networks import Network
from server.webhooks.addresses import (
    Resolver,
    Target,
    TargetRefused,
    admitted_address,
    read_target,
    resolve,
)
from server.webhooks.model import Attempt, Delivery, Subscription, signature

#: Bytes of an answer that are read: enough to end the request in order, if it is short.
_ANSWER_BYTES = 4 * 1024
_LONGEST_HEADER_SECONDS = 6 * 3600.0


@dataclass(frozen=True)
class Sent:
    """How it went. `retry_after`: seconds that the receiver asked for."""

    attempt: Attempt
    retry_after: float | None = None

    @property
    def arrived(self) -> bool:
        return self.attempt.status is not None and 200 <= self.attempt.status < 300

    @property
    def gone(self) -> bool:
        """The receiver wants nothing any more."""
        return self.attempt.status == http.client.GONE


@dataclass(frozen=True)
class Sender:
    """`seconds`: for a message in all. `inside`: networks of one's own that may be sent to."""

    seconds: float
    inside: Sequence[Network] = ()
    resolver: Resolver = resolve
    context: ssl.SSLContext | None = None

    def send(self, subscription: Subscription, delivery: Delivery, now: datetime) -> Sent:
        """Send a message; whatever goes wrong is in the answer."""
        body = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Hezha-Webhook/1",
            "Webhook-Id": delivery.id,
            "Webhook-Timestamp": str(timestamp),
            "Webhook-Signature": signature(subscription.secret, delivery.id, timestamp, body),
        }
        try:
            target = read_target(subscription.url)
            address = admitted_address(target, self.inside, self.resolver)
            status, retry_after = self._ask(target, address, headers, body)
        except TargetRefused as refused:
            return Sent(Attempt(at=now, error=refused.code))
        except TimeoutError:
            return Sent(Attempt(at=now, error="timeout"))
        except ssl.SSLError:
            return Sent(Attempt(at=now, error="tls"))
        except socket.gaierror:
            return Sent(Attempt(at=now, error="no_address"))
        except (OSError, http.client.HTTPException, ValueError):
            return Sent(Attempt(at=now, error="connection"))
        return Sent(Attempt(at=now, status=status), retry_after)

    def _ask(
        self, target: Target, address: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, float | None]:
        """Raises TimeoutError when the time is over, however slowly the other side goes on."""
        connection = _Pinned(target, address, self.seconds, self.context)
        over = threading.Event()

        def cut() -> None:
            over.set()
            connection.cut()

        alarm = threading.Timer(self.seconds, cut)
        alarm.daemon = True
        alarm.start()
        try:
            connection.request("POST", target.path, body, {**headers, "Host": target.authority})
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES)
            if over.is_set():  # what was cut off looks like an answer that is short
                raise TimeoutError
            return answer.status, _seconds(answer.getheader("Retry-After"))
        except Exception:
            if over.is_set():
                raise TimeoutError from None
            raise
        finally:
            alarm.cancel()
            connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to an address, for a name."""

    def __init__(self, target: Target, address: str, seconds: float, context: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target = target
        self._address = address
        self._context = context
        self._raw: socket.socket | None = None

    def connect(self) -> None:
        self._raw = self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._target.secure:
            context = self._context or ssl.create_default_context()
            self.sock = context.wrap_socket(self._raw, server_hostname=self._target.host)
            self._raw = self.sock

    def cut(self) -> None:
        """End it, whatever its thread waits for."""
        if self._raw is not None:
            with contextlib.suppress(OSError):
                self._raw.shutdown(socket.SHUT_RDWR)


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; a date is not heeded."""
    if text is None or not text.isascii() or not text.isdecimal():
        return None
    return min(float(text), _LONGEST_HEADER_SECONDS)

"""One answer under way, as gunicorn's threaded worker gives it, and set aside while it waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from gunicorn import util

from sync.embedded.pausing import Pause


class Answer:
    """The bytes of one answer.

    `response` and `connection` are gunicorn's, `chunks` is what the application gave. `finished` is called
    once, however it ends, with the time that it took; `broke` when the application failed in the middle.
    """

    def __init__(
        self,
        response: Any,
        connection: Any,
        chunks: Any,
        *,
        file_wrapper: type[Any],
        finished: Callable[[timedelta], None],
        broke: Callable[[], None],
    ) -> None:
        self._response = response
        self._connection = connection
        self._chunks = chunks
        self._rest: Iterator[bytes | Pause] | None = None
        self._file_wrapper = file_wrapper
        self._began = datetime.now()  # noqa: DTZ005  gunicorn's log wants a difference
        self._finished = finished
        self._broke = broke
        self._over = False

    def go_on(self) -> Pause | bool:
        """Send what there is: a Pause if more comes later, else whether the connection can be kept.

        After a Pause it may be called again, in another thread. Raises OSError when the client is gone,
        StopIteration when the answer broke off, and what the application raised before anything was sent.
        """
        try:
            pause = self._send()
            if pause is not None:
                return pause
            self._response.close()
        except OSError:
            self.end()
            raise
        except (Exception, SystemExit):
            self.end()
            if not self._response.headers_sent:
                raise
            # A 500 in the middle of an answer would only spoil it: the client sees that it was cut short.
            self._broke()
            util.close_graceful(self._connection.sock)
            raise StopIteration from None
        self.end()
        return not self._response.should_close()

    def _send(self) -> Pause | None:
        """None when all is sent."""
        if isinstance(self._chunks, self._file_wrapper):
            self._response.write_file(self._chunks)
            return None
        if self._rest is None:
            self._rest = iter(self._chunks)
        for chunk in self._rest:
            if isinstance(chunk, Pause):
                return chunk
            self._response.write(chunk)
        return None

    def end(self) -> None:
        """Let go of what the answer holds. May be called again."""
        if self._over:
            return
        self._over = True
        try:
            if hasattr(self._chunks, "close"):
                self._chunks.close()
        finally:
            self._finished(datetime.now() - self._began)  # noqa: DTZ005

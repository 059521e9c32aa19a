"""The web server: gunicorn with Hezha's settings."""

from __future__ import annotations

from typing import Any

from gunicorn.app.base import BaseApplication

from server.serving.worker import WebWorker
from server.settings import Settings

#: Connections beyond the parked polls: requests under way, and kept-alive ones between two requests.
_FURTHER_CONNECTIONS = 1000


class WebServer(BaseApplication):  # type: ignore[misc]
    """The application is made in each worker, after the fork. `run` returns when the server has ended.

    `grace_seconds` is what requests in flight get to finish after SIGTERM.
    """

    def __init__(self, settings: Settings, *, grace_seconds: float) -> None:
        self._settings = settings
        self._grace_seconds = grace_seconds
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.web_workers,
            "worker_class": WebWorker.bounded(
                header_seconds=settings.client_header_seconds, stall_seconds=settings.client_stall_seconds
            ),
            "threads": settings.web_threads,
            "worker_connections": settings.max_parked_polls + settings.web_threads + _FURTHER_CONNECTIONS,
            "timeout": 120,
            "graceful_timeout": int(self._grace_seconds),
            "keepalive": 75,
            # As long as CouchDB takes: a replicator may name many revisions in one.
            "limit_request_line": 8190,
            "loglevel": "warning",
            "proc_name": "hezha",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from server.app import create_app  # noqa: PLC0415  made in the worker, not in the arbiter

        return create_app()

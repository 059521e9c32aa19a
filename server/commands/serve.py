"""`hezha serve` and `hezha worker`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from types import FrameType
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from server.commands.common import is_empty, settings_or_exit
from server.intake.supervisor import GRACE_SECONDS

#: What the supervisor needs to end after its worker's grace, in seconds.
_MARGIN_SECONDS = 5.0


class WebWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads; asked to stop, it lets go of tablets that only wait for changes.

    Their polls would otherwise hold the process for the whole grace, at every restart.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._dismiss()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        self._dismiss()
        super().handle_quit(sig, frame)

    def _dismiss(self) -> None:
        # A signal may come before the application is loaded, or find one that could not be.
        made = getattr(getattr(self, "wsgi", None), "extensions", {}).get("hezha")
        if made is not None:
            made.store.dismiss()


class WebServer(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings; the application is made in each worker, after the fork."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from server.app import create_app  # noqa: PLC0415  made in the worker, not in the arbiter

        return create_app()


@click.command()
@click.option("--host", help="Address to listen on. [HEZHA_HOST, 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on. [HEZHA_PORT, 8080]")
@click.option("--workers", type=click.IntRange(1, 16), help="Web processes. [HEZHA_WEB_WORKERS, 1]")
@click.option("--demo", "with_demo", is_flag=True, help="Seed the demo data first if the folder is empty.")
@click.option("--no-worker", is_flag=True, help="Web only; `hezha worker` runs elsewhere.")
def serve(
    host: str | None, port: int | None, workers: int | None, *, with_demo: bool, no_worker: bool
) -> None:
    """Serve the API and replication, with the worker beside them."""
    settings = settings_or_exit()
    settings = replace(
        settings,
        host=host or settings.host,
        port=port or settings.port,
        web_workers=workers or settings.web_workers,
    )
    # The processes below read the environment again: what was said here holds there too.
    os.environ.update(HEZHA_HOST=settings.host, HEZHA_PORT=str(settings.port))
    if with_demo:
        from server.commands.demo import seed_if_empty  # noqa: PLC0415  only the demo needs its generator

        seed_if_empty(settings)
    else:
        click.echo(f"Hezha 合闸  {settings.public_url}  (API page: {settings.public_url}/api/docs)")
        if is_empty(settings):
            click.echo("Nobody has an account yet. Add one: hezha user add NAME --role admin")
    child = None if no_worker else _start_worker()
    try:
        WebServer(
            {
                "bind": f"{settings.host}:{settings.port}",
                "workers": settings.web_workers,
                "worker_class": WebWorker,
                "threads": settings.web_threads,
                "timeout": 120,
                "graceful_timeout": int(GRACE_SECONDS),
                "keepalive": 75,
                "loglevel": "warning",
                "proc_name": "hezha",
                "control_socket_disable": True,
            }
        ).run()
    finally:
        if child is not None:
            _stop(child)


def _start_worker() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "server.intake.supervisor", "--parent", str(os.getpid())]
    return subprocess.Popen(command)  # noqa: S603  our own interpreter and module, no shell


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(GRACE_SECONDS + _MARGIN_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()


@click.command()
def worker() -> None:
    """Take in what tablets send, until stopped. One a data folder: a second one waits for the first."""
    settings_or_exit()
    # What supervises is small and loads nothing of the work: it takes the place of this process.
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "server.intake.supervisor"])  # noqa: S606

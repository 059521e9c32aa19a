"""`hezha serve` and `hezha worker`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import click

from server.commands.common import check_data, is_empty, settings_or_exit
from server.intake.supervisor import GRACE_SECONDS
from server.serving.server import WebServer

#: What the supervisor needs to end after its worker's grace, in seconds.
_MARGIN_SECONDS = 5.0


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
    check_data(settings)
    if with_demo:
        from server.commands.demo import seed_if_empty  # noqa: PLC0415  only the demo needs its generator

        seed_if_empty(settings)
    else:
        click.echo(f"Hezha 合闸  {settings.public_url}  (API page: {settings.public_url}/api/docs)")
        if is_empty(settings):
            click.echo("Nobody has an account yet. Add one: hezha user add NAME --role admin")
    child = None if no_worker else _start_worker()
    try:
        WebServer(settings, grace_seconds=GRACE_SECONDS).run()
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
    check_data(settings_or_exit())
    # What supervises is small and loads nothing of the work: it takes the place of this process.
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "server.intake.supervisor"])  # noqa: S606

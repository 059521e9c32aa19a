"""`hezha serve` and `hezha worker`."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import NoReturn

import click

from server.commands.common import check_data, is_empty, settings_or_exit
from server.intake.pulse import last_pulse, pulse_file, state


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
    os.environ.update(
        HEZHA_HOST=settings.host,
        HEZHA_PORT=str(settings.port),
        HEZHA_WEB_WORKERS=str(settings.web_workers),
    )
    check_data(settings)
    if with_demo:
        from server.commands.demo import seed_if_empty  # noqa: PLC0415  only the demo needs its generator

        settings = seed_if_empty(settings)
        os.environ["HEZHA_POLICY_FILE"] = settings.policy_file
    else:
        click.echo(f"Hezha 合闸  {settings.public_url}  (API page: {settings.public_url}/api/docs)")
        if is_empty(settings):
            click.echo("Nobody has an account yet. Add one: hezha user add NAME --role admin")
    # What starts the others is small and loads nothing of the work: it takes the place of this process.
    _become("server.serving", *(["--no-worker"] if no_worker else []))


@click.command()
@click.option("--check", is_flag=True, help="Only say how this folder's worker fares; 0 if it works.")
def worker(*, check: bool) -> None:
    """Take in what tablets send, until stopped.

    With the embedded engine one a data folder: a second one waits for the first. On CouchDB any number, which
    share the databases among them.
    """
    settings = settings_or_exit()
    if check:
        fares = state(last_pulse(pulse_file(settings)), time.time())
        click.echo(" ".join(str(value) for value in fares.values()))
        sys.exit(0 if fares["state"] == "working" else 1)
    check_data(settings)
    # What supervises is small and loads nothing of the work: it takes the place of this process.
    _become("server.intake.supervisor")


def _become(module: str, *arguments: str) -> NoReturn:
    """Go on as another of our modules, in this process."""
    # Matrices here are small: threads that wait for each other cost more than they bring.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606

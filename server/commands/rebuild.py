"""`hezha rebuild`: the read model, made again from the stores."""

from __future__ import annotations

import os
import time

import click

from server.casework.projecting import rebuild as project_everything
from server.commands.common import open_services
from server.intake.lookalikes import Lookalikes

#: More processes would wait for the one that writes.
_MOST = 4


@click.command()
@click.option(
    "--processes",
    type=click.IntRange(min=1, max=64),
    help=f"How many do it. [one more than there are cores, {_MOST} at most]",
)
def rebuild(processes: int | None) -> None:
    """Drop the read model, project every case and photo anew, and compare the photos.

    The documents are not touched."""
    with open_services(with_lists=False) as made:
        begun = time.monotonic()
        # One more than there are cores: each waits for the disk now and then, or for the one that writes.
        many = processes or min((os.cpu_count() or 1) + 1, _MOST)
        cases, photos = project_everything(made, processes=many)
        seconds = time.monotonic() - begun
        lookalikes = Lookalikes(made)
        while lookalikes.compare():
            pass
    click.echo(f"{cases} cases, {photos} photos projected in {seconds:.1f} s.")

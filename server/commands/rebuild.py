"""`hezha rebuild`: the read model, made again from the stores."""

from __future__ import annotations

import click

from server.commands.common import open_services
from server.intake.lookalikes import Lookalikes


@click.command()
def rebuild() -> None:
    """Drop the read model, project every case and photo anew, and compare the photos.

    The documents are not touched."""
    with open_services() as made:
        made.readmodel.clear()
        cases, photos = made.cases.project_all()
        lookalikes = Lookalikes(made)
        while lookalikes.compare():
            pass
    click.echo(f"{cases} cases, {photos} photos projected.")

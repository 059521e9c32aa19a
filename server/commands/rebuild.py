"""`hezha rebuild`: the read model, made again from the stores."""

from __future__ import annotations

import click

from server.commands.common import open_services


@click.command()
def rebuild() -> None:
    """Drop the read model and project every case and photo anew. The documents are not touched."""
    with open_services() as made:
        made.readmodel.clear()
        cases, photos = made.cases.project_all()
    click.echo(f"{cases} cases, {photos} photos projected.")

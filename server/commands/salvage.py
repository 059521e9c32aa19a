"""`hezha salvage`: the way out when there is no backup."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from server.commands.backup import refusals
from server.commands.common import bars, settings_or_exit
from server.texts import LANGUAGES, text
from sync.embedded.safety.salvage import REPORT
from sync.embedded.safety.salvage import salvage as save


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--from", "source", type=click.Path(path_type=Path), help="The damaged folder. [HEZHA_DATA]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
def salvage(out: Path, source: Path | None, *, as_json: bool, lang: str) -> None:
    """Save what can still be read of a damaged data folder into OUT, a new one that can be served.

    The damaged folder is only read. Stop the server first. Exits with 1 if anything was lost; salvage.json in
    OUT lists it.
    """
    settings = settings_or_exit()
    with refusals(lang), bars(as_json) as progress:
        saved = save(source or settings.data_dir, out, progress=progress)
    if as_json:
        click.echo(json.dumps(asdict(saved), ensure_ascii=False))
    else:
        facts = {
            "path": out,
            "databases": saved.databases,
            "documents": saved.documents,
            "blobs": saved.blobs,
        }
        click.echo(text("salvage.done", lang, **facts))
        if not saved.whole:
            lost = {
                "unreadable": len(saved.unreadable),
                "older": len(saved.older),
                "missing": len(saved.missing_blobs),
                "bodies": saved.bodies,
                "report": out / REPORT,
            }
            click.echo(text("salvage.lost", lang, **lost), err=True)
    sys.exit(not saved.whole)

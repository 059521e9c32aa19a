"""`hezha originals`: to object storage and back, and whether what was moved is there."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import click
from rich.filesize import decimal

from server.casework.moving import Item, Mover, NoStorage
from server.casework.moving_rounds import Rounds
from server.commands.common import DATA_UNUSABLE, bars, open_services
from server.evidence.originals.bucket import OriginalsUnreachable
from server.services import Services
from server.texts import LANGUAGES, text
from server.workflow.model import Case

#: Exit code of a command that the settings or the case named do not admit.
_NOT_SO = 2

_CASES = click.option("--case", "cases", multiple=True, metavar="ID", help="Of this one alone; repeatable.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a photo, on a line each.")
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)

Work = Callable[[Mover, Case], Iterator[Item]]


@click.group()
def originals() -> None:
    """Originals of photos in object storage: HEZHA_ORIGINALS_… say where, the dated setting originals_days
    when. Nothing here removes an original, and nothing is ever removed from the bucket."""


@originals.command("move")
@_CASES
@click.option("--dry-run", is_flag=True, help="Say what would move; write nothing.")
@_JSON
@_LANG
def move_command(cases: tuple[str, ...], *, dry_run: bool, as_json: bool, lang: str) -> None:
    """Move the originals of every case that is long enough over, as the worker does by itself.

    A case that is named moves if it is over, however short ago. Exits with 1 if an original must stay though
    its time has come, and says why of each.
    """

    def work(mover: Mover, case: Case) -> Iterator[Item]:
        return mover.move(case, dry_run=dry_run)

    with open_services() as made:
        wanted = _named(made, cases) if cases else sorted(Rounds(made).due()) if made.bucket else []
        waits = _over if cases else _due
        _run(made, wanted, work, waits=waits, named=bool(cases), as_json=as_json, lang=lang)


@originals.command("back")
@_CASES
@_JSON
@_LANG
def back_command(cases: tuple[str, ...], *, as_json: bool, lang: str) -> None:
    """Attach originals to their documents again, to leave a storage. Those in the bucket stay there.

    The dated setting originals_days must be 0 for the organisation, or they would only move away again. Exits
    with 1 if an original could not be brought back, and says why of each.
    """

    def work(mover: Mover, case: Case) -> Iterator[Item]:
        return mover.back(case)

    with open_services() as made:
        wanted = _named(made, cases) if cases else made.cases.ids()
        _run(made, wanted, work, waits=_moves, named=True, as_json=as_json, lang=lang)


@originals.command("check")
@_CASES
@click.option("--deep", is_flag=True, help="Read every original and hash it.")
@_JSON
@_LANG
def check_command(cases: tuple[str, ...], *, deep: bool, as_json: bool, lang: str) -> None:
    """Look whether every original that was moved is in the bucket, with all its bytes.

    Exits with 1 if one is missing or is not what was moved, and names it.
    """

    def work(mover: Mover, case: Case) -> Iterator[Item]:
        return mover.check(case, deep=deep)

    with open_services() as made:
        wanted = _named(made, cases) if cases else made.cases.ids()
        _run(made, wanted, work, waits=_never, named=True, as_json=as_json, lang=lang)


def _due(mover: Mover, case: Case) -> str | None:
    return mover.waits_for(case)


def _over(mover: Mover, case: Case) -> str | None:
    """Who names a case need not wait for its days to pass; for its end they must."""
    return mover.over(case)


def _never(_mover: Mover, _case: Case) -> str | None:
    return None


def _moves(mover: Mover, case: Case) -> str | None:
    return "still_moving" if mover.days(case) else None


def _named(made: Services, cases: Sequence[str]) -> list[str]:
    known = set(made.cases.ids())
    if missing := sorted(set(cases) - known):
        click.echo(f"hezha: there is no case {missing[0]}", err=True)
        sys.exit(_NOT_SO)
    return sorted(set(cases))


def _run(
    made: Services,
    wanted: Sequence[str],
    work: Work,
    *,
    waits: Callable[[Mover, Case], str | None],
    named: bool,
    as_json: bool,
    lang: str,
) -> None:
    """Work through the cases, tell of each photo and of them all, and exit.

    `named`: somebody asked for these cases, and hears why one of them has to wait, once an organisation.
    """
    told: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    held: set[tuple[str, str]] = set()
    try:
        mover = Mover(made)
        mover.reach()
        with bars(as_json) as progress:
            for done, case_id in enumerate(wanted, start=1):
                case = made.cases.load(case_id).case
                why = waits(mover, case)
                if why is not None:
                    if named and (why, case.organisation) not in held:
                        said = {"case": case.no, "organisation": case.organisation}
                        click.echo(text(f"originals.{why}", lang, **said), err=True)
                        held.add((why, case.organisation))
                    continue
                for item in work(mover, case):
                    told[item.outcome] += 1
                    sizes[item.outcome] += item.bytes
                    _tell(item, as_json=as_json, lang=lang)
                progress("cases", done, len(wanted))
    except NoStorage:
        click.echo(text("originals.no_storage", lang), err=True)
        sys.exit(_NOT_SO)
    except OriginalsUnreachable as error:
        click.echo(text("originals.unreachable", lang, reason=error.reason), err=True)
        sys.exit(DATA_UNUSABLE)
    if not as_json:
        for outcome, count in sorted(told.items()):
            click.echo(text(f"originals.{outcome}", lang, count=count, size=decimal(sizes[outcome])))
        if not told and not held:
            click.echo(text("originals.nothing", lang))
    wrong = told["stays"] + told["lost"]
    sys.exit(1 if wrong else _NOT_SO if held and not told else 0)


def _tell(item: Item, *, as_json: bool, lang: str) -> None:
    said = text(f"originals.why.{item.reason}", lang) if item.reason else ""
    if as_json:
        click.echo(json.dumps({**asdict(item), "text": said}, ensure_ascii=False))
    elif said:
        click.echo(f"✗ {item.case}/{item.photo}: {said}")

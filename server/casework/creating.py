"""Opening many cases at once: each by its own decision, all of them with few waits for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec

from checklists.loader import fact_definitions
from server.casework.access import access_to
from server.casework.cases import Loaded
from server.casework.numbers import NumberTaken, claim_numbers
from server.casework.projection import rows_of
from server.ownrules import rules_in_force
from server.readmodel.database import CaseRows
from server.services import Services
from server.settings import Settings
from server.workflow.commands import OpenCase
from server.workflow.decide import decide
from server.workflow.documents import enveloped
from server.workflow.inforce import InForce
from server.workflow.model import Actor, Case
from server.workflow.policy import load_policy
from server.workflow.refusal import Refusal
from sync.store import NewDatabase

#: How many cases share a wait for the disk. More gain little, and hold other writers up for longer.
AT_ONCE = 200
#: So many batches are decided on here before other processes are begun for the rest.
_FEW = 4
#: Of a revision, rows need the generation alone.
_FIRST = "1-"
#: Requests to a CouchDB that are under way at once.
_THREADS = 8


@dataclass(frozen=True)
class Opened:
    """What became of one command: the case with its revision, or why it was not opened."""

    command: OpenCase
    known: Loaded | None = None
    failure: Refusal | NumberTaken | None = None


class Prepared(msgspec.Struct, frozen=True):
    """A case decided on and ready to be written: itself as JSON, and its rows."""

    case: Case
    body: bytes
    rows: CaseRows


if TYPE_CHECKING:
    from concurrent.futures import Future

    #: Batches that others are at, the first that was given them first.
    _Ahead = deque[tuple[list[OpenCase], datetime, Future[list[Prepared | Refusal]]]]


def create_many(
    made: Services,
    commands: Iterable[OpenCase],
    actor: Actor,
    *,
    at_once: int = AT_ONCE,
    processes: int = 1,
) -> Iterator[Opened]:
    """Open a case for each command; tells of each in turn, once it is on disk and in the lists.

    What is refused leaves no trace and holds up no other. The same commands again find the cases that they
    opened. `commands` may be endless: few times `at_once` of them are held. With several `processes`, others
    decide on what comes next while this one writes; they begin once there are more than a few. Raises what
    the store raises; what was told until then stands.
    """
    rest = iter(commands)
    batches = iter(lambda: list(islice(rest, at_once)), [])
    for batch in islice(batches, _FEW if processes > 1 else None):
        now = made.clock()
        yield from _opened(made, batch, prepare(batch, actor, now, made.cases.rules), now, actor)
    if processes > 1 and (first := next(batches, None)) is not None:
        yield from _with_others(made, chain([first], batches), actor, processes)


def prepare(
    commands: Sequence[OpenCase], actor: Actor, now: datetime, rules: InForce
) -> list[Prepared | Refusal]:
    """What becomes of each command, before anything is written."""
    found: list[Prepared | Refusal] = []
    for command in commands:
        policy = rules.at(now, command.organisation)
        try:
            case = decide(None, command, now=now, actor=actor, policy=policy).case
        except Refusal as refusal:
            found.append(refusal)
            continue
        found.append(Prepared(case, msgspec.json.encode(case), rows_of(case, _FIRST, rules)))
    return found


def _with_others(
    made: Services, batches: Iterator[list[OpenCase]], actor: Actor, processes: int
) -> Iterator[Opened]:
    # Only for who opens many: every web process reads this page.
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    # Begun anew and not forked: connections and threads do not survive that.
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(made.settings,)
    ) as pool:
        ahead: _Ahead = deque()
        for batch in batches:
            now = made.clock()
            ahead.append((batch, now, pool.submit(_prepare, batch, actor, now)))
            if len(ahead) > processes:
                yield from _opened(made, *_first_of(ahead), actor)
        while ahead:
            yield from _opened(made, *_first_of(ahead), actor)


def _first_of(ahead: _Ahead) -> tuple[Sequence[OpenCase], Sequence[Prepared | Refusal], datetime]:
    batch, now, ready = ahead.popleft()
    return batch, ready.result(), now


_rules: list[InForce] = []


def _begin(settings: Settings) -> None:
    """Read the rules for the life of this process."""
    _rules.append(rules_in_force(settings, load_policy(fact_names=fact_definitions().keys())))


def _prepare(commands: Sequence[OpenCase], actor: Actor, now: datetime) -> list[Prepared | Refusal]:
    return prepare(commands, actor, now, _rules[0])


def _opened(
    made: Services,
    batch: Sequence[OpenCase],
    ready: Sequence[Prepared | Refusal],
    now: datetime,
    actor: Actor,
) -> list[Opened]:
    decided: dict[int, Prepared] = {}
    found: dict[int, Opened] = {}
    for place, one in enumerate(ready):
        if isinstance(one, Refusal):
            found[place] = Opened(batch[place], failure=one)
        else:
            decided[place] = one
    cases = [one.case for one in decided.values()]
    taken = claim_numbers(made.store, made.names.registry, cases, now)
    for place, one in list(decided.items()):
        if one.case.id in taken:
            found[place] = Opened(batch[place], failure=NumberTaken())
            del decided[place]
    if made.store.exact_revisions:
        found |= _together(made, batch, decided)
    left = {place: batch[place] for place in decided if place not in found}
    found |= _one_by_one(made, left, actor)
    return [found[place] for place in range(len(batch))]


def _together(made: Services, batch: Sequence[OpenCase], decided: dict[int, Prepared]) -> dict[int, Opened]:
    """Those that nobody has begun to open before, written in one transaction."""
    fresh = {one.case.id: (place, one) for place, one in decided.items()}
    media, forms = [], []
    for _, one in fresh.values():
        access = access_to(one.case)
        media.append(NewDatabase(made.names.media(one.case.id), access.security("media")))
        first = (enveloped(one.body),)
        forms.append(NewDatabase(made.names.forms(one.case.id), access.security("case"), first))
    revs = made.store.create_databases([*media, *forms])
    written = {
        place: Loaded(one.case, rev[0], one.case.log)
        for (place, one), rev in zip(fresh.values(), revs[len(media) :], strict=True)
        if rev is not None
    }
    made.readmodel.put_cases([decided[place].rows for place in written])
    made.cases.announce(list(written.values()))
    for (place, one), rev in zip(fresh.values(), revs, strict=False):
        if rev is None and place in written:
            made.cases.settle(
                one.case.id
            )  # a first attempt came as far as the media, and what access it knew
    return {place: Opened(batch[place], known) for place, known in written.items()}


def _one_by_one(made: Services, left: dict[int, OpenCase], actor: Actor) -> dict[int, Opened]:
    """Those that were begun before, and all of them on a cluster, where each case has its lease."""

    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  as above

    def one(command: OpenCase) -> Opened:
        try:
            return Opened(command, made.cases.open(command, actor))
        except (Refusal, NumberTaken) as failure:
            return Opened(command, failure=failure)

    if not left:
        return {}
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(left, pool.map(one, left.values()), strict=True))

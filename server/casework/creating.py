"""Opening many cases at once: each by its own decision, all of them with few waits for the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from server.casework.access import access_to
from server.casework.cases import Loaded
from server.casework.numbers import NumberTaken, claim_numbers
from server.casework.projection import rows_of
from server.services import Services
from server.workflow.commands import OpenCase
from server.workflow.decide import decide
from server.workflow.documents import case_to_document
from server.workflow.model import Actor, Case
from server.workflow.refusal import Refusal
from sync.store import NewDatabase

#: How many cases share a wait for the disk. More gain little, and hold other writers up for longer.
AT_ONCE = 200
#: Requests to a CouchDB that are under way at once.
_THREADS = 8


@dataclass(frozen=True)
class Opened:
    """What became of one command: the case with its revision, or why it was not opened."""

    command: OpenCase
    known: Loaded | None = None
    failure: Refusal | NumberTaken | None = None


def create_many(
    made: Services, commands: Iterable[OpenCase], actor: Actor, *, at_once: int = AT_ONCE
) -> Iterator[Opened]:
    """Open a case for each command; tells of each in turn, once it is on disk and in the lists.

    What is refused leaves no trace and holds up no other. The same commands again find the cases that they
    opened. `commands` may be endless: no more than `at_once` of them are held. Raises what the store raises;
    what was told until then stands.
    """
    rest = iter(commands)
    while batch := list(islice(rest, at_once)):
        yield from _opened(made, batch, actor)


def _opened(made: Services, batch: list[OpenCase], actor: Actor) -> list[Opened]:
    now = made.clock()
    decided: dict[int, Case] = {}
    found: dict[int, Opened] = {}
    for place, command in enumerate(batch):
        policy = made.cases.rules.at(now, command.organisation)
        try:
            decided[place] = decide(None, command, now=now, actor=actor, policy=policy).case
        except Refusal as refusal:
            found[place] = Opened(command, failure=refusal)
    taken = claim_numbers(made.store, made.names.registry, list(decided.values()), now)
    for place, case in list(decided.items()):
        if case.id in taken:
            found[place] = Opened(batch[place], failure=NumberTaken())
            del decided[place]
    if made.store.exact_revisions:
        found |= _together(made, batch, decided)
    left = {place: batch[place] for place in decided if place not in found}
    found |= _one_by_one(made, left, actor)
    return [found[place] for place in range(len(batch))]


def _together(made: Services, batch: Sequence[OpenCase], decided: dict[int, Case]) -> dict[int, Opened]:
    """Those that nobody has begun to open before, written in one transaction."""
    fresh = {case.id: (place, case) for place, case in decided.items()}
    media, forms = [], []
    for _, case in fresh.values():
        access = access_to(case)
        media.append(NewDatabase(made.names.media(case.id), access.security("media")))
        first = (case_to_document(case),)
        forms.append(NewDatabase(made.names.forms(case.id), access.security("case"), first))
    revs = made.store.create_databases([*media, *forms])
    written = {
        place: Loaded(case, rev[0], case.log)
        for (place, case), rev in zip(fresh.values(), revs[len(media) :], strict=True)
        if rev is not None
    }
    rules = made.cases.rules
    made.readmodel.put_cases([rows_of(known.case, known.rev, rules) for known in written.values()])
    made.cases.announce(list(written.values()))
    for (place, case), rev in zip(fresh.values(), revs, strict=False):
        if rev is None and place in written:
            made.cases.settle(case.id)  # a first attempt came as far as the media, with what access it knew
    return {place: Opened(batch[place], known) for place, known in written.items()}


def _one_by_one(made: Services, left: dict[int, OpenCase], actor: Actor) -> dict[int, Opened]:
    """Those that were begun before, and all of them on a cluster, where each case has its lease."""

    def one(command: OpenCase) -> Opened:
        try:
            return Opened(command, made.cases.open(command, actor))
        except (Refusal, NumberTaken) as failure:
            return Opened(command, failure=failure)

    if not left:
        return {}
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(left, pool.map(one, left.values()), strict=True))

"""A plan out of what the relaxation does: its outages as far as they are whole, then each work where it adds
least. Of a large month that is near to the best at once; a greedy plan is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server.outages.bound import Shared
from server.outages.greedy import in_turn, place_best
from server.outages.ledger import Choice, Ledger, repaired
from server.outages.month import Month
from server.outages.options import Options, Place

#: Of an outage the relaxation has more than this, and so of no other one with the same works.
_MORE = 0.5


def dealt(
    month: Month, options: Options, outages: Sequence[Shared], open_: Mapping[int, Sequence[Place]]
) -> Choice:
    """A choice that keeps every rule, of `outages` the greatest shares first; works for which there is no
    room are put anywhere among the places open to them, or left out."""
    ledger = Ledger(month, options)
    for share, place, works in sorted(outages, key=lambda one: (-one[0], one[1], one[2])):
        if share <= _MORE:
            break
        for work in works:
            if ledger.places[work] is None and ledger.fits(work, place):
                ledger.put(work, place)
    for work in in_turn(month, options):
        if work in open_ and ledger.places[work] is None:
            place_best(ledger, work, open_[work])
    return repaired(month, ledger.places)

"""Many histories by hand: `python -m tests.workflow.histories --count 1000000 --workers 2`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from random import Random

from tests.workflow.histories.history import History
from tests.workflow.histories.moves.every import MOVES

_SHARE = 1000
_say = partial(print, flush=True)


def tally(first: int, count: int, *, records_of_each: int = 1) -> Counter[str]:
    """What came of the histories from `first` on. One that fails is named before its error is raised.

    `records_of_each`: only of one in so many is the log replayed and compared with its document.
    """
    found: Counter[str] = Counter()
    for number in range(first, first + count):
        history = History(Random(number))
        try:
            history.run(MOVES, records=number % records_of_each == 0)
        except BaseException:
            _say(f"history {number} fails", file=sys.stderr)
            raise
        found["histories"] += 1
        found["commands"] += history.given.total()
        found["decisions"] += history.done.total()
        found["authorizations"] += history.done["Authorize"]
        found["breakers closed"] += history.done["RecordEnergization"]
        found["holds"] += sum(entry.event == "put_on_hold" for entry in history.case.log)
        found["failures heard of"] += len(history.books.failures)
    return found


def _shares(first: int, count: int) -> list[tuple[int, int]]:
    return [(start, min(_SHARE, first + count - start)) for start in range(first, first + count, _SHARE)]


def _tally(share: tuple[int, int]) -> Counter[str] | str:
    try:
        return tally(*share)
    except Exception:  # noqa: BLE001  whatever it is, the others go on
        return traceback.format_exc()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first history")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    begun = time.monotonic()
    found: Counter[str] = Counter()
    failed = 0
    with ProcessPoolExecutor(asked.workers) as pool:
        for made in pool.map(_tally, _shares(asked.first, asked.count)):
            if isinstance(made, str):
                failed += 1
                _say(made, file=sys.stderr)
            else:
                found += made
                if found["histories"] % (10 * _SHARE) == 0:
                    _say(f"{found['histories']:,} after {time.monotonic() - begun:.0f} s")
    _say(", ".join(f"{count:,} {what}" for what, count in found.items()))
    _say(f"{failed} shares of {_SHARE} failed; {time.monotonic() - begun:.0f} s with {asked.workers} workers")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

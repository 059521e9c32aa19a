"""A month in parts that share only crews, operations and, where that cannot be helped, lending feeders.

The bound of a large month is the sum of the bounds of its parts: what couples them is left out, which can
only lower it, and each takes the memory of a small month.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from server.outages.model import Question
from server.outages.options import LIVE, Options


def parts_of(options: Options, question: Question, most: int) -> list[list[int]]:
    """Works in groups. Those that could ride on one outage are always together, whatever the number; others
    are as long as a group has no more than `most`: first such as clash, then any."""
    works = list(question.places)
    if len(works) <= most:
        return [works]
    groups = _Groups(works)
    of_set: dict[int, int] = {}
    for work in works:
        for number in {number for number, _ in question.places[work] if number != LIVE}:
            groups.join(of_set.setdefault(number, work), work)
    for clash in sorted(options.clashes, key=len):
        members = [of_set[one] for one in clash if one in of_set]
        for one, other in pairwise(members):
            groups.join(one, other, most)
    for group, other_group in pairwise(groups.all()):
        groups.join(group[0], other_group[0], most)
    return groups.all()


class _Groups:
    """Groups of works, joined as one goes."""

    def __init__(self, works: Iterable[int]) -> None:
        self.of = {work: [work] for work in works}

    def join(self, one: int, other: int, most: int | None = None) -> None:
        """Make two groups one, if that has no more than so many works."""
        small, large = sorted((self.of[one], self.of[other]), key=len)
        if small is large or (most is not None and len(small) + len(large) > most):
            return
        large += small
        for work in small:
            self.of[work] = large

    def all(self) -> list[list[int]]:
        """The groups, each in order, by their first work."""
        return sorted(sorted(group) for group in {id(group): group for group in self.of.values()}.values())

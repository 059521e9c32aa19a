"""Inboxes hear the first news at once, the rest seldom, the last always."""

from server.intake.teller import Teller


class Told:
    def __init__(self) -> None:
        self.cases: list[str] = []
        self.broken = False

    def __call__(self, case_id: str) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.cases.append(case_id)


def made(interval: float = 2.0) -> tuple[Teller, Told, list[float]]:
    told, now = Told(), [100.0]
    return Teller(told, interval, lambda: now[0]), told, now


def test_the_first_news_is_told_at_once() -> None:
    teller, told, _ = made()
    teller.mark(["a", "b"])
    assert told.cases == ["a", "b"]


def test_a_burst_is_told_twice_and_its_last_news_is_among_it() -> None:
    teller, told, now = made()
    for _ in range(30):
        teller.mark(["a"])
        now[0] += 0.05
    assert told.cases == ["a"]
    now[0] += 2.0
    teller.flush()
    assert told.cases == ["a", "a"]


def test_nothing_new_is_not_told_again() -> None:
    teller, told, now = made()
    teller.mark(["a"])
    now[0] += 10
    teller.flush()
    assert told.cases == ["a"]


def test_what_failed_is_told_later() -> None:
    teller, told, now = made()
    told.broken = True
    teller.mark(["a"])
    told.broken = False
    now[0] += 3
    teller.flush()
    assert told.cases == ["a"]

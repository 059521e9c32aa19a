"""Papers: a rectification notice of two pages with photos, set for one case after another.

    python bench/papers.py [--notices N]

Every notice has its own words and its own six photos of 700 pixels, so that nothing of a page is known from
the one before; what stays in the process are the font and the template. A process of its own shows what the
first paper costs. Times are by the clock, on whatever this machine is.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pypdf import PdfReader

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from server.evidence.renditions import SIZES, render
from server.evidence.sample import KINDS, sample_photo
from server.reports.beside import Beside, Shot
from server.reports.notice import notice_paper
from server.reports.paper import Copies, print_paper, shown
from server.reports.wording import Wording
from server.workflow import commands as c
from server.workflow.model import Case, ItemResult, Text
from tests.workflow.builders import INSPECTOR, START, Desk

#: Items and photos of the notice that comes to two pages.
ITEMS, PHOTOS_OF_ITEM = 6, 1
#: The largest notice that tests set.
MANY = 200
SAY = Wording("zh-CN")
PRINTED = ("2026-03-05 09:30",)
_PLACES = ("东侧", "西侧", "南侧", "北侧", "进线", "出线", "母线", "电缆沟", "配电室", "变压器室")
_SEEN = ("埋深不足", "焊口未清渣", "防腐漏刷", "搭接长度不够", "标志桩缺失", "保护管未封堵", "接地线松动")


def notice(number: int, items: int, photos: int) -> Case:
    """A case whose intermediate inspection found so many defects; its words are its own."""
    results = [
        ItemResult(
            code=f"ME-{line:03}",
            verdict="fail",
            severity="critical" if line % 3 == 1 else "major",
            text=Text(
                zh=f"{_PLACES[(number + line) % len(_PLACES)]}第 {number}-{line} 处接地装置", en="earthing"
            ),
            remedy=Text(
                zh=f"请按图纸将{_PLACES[line % len(_PLACES)]}第 {number}-{line} 处整改,拍照后申请复验。",
                en="mend",
            ),
            reason=Text(zh=f"实测 0.{number % 50 + 10} m,低于下限 0.6 m。", en="below 0.6 m"),
            value=(number % 50 + 10) / 100,
            unit="m",
            note=f"{_SEEN[(number * line) % len(_SEEN)]},第 {number} 号现场第 {line} 点",
            photos=tuple(f"p-{line}-{photo}" for photo in range(photos)),
            by=INSPECTOR.name,
            at=START,
            source="GB 50169",
        )
        for line in range(1, items + 1)
    ]
    desk = Desk()
    desk.inspect("t-mid", "intermediate", *results)
    desk.do(c.IssueNotice(n=1))
    return desk.case


def photos_of(folder: Path, number: int) -> dict[str, Path]:
    """Renditions for the items of a notice, by the photo's id."""
    made = {}
    for line in range(1, ITEMS + 1):
        out = folder / f"{number}-{line}.jpg"
        original = folder / "original.jpg"
        kind = KINDS[line % len(KINDS)]
        original.write_bytes(sample_photo(kind, seed=number * 100 + line, taken_at=START, size=(1600, 1200)))
        render(original, "paper", out)
        made[f"p-{line}-0"] = out
    return made


def set_notice(case: Case, photos: dict[str, Path], copies: Copies = "customer") -> bytes:
    """What the route does once the case and the renditions are there."""
    shots = {photo: Shot(path.name, "verified", START, INSPECTOR.name) for photo, path in photos.items()}
    content = shown(notice_paper(case, 1, Beside(photos=shots), SAY), SAY, copies)
    return print_paper(content, PRINTED, {path.name: path for path in photos.values()})


@dataclass(frozen=True)
class Taken:
    """Milliseconds by the clock and of the processor, and what was made."""

    clock: float
    processor: float
    made: bytes


def timed(work: Callable[[], bytes]) -> Taken:
    begun, worked = time.perf_counter(), time.process_time()
    made = work()
    return Taken((time.perf_counter() - begun) * 1000, (time.process_time() - worked) * 1000, made)


def row(title: str, taken: list[Taken]) -> None:
    made = taken[-1].made
    clock = sorted(one.clock for one in taken)
    cells = (
        title,
        str(len(PdfReader(io.BytesIO(made)).pages)),
        f"{statistics.median(clock):.0f} ms",
        f"{clock[int(len(clock) * 0.95)]:.0f} ms",
        f"{statistics.median(one.processor for one in taken):.0f} ms",
        f"{len(made) / 1000:,.0f} KB",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


_FIRST = """
import sys, time
def mb():
    return int(open('/proc/self/statm').read().split()[1]) * 4096 / 1e6
from server.reports.paper import Paper, print_paper, shown
from server.reports.wording import Wording
assert 'typst' not in sys.modules
before, begun = mb(), time.perf_counter()
paper = Paper(form='index', no='1', case_no='1', title=('案卷目录',))
print_paper(shown(paper, Wording('zh-CN')), ('2026-03-05 09:30',))
print(f'{(time.perf_counter() - begun) * 1000:.0f} {mb() - before:.0f}')
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notices", type=int, default=40)
    count = parser.parse_args().notices
    root = Path(__file__).resolve().parents[1]
    first = subprocess.run(
        [sys.executable, "-c", _FIRST], cwd=root, capture_output=True, text=True, check=True
    )
    milliseconds, megabytes = first.stdout.split()
    print(f"the first paper of a process: {milliseconds} ms; it keeps {megabytes} MB from then on\n")
    head = f"a notice of {ITEMS} items, {ITEMS * PHOTOS_OF_ITEM} photos of {SIZES['paper'][0]} px"
    print(f"| {head} | pages | median | p95 | processor time | size |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        cases = [notice(number, ITEMS, PHOTOS_OF_ITEM) for number in range(count + 1)]
        photos = [photos_of(Path(folder), number) for number in range(count + 1)]
        set_notice(cases[0], photos[0])
        others = range(1, count + 1)
        row(
            "one copy, another notice each time",
            [timed(lambda n=n: set_notice(cases[n], photos[n])) for n in others],
        )
        row("both copies", [timed(lambda n=n: set_notice(cases[n], photos[n], "both")) for n in others])
        row("the same notice again", [timed(lambda: set_notice(cases[1], photos[1])) for _ in others])
    many = [notice(number, MANY, 0) for number in range(3)]
    row(f"{MANY} items without photos", [timed(lambda n=n: set_notice(many[n], {})) for n in range(3)])


if __name__ == "__main__":
    main()

"""The embedded engine beside Apache CouchDB and npm's pouchdb-server, over HTTP, in one run.

    make bench-sync
    HEZHA_TEST_COUCHDB_URL=http://admin:password@127.0.0.1:5984 python bench/replication.py --runs 3

Every system takes each line in turn before the next line begins, the first one changing from run to run, so
that a busy neighbour slows all of them. Figures are medians; a ratio above 1 says that Hezha is faster. Hezha
and CouchDB answer a write when it is on disk, pouchdb-server earlier.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson
from kit.forms import form
from kit.memory import Peak
from kit.systems import BENCH, INSPECTOR, SYSTEMS, System
from kit.wire import Target, Wire, escaped, once, run

from sync.rules import DESIGN_ID, design_document
from sync.store import Security

DATABASE = "bench-sync"
BATCH = 100
#: Bytes of the attachments that are put and got one by one, and of those a PouchDB carries.
PHOTO_BYTES = 300_000
TABLET_PHOTO_BYTES = 100_000
PUT_CLIENTS = 16


@dataclass(frozen=True)
class Sizes:
    """How much each line moves."""

    documents: int = 10_000
    attachments: int = 500
    tablet: int = 2_000


class Ground:
    """An empty database on one system for one line. With `rules`, a user writes, held to the write rules."""

    def __init__(self, system: System, *, rules: bool = False) -> None:
        self.system = system
        self._admin = system.admin
        once(self._admin, "DELETE", f"/{DATABASE}", b"", 200, 202, 404)
        once(self._admin, "PUT", f"/{DATABASE}")
        self.target = self._ruled() if rules else self._free()

    def _ruled(self) -> Target:
        assert self.system.sign_in is not None
        security = Security(members=(INSPECTOR,), kind="case", writers=(INSPECTOR,)).to_json()
        once(self._admin, "PUT", f"/{DATABASE}/_security", orjson.dumps(security))
        known = orjson.loads(once(self._admin, "GET", f"/{DATABASE}/{DESIGN_ID}", b"", 200, 404))
        if "_rev" not in known:
            once(self._admin, "PUT", f"/{DATABASE}/{DESIGN_ID}", orjson.dumps(design_document()))
        return self.system.sign_in()

    def _free(self) -> Target:
        known = orjson.loads(once(self._admin, "GET", f"/{DATABASE}/{DESIGN_ID}", b"", 200, 404))
        if "_rev" in known:
            once(self._admin, "DELETE", f"/{DATABASE}/{DESIGN_ID}?rev={known['_rev']}")
        return self._admin

    def close(self) -> None:
        once(self._admin, "DELETE", f"/{DATABASE}")

    def count(self) -> int:
        return int(orjson.loads(once(self._admin, "GET", f"/{DATABASE}"))["doc_count"])


#: Documents or megabytes a second, one for each line of a work.
Rates = tuple[float, ...]


def bulk(ground: Ground, sizes: Sizes) -> Rates:
    batches = []
    for first in range(0, sizes.documents, BATCH):
        docs = [form(number, by=INSPECTOR) for number in range(first, min(first + BATCH, sizes.documents))]
        batches.append(ground.target.request("POST", f"/{DATABASE}/_bulk_docs", orjson.dumps({"docs": docs})))
    before = ground.count()
    taken = run(ground.target, batches, 201)
    stored = ground.count() - before
    if stored != sizes.documents:
        raise SystemExit(f"{ground.system.name} stored {stored} of {sizes.documents} documents")
    return (sizes.documents / taken,)


def puts(ground: Ground, sizes: Sizes) -> Rates:
    requests = []
    for number in range(sizes.documents):
        doc = form(number, by=INSPECTOR)
        path = f"/{DATABASE}/{escaped(str(doc['_id']))}"
        requests.append(ground.target.request("PUT", path, orjson.dumps(doc)))
    return (sizes.documents / run(ground.target, requests, 201, clients=PUT_CLIENTS),)


def attachments(ground: Ground, sizes: Sizes) -> Rates:
    paths = [f"/{DATABASE}/photo-{number:05}/original" for number in range(sizes.attachments)]
    source = random.Random(1)
    put = [ground.target.request("PUT", path, source.randbytes(PHOTO_BYTES), "image/jpeg") for path in paths]
    get = [ground.target.request("GET", path) for path in paths]
    megabytes = sizes.attachments * PHOTO_BYTES / 1e6
    return megabytes / run(ground.target, put, 201), megabytes / run(ground.target, get, 200)


def pull(ground: Ground, sizes: Sizes) -> Rates:
    """What a replicator does to fetch a database, in PouchDB's batches."""
    bulk(ground, sizes)
    wire, target = Wire(ground.target), ground.target
    since, got, started = "0", 0, time.perf_counter()
    while True:
        path = f"/{DATABASE}/_changes?style=all_docs&limit={BATCH}&since={escaped(since)}"
        changes = orjson.loads(wire.ask(target.request("GET", path), 200))
        rows = [row for row in changes["results"] if not row["id"].startswith("_design/")]
        if not rows:
            break
        docs = [{"id": row["id"], "rev": change["rev"]} for row in rows for change in row["changes"]]
        body = orjson.dumps({"docs": docs})
        answer = wire.ask(target.request("POST", f"/{DATABASE}/_bulk_get?revs=true&latest=true", body), 200)
        got += sum("ok" in doc for row in orjson.loads(answer)["results"] for doc in row["docs"])
        since = str(changes["last_seq"])
    taken = time.perf_counter() - started
    wire.close()
    if got != sizes.documents:
        raise SystemExit(f"{ground.system.name} gave {got} of {sizes.documents} documents")
    return (sizes.documents / taken,)


def tablet(ground: Ground, sizes: Sizes) -> Rates:
    command = ["node", str(BENCH / "replicate.mjs"), f"{ground.system.url}/{DATABASE}"]
    command += [str(sizes.tablet), str(TABLET_PHOTO_BYTES)]
    seconds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return sizes.tablet / seconds["push"], sizes.tablet / seconds["pull"]


@dataclass(frozen=True)
class Work:
    """What is timed together: a rate for each of `lines`. With `rules`, a user under the write rules."""

    name: str
    lines: tuple[str, ...]
    measure: Callable[[Ground, Sizes], Rates]
    rules: bool = False


WORKS = (
    Work("bulk", ("_bulk_docs, 100 x 1 KB, docs/s",), bulk),
    Work("bulk-rules", ("  held to the write rules, docs/s",), bulk, rules=True),
    Work("puts", ("single PUTs, 16 clients, docs/s",), puts),
    Work("puts-rules", ("  held to the write rules, docs/s",), puts, rules=True),
    Work("attachments", ("PUT of 300 KB, MB/s", "GET of 300 KB, MB/s"), attachments),
    Work("pull", ("_changes + _bulk_get, docs/s",), pull),
    Work("tablet", ("PouchDB pushes 100 KB, docs/s", "PouchDB pulls 100 KB, docs/s"), tablet),
)


def measure(systems: Sequence[System], works: Sequence[Work], sizes: Sizes, runs: int) -> Found:
    found: Found = {}
    for number in range(runs):
        turn = number % len(systems)
        for work in works:
            for system in (*systems[turn:], *systems[:turn]):
                if work.rules and system.sign_in is None:
                    continue
                ground = Ground(system, rules=work.rules)
                for line, rate in enumerate(work.measure(ground, sizes)):
                    found.setdefault((work.name, line, system.name), []).append(rate)
                ground.close()
            print(f"run {number + 1}: {work.name}", file=sys.stderr)
    return found


#: Rates of each run, by work, number of the line in it, and system.
Found = dict[tuple[str, int, str], list[float]]


def report(found: Found, systems: Sequence[System], works: Sequence[Work], peak: Peak) -> None:
    first, *peers = [system.name for system in systems]
    print(f"{'':<34}{first:>10}" + "".join(f"{peer:>16}{'ratio':>8}" for peer in peers))
    for work in works:
        for number, line in enumerate(work.lines):
            ours = statistics.median(found[work.name, number, first])
            text = f"{line:<34}{ours:>10,.0f}"
            for peer in peers:
                rates = found.get((work.name, number, peer))
                if rates is None:
                    text += f"{'no rules':>16}{'':>8}"
                else:
                    text += f"{statistics.median(rates):>16,.0f}{ours / statistics.median(rates):>8.2f}"
            print(text)
    for name, size in peak.bytes.items():
        print(f"memory of {name}, all processes, at most: {size / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="how often each line is taken [3]")
    parser.add_argument("--only", nargs="*", choices=[work.name for work in WORKS], help="some lines only")
    parser.add_argument("--without", nargs="*", default=[], choices=list(SYSTEMS)[1:], help="leave peers out")
    parser.add_argument("--scale", type=float, default=1.0, help="a share of the load, for a quick look")
    asked = parser.parse_args()
    works = [work for work in WORKS if asked.only is None or work.name in asked.only]
    whole = Sizes()
    sizes = Sizes(*(max(BATCH, int(size * asked.scale)) for size in dataclasses.astuple(whole)))
    wanted = [name for name in SYSTEMS if name not in asked.without]
    if "couchdb" in wanted and not os.environ.get("HEZHA_TEST_COUCHDB_URL"):
        print("HEZHA_TEST_COUCHDB_URL is not set: Apache CouchDB is left out.")
        wanted.remove("couchdb")
    with ExitStack() as stack:
        systems = []
        for name in wanted:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"bench-{name}-")))
            systems.append(stack.enter_context(SYSTEMS[name](folder)))
        own = {system.name: system.pid for system in systems if system.pid is not None}
        with Peak(own) as peak:
            found = measure(systems, works, sizes, asked.runs)
        report(found, systems, works, peak)


if __name__ == "__main__":
    main()

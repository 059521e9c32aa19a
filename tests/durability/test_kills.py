"""`kill -9` fifty times under load: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import requests

from sync.embedded.safety.check import check
from tests.durability.load import DATABASE, Writer
from tests.durability.victim import ADMIN, Victim

#: More of them: HEZHA_TEST_KILLS=500, as bench/durability.py does.
KILLS = int(os.environ.get("HEZHA_TEST_KILLS", "50"))
WRITERS = 8
SEED = 20261122
#: How long the server lives under load, in seconds: some of it before anybody has written, some well after.
SHORTEST, LONGEST = 0.005, 0.25


def test_a_server_killed_at_any_moment_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    random = Random(SEED)
    with Victim(tmp_path) as victim:
        victim.start()
        requests.put(f"{victim.url}/{DATABASE}", auth=ADMIN, timeout=30).raise_for_status()
        writers = [Writer(f"w{number}", victim.url, SEED + number) for number in range(WRITERS)]
        with ThreadPoolExecutor(WRITERS) as pool:
            for _ in range(KILLS):
                stop = threading.Event()
                for writer in writers:
                    writer.forget()
                running = [pool.submit(writer.run, stop) for writer in writers]
                time.sleep(random.uniform(SHORTEST, LONGEST))
                victim.kill()
                stop.set()
                for one in running:
                    one.result()
                victim.start()
                for writer in writers:
                    writer.check(writer.touched())
                report = check(victim.data)
                assert report.sound, report
            for writer in writers:
                writer.check(writer.documents)
        acknowledged = sum(writer.acknowledged for writer in writers)
        unanswered = sum(writer.unanswered for writer in writers)
        print(f"{KILLS} kills, {acknowledged} writes acknowledged, {unanswered} without an answer")  # noqa: T201
        assert acknowledged > KILLS * WRITERS
        assert unanswered > KILLS
        assert check(victim.data, deep=True).sound

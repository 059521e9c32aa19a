"""The worker keeps the store small, whatever goes wrong meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.intake.keeper import bring_rules, keep_tidy
from sync.embedded.engine import EmbeddedStore, Limits
from sync.store import NoSpace, Security, never


def test_what_is_rewritten_again_and_again_is_compacted_while_the_worker_runs(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, limits=Limits(compact_min_bytes=1))
    stop = threading.Event()
    try:
        store.create_database("db")
        rev = store.put("db", {"_id": "case", "n": 0})
        for n in range(1, 20):
            rev = store.put("db", {"_id": "case", "n": n, "_rev": rev})
        keeper = threading.Thread(target=keep_tidy, args=(store, stop, 0.01))
        keeper.start()
        with store.watch(None) as bell:
            for _ in range(1000):
                sizes = store.info_json("db")["sizes"]
                if sizes["file"] == sizes["active"]:
                    break
                bell.wait(0.02)
        stop.set()
        keeper.join()
        assert sizes["file"] == sizes["active"]
        assert store.get("db", "case")["n"] == 19
    finally:
        stop.set()
        store.close()


def test_a_failure_is_not_the_end(tmp_path: Path) -> None:
    tried: list[int] = []
    stop = threading.Event()

    class Failing(EmbeddedStore):
        def maintain(self, stopping: Callable[[], bool] = never) -> None:
            tried.append(1)
            if len(tried) == 3:
                stop.set()
            errors: list[Any] = [NoSpace("The disk is full; nothing was written."), ValueError("a mistake")]
            raise errors[len(tried) % 2]

    store = Failing(tmp_path)
    keep_tidy(store, stop, 0.001)
    store.close()
    assert len(tried) == 3


def test_new_rules_come_to_every_database_though_the_disk_was_full_at_first(tmp_path: Path) -> None:
    older = EmbeddedStore(tmp_path, design={"_id": "_design/hezha", "validate_doc_update": "OLD"})
    older.create_database("db", Security(kind="case"))
    older.close()
    tried: list[int] = []

    class Failing(EmbeddedStore):
        def refresh_design_documents(self, stopping: Callable[[], bool] = never) -> list[str]:
            tried.append(1)
            if len(tried) < 3:
                raise NoSpace("The disk is full; nothing was written.")
            return super().refresh_design_documents(stopping)

    store = Failing(tmp_path, design={"_id": "_design/hezha", "validate_doc_update": "NEW"})
    bring_rules(store, threading.Event(), 0.001)
    assert store.get("db", "_design/hezha")["validate_doc_update"] == "NEW"
    asked = threading.Event()
    asked.set()
    bring_rules(store, asked, 0.001)
    store.close()
    assert len(tried) == 3

"""After a restore tablets push again what the backup lacks, whether they replicated once or live."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from sync.embedded.safety import backup
from sync.embedded.safety.restore import restore
from sync.embedded.safety.shelf import open_shelf
from tests.peers.conftest import LiveServer
from tests.tablet.driver import Tablet

pytestmark = pytest.mark.peers


class Disaster:
    """A server with a backup from a while ago, whose disk is lost."""

    def __init__(self, server: LiveServer, shelf: Path) -> None:
        self._server = server
        self._shelf = shelf

    def back_up(self) -> None:
        """While it serves."""
        backup.make(self._server.folder, self._shelf, made_by="test", now=datetime.now(UTC))

    def strike(self) -> None:
        self._server.stop(sign=signal.SIGKILL)
        shutil.rmtree(self._server.folder)
        restore(open_shelf(self._shelf), self._server.folder)
        self._server.start()


@pytest.fixture
def disaster(server: LiveServer, tmp_path: Path) -> Disaster:
    return Disaster(server, tmp_path / "shelf")


def checkpoints(url: str) -> int:
    answer = requests.get(f"{url}/_local_docs", auth=("admin", "admin"), timeout=30)
    return len(answer.json()["rows"])


def ids(url: str) -> dict[str, str]:
    rows = requests.get(f"{url}/_all_docs", auth=("admin", "admin"), timeout=30).json()["rows"]
    return {row["id"]: row["value"]["rev"] for row in rows}


def test_what_was_acknowledged_after_the_backup_comes_back_from_the_tablets(
    server: LiveServer, disaster: Disaster, tablet: Callable[[str], Tablet], tmp_path: Path
) -> None:
    """New documents, edits, deletions and photos of two tablets, each of which holds a part."""
    url = server.database(members=("wang", "liu"))
    wang, liu = tablet("wang"), tablet("liu")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"p" * 50_000)
    for number in range(20):
        wang.put("case", {"_id": f"old:{number}", "v": 1})
    wang.push("case", url)
    liu.pull("case", url)
    disaster.back_up()

    edited = {**wang.get("case", "old:1"), "v": 2}
    wang.put("case", edited)
    gone = wang.get("case", "old:2")
    wang.put("case", {"_id": "old:2", "_rev": gone["_rev"], "_deleted": True})
    for number in range(15):
        wang.put("case", {"_id": f"wang:{number}"})
    rev = wang.put("case", {"_id": "photo"})
    wang.put_attachment("case", "photo", "original", photo, "image/jpeg", rev=rev)
    wang.push("case", url)
    liu.pull("case", url)
    liu.put("case", {**liu.get("case", "old:1"), "v": 3})
    liu.put("case", {"_id": "liu"})
    liu.push("case", url)
    wang.pull("case", url)
    acknowledged = ids(url)
    assert len(acknowledged) == 20 - 1 + 15 + 1 + 1

    disaster.strike()
    assert len(ids(url)) == 20
    assert wang.push("case", url)["docs_written"] > 0
    liu.push("case", url)
    assert ids(url) == acknowledged
    found = requests.get(f"{url}/photo/original", auth=("admin", "admin"), timeout=30)
    assert found.content == photo.read_bytes()
    assert requests.get(f"{url}/old:1", auth=("admin", "admin"), timeout=30).json()["v"] == 3


def test_a_backup_in_the_middle_of_a_push_vouches_for_nothing_that_came_later(
    server: LiveServer, disaster: Disaster, tablet: Callable[[str], Tablet]
) -> None:
    """One session wrote its checkpoint before the backup and after: PouchDB would believe the later one."""
    url = server.database(members=("wang",))
    wang = tablet("wang")
    for number in range(10):
        wang.put("case", {"_id": f"early:{number}"})
    wang.live_start("sync", "case", url)
    wang.wait_for(lambda: len(ids(url)) == 10)
    wang.wait_for(lambda: checkpoints(url))
    disaster.back_up()
    for number in range(10):
        wang.put("case", {"_id": f"late:{number}"})
    wang.wait_for(lambda: len(ids(url)) == 20)
    wang.live_stop("sync")
    disaster.strike()
    assert len(ids(url)) == 10
    wang.push("case", url)
    assert len(ids(url)) == 20


def test_what_is_written_after_the_restore_reaches_a_tablet_that_was_ahead(
    server: LiveServer, disaster: Disaster, tablet: Callable[[str], Tablet]
) -> None:
    """Its sequence numbers lie beyond those of the restored database: they must not hide new changes."""
    url = server.database(members=("wang",))
    wang = tablet("wang")
    requests.put(f"{url}/first", json={}, auth=("admin", "admin"), timeout=30).raise_for_status()
    disaster.back_up()
    for number in range(30):
        requests.put(f"{url}/lost:{number}", json={}, auth=("admin", "admin"), timeout=30).raise_for_status()
    assert wang.pull("case", url)["docs_written"] == 31
    disaster.strike()
    for number in range(40):  # overtakes the lost numbers
        requests.put(f"{url}/new:{number}", json={}, auth=("admin", "admin"), timeout=30).raise_for_status()
        if number in {0, 20, 39}:
            wang.pull("case", url)
            local = {row["id"] for row in wang.all_docs("case")}
            assert {f"new:{n}" for n in range(number + 1)} <= local


def test_live_replication_outlasts_a_restore(
    server: LiveServer, disaster: Disaster, tablet: Callable[[str], Tablet]
) -> None:
    """The tablet was syncing all the time, and nobody restarted it."""
    url = server.database(members=("wang",))
    wang = tablet("wang")
    wang.put("case", {"_id": "before"})
    wang.live_start("sync", "case", url)
    wang.wait_for(lambda: "before" in ids(url))
    disaster.back_up()
    wang.put("case", {"_id": "after"})
    wang.wait_for(lambda: "after" in ids(url))
    disaster.strike()
    assert set(ids(url)) == {"before"}
    wang.put("case", {"_id": "later"})
    requests.put(f"{url}/office", json={}, auth=("admin", "admin"), timeout=30).raise_for_status()
    wang.wait_for(lambda: "later" in ids(url))
    wang.wait_for(lambda: "office" in {row["id"] for row in wang.all_docs("case")})
    wang.wait_for(lambda: "after" in ids(url))
    wang.live_stop("sync")

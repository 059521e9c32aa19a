"""The tablet driver tells the truth, so that tests which stand on it do."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from tests.tablet.driver import Tablet, TabletDied, TabletError


def test_what_is_written_outlives_the_process_and_its_sudden_end(tmp_path: Path) -> None:
    photo = tmp_path / "photo"
    photo.write_bytes(b"\xff\xd8bytes")
    with Tablet(tmp_path / "t") as tablet:
        tablet.put("case", {"_id": "a", "名": "值"}, {"original": (photo, "image/jpeg")})
        rev = tablet.put_attachment("case", "b", "original", photo, "image/jpeg")
        tablet.kill()
        with pytest.raises(TabletDied, match="ended"):
            tablet.info("case")
    with Tablet(tmp_path / "t") as again:
        assert again.get("case", "a")["名"] == "值"
        assert again.attachment("case", "a", "original") == photo.read_bytes()
        again.remove("case", "b", rev)
        assert [row["id"] for row in again.all_docs("case")] == ["a"]
        assert [row["id"] for row in again.changes("case")] == ["a", "b"]
        again.destroy("case")
        assert again.info("case")["doc_count"] == 0


def test_refusals_carry_pouchdbs_own_words(tmp_path: Path) -> None:
    with Tablet(tmp_path) as tablet:
        tablet.put("case", {"_id": "a"})
        with pytest.raises(TabletError) as conflict:
            tablet.put("case", {"_id": "a"})
        assert (conflict.value.status, conflict.value.name) == (409, "conflict")


def test_nothing_leaves_a_tablet_that_is_offline(tmp_path: Path) -> None:
    with Tablet(tmp_path) as tablet:
        tablet.put("case", {"_id": "a"})
        tablet.go_offline()
        with pytest.raises(TabletError, match="out of coverage"):
            tablet.push("case", "http://127.0.0.1:9/db")
        assert tablet.requests() == []


def test_waiting_ends_and_says_what_was_seen_last(tmp_path: Path) -> None:
    with Tablet(tmp_path) as tablet, pytest.raises(AssertionError, match="404"):
        tablet.wait_for(lambda: tablet.get("case", "never"), timeout=0.2)


def test_an_answer_that_breaks_off_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    """The server is killed between the head and the body of its answer."""
    with Tablet(tmp_path, timeout=10) as tablet, socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_half() -> None:
            link, _ = listener.accept()
            with link:
                link.recv(65536)
                link.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
                )

        server = threading.Thread(target=answer_half)
        server.start()
        with pytest.raises(TabletError):
            tablet.remote_info(f"http://127.0.0.1:{listener.getsockname()[1]}/db")
        server.join()

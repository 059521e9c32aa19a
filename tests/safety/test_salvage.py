"""Whatever can still be read of a damaged folder is saved, into a store that is sound by itself."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import apsw
import pytest

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.check import check
from sync.embedded.safety.rows import Gaps, readable
from sync.embedded.safety.salvage import salvage
from sync.embedded.safety.values import SafetyError
from sync.store import BytesMissing
from tests.safety.conftest import DATABASE, OTHER, Folder, dump, lose, sha256_of

PAGE = 4096
MANY = 1200


def overwrite(file: Path, pages: list[int], seed: int) -> None:
    random = Random(seed)
    with file.open("r+b") as out:
        for page in pages:
            out.seek(page * PAGE)
            out.write(random.randbytes(PAGE))


@pytest.fixture
def large(folder: Folder) -> Folder:
    """With enough documents for a tree of pages, closed."""
    for start in range(0, MANY, 100):
        docs = [{"_id": f"many:{n:05}", "n": n, "pad": "z" * 300} for n in range(start, start + 100)]
        assert all(row.ok for row in folder.store.bulk_docs(DATABASE, docs))
    folder.store.close()
    return folder


def test_from_a_sound_folder_everything_is_saved(folder: Folder, tmp_path: Path) -> None:
    before, security = dump(folder.store), folder.store.security(DATABASE)
    folder.store.set_revs_limit(DATABASE, 77)
    folder.store.put(
        DATABASE, {"_id": "_design/x", "validate_doc_update": "function () { throw {forbidden: 1} }"}
    )
    saved = salvage(folder.path, tmp_path / "out")
    assert saved.whole
    store = EmbeddedStore(tmp_path / "out")
    after = dump(store)
    assert after[DATABASE].pop("_design/x")
    assert after == before
    assert (store.security(DATABASE), store.revs_limit(DATABASE)) == (security, 77)
    store.close()
    assert check(tmp_path / "out", deep=True).sound


@pytest.mark.parametrize("seed", range(6))
def test_past_damaged_pages_the_rest_is_saved(large: Folder, tmp_path: Path, seed: int) -> None:
    file = large.path / "hezha.sqlite3"
    pages = Random(seed).sample(range(8, file.stat().st_size // PAGE), 3)
    overwrite(file, pages, seed)
    original = file.read_bytes()
    saved = salvage(large.path, tmp_path / "out")
    assert file.read_bytes() == original
    # A page holds a few dozen rows at most; a page of references to pages takes those with it.
    assert saved.documents >= MANY * 0.6
    assert check(tmp_path / "out", deep=True).sound
    store = EmbeddedStore(tmp_path / "out")
    documents = {doc["_id"]: doc for doc in store.all_docs(DATABASE, prefix="many:")}
    store.close()
    assert all(doc["n"] == int(name[5:]) and len(doc["pad"]) == 300 for name, doc in documents.items())
    named = {line.split(" ")[1] for line in saved.unreadable if line.startswith(f"{DATABASE} ")}
    assert not named & documents.keys()
    told = json.loads((tmp_path / "out/salvage.json").read_text("utf-8"))
    assert (told["documents"], told["unreadable"]) == (saved.documents, saved.unreadable)


def test_from_a_file_cut_short_the_front_is_saved(large: Folder, tmp_path: Path) -> None:
    file = large.path / "hezha.sqlite3"
    with file.open("r+b") as out:
        out.truncate(file.stat().st_size * 3 // 4 // PAGE * PAGE)
    saved = salvage(large.path, tmp_path / "out")
    assert saved.documents > 0
    assert not saved.whole
    assert check(tmp_path / "out", deep=True).sound


def test_a_document_whose_row_is_lost_keeps_its_id_from_the_index(folder: Folder, tmp_path: Path) -> None:
    conn = apsw.Connection(str(folder.path / "hezha.sqlite3"))
    root = int(conn.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'docs'").get)
    folder.store.close()
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    conn.close()
    overwrite(folder.path / "hezha.sqlite3", [root - 1], 1)
    saved = salvage(folder.path, tmp_path / "out")
    assert saved.documents == 39
    assert saved.gaps == [("docs", 0, None)]
    store = EmbeddedStore(tmp_path / "out")
    assert store.get(DATABASE, "form:7")["n"] == 7
    store.close()


def test_where_the_newest_body_is_lost_an_older_one_is_saved_and_told(folder: Folder, tmp_path: Path) -> None:
    first = folder.store.put(DATABASE, {"_id": "twice", "v": 1})
    second = folder.store.put(DATABASE, {"_id": "twice", "_rev": first, "v": 2})
    conn = apsw.Connection(str(folder.path / "hezha.sqlite3"))
    conn.execute("UPDATE revisions SET body = x'ff' WHERE rev = ?", (second,))
    conn.close()
    saved = salvage(folder.path, tmp_path / "out")
    assert saved.older == [f"{DATABASE} twice {second}"]
    store = EmbeddedStore(tmp_path / "out")
    document = store.get(DATABASE, "twice")
    assert (document["v"], document["_rev"]) == (1, first)
    # Whoever still has the newer one is asked for it.
    assert store.revs_diff(DATABASE, {"twice": [second]})["twice"]["missing"] == [second]
    store.close()


def test_contents_without_an_id_are_kept_aside(folder: Folder, tmp_path: Path) -> None:
    conn = apsw.Connection(str(folder.path / "hezha.sqlite3"))
    conn.execute("DELETE FROM docs WHERE id = 'form:7'")
    conn.close()
    saved = salvage(folder.path, tmp_path / "out")
    assert saved.bodies == 1
    [line] = (tmp_path / "out/salvaged-bodies.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["doc"]["n"] == 7


def test_a_photo_without_its_bytes_keeps_its_document(folder: Folder, tmp_path: Path) -> None:
    lost = sha256_of(folder.blobs()[0])
    lose(folder.path, lost)
    saved = salvage(folder.path, tmp_path / "out")
    assert saved.missing_blobs == [lost]
    assert saved.documents == 39
    store = EmbeddedStore(tmp_path / "out")
    assert len(list(store.all_docs(OTHER))) == 7
    missing = 0
    for document in store.all_docs(OTHER):
        try:
            store.open_attachment(OTHER, document["_id"], "original").stream.close()
        except BytesMissing:
            missing += 1
    store.close()
    assert missing in {1, 2}


def test_it_refuses_what_it_cannot_do(folder: Folder, tmp_path: Path) -> None:
    folder.store.close()
    with pytest.raises(SafetyError, match="no_data"):
        salvage(tmp_path / "nothing", tmp_path / "out")
    with pytest.raises(SafetyError, match="not_empty"):
        salvage(folder.path, folder.path)
    (folder.path / "hezha.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(SafetyError, match="hopeless"):
        salvage(folder.path, tmp_path / "out")


def test_rows_are_read_past_every_hole(tmp_path: Path) -> None:
    file = tmp_path / "t.sqlite3"
    conn = apsw.Connection(str(file))
    conn.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
    conn.executemany("INSERT INTO t VALUES (?, ?)", ((n, f"{n}" * 50) for n in range(2000)))
    conn.close()
    pages = file.stat().st_size // PAGE
    overwrite(file, [pages // 4, pages // 2, pages - 2], 3)
    conn = apsw.Connection(str(file))
    conn.execute("PRAGMA cell_size_check=ON")
    gaps = Gaps()
    rows = [(row[0], row[1]) for row in readable(conn, "t", "k", "v", gaps)]
    conn.close()
    keys = [key for key, _ in rows]
    assert keys == sorted(set(keys))
    assert all(value == f"{key}" * 50 for key, value in rows)
    assert len(gaps.found) == 3
    missing = {n for _, first, last in gaps.found for n in range(first, 2000 if last is None else last)}
    assert missing == set(range(2000)) - set(keys)

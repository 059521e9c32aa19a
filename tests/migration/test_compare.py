"""A difference that was planted is found and named; what is the same on both sides is not one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from sync.migration.compare import Comparison, compare, foreign
from sync.migration.move import migrate
from sync.replication.local import LocalSite
from tests.replication.kit import SMALL, edit, leaf, leaves

Plant = Callable[[LocalSite, Path], object]


def words(found: Comparison) -> set[tuple[str, str]]:
    return {(difference.what, difference.doc_id) for difference in found.differences}


@pytest.fixture
def moved(source: LocalSite, target: LocalSite) -> LocalSite:
    assert migrate(source, target, lambda _: True).differences == ()
    return target


def test_equal_databases_are_counted(source: LocalSite, moved: LocalSite) -> None:
    forms, media = (compare(source, moved, db, limits=SMALL) for db in ("case-1", "media-1"))
    assert (forms.differences, media.differences) == ((), ())
    assert (forms.documents, forms.deleted, forms.revisions) == (9, 1, 11)
    assert (media.attachments, media.attachment_bytes) == (6, 514_000)


def sql(folder: Path, statement: str, *values: Any) -> None:
    """Change a row behind the store's back, as a defect of the disk or of ours would."""
    connection = apsw.Connection(str(folder / "hezha.sqlite3"))
    connection.execute(statement, values)
    assert connection.changes() == 1
    connection.close()


def new_leaf(site: LocalSite, _: Path) -> None:
    replica = site.replica("case-1")
    edit(replica, "inspection:1", leaf(replica, "inspection:1", leaves(replica)["inspection:1"][0]), n=99)


PLANTED: dict[str, tuple[str, Plant, set[tuple[str, str]]]] = {
    "a document too many": (
        "case-1",
        lambda site, _: edit(site.replica("case-1"), "extra"),
        {("leaves", "extra"), ("doc_count", "")},
    ),
    "a newer revision": ("case-1", new_leaf, {("leaves", "inspection:1")}),
    "a tombstone too many": (
        "case-1",
        lambda site, _: edit(site.replica("case-1"), "dead", deleted=True),
        {("leaves", "dead"), ("doc_del_count", "")},
    ),
    "other permissions": (
        "library",
        lambda site, _: site.put_security("library", {"members": {"names": ["liu"]}}),
        {("security", "")},
    ),
    "another limit": ("library", lambda site, _: site.put_revs_limit("library", 7), {("revs_limit", "")}),
    "a body under the same revision": (
        "case-1",
        lambda _, folder: sql(
            folder,
            "UPDATE revisions SET body = ? WHERE doc = (SELECT pk FROM docs WHERE id = 'inspection:3')",
            '{"n":3,"意见":"不合格","ratio":1.0}'.encode(),
        ),
        {("body", "inspection:3")},
    ),
    "1 where it was 1.0": (
        "case-1",
        lambda _, folder: sql(
            folder,
            "UPDATE revisions SET body = ? WHERE doc = (SELECT pk FROM docs WHERE id = 'inspection:3')",
            '{"n":3,"意见":"合格","ratio":1}'.encode(),
        ),
        {("body", "inspection:3")},
    ),
    "an attachment of other bytes": (
        "media-1",
        lambda _, folder: sql(
            folder,
            "UPDATE attachments SET md5 = zeroblob(16) WHERE revision = (SELECT r.pk FROM revisions r"
            " JOIN docs d ON d.pk = r.doc WHERE d.id = 'photo:2')",
        ),
        {("attachment", "photo:2")},
    ),
    "an attachment of another length": (
        "media-1",
        lambda _, folder: sql(
            folder,
            "UPDATE attachments SET length = 5 WHERE revision = (SELECT r.pk FROM revisions r"
            " JOIN docs d ON d.pk = r.doc WHERE d.id = 'photo:2')",
        ),
        {("attachment", "photo:2")},
    ),
    "an attachment less": (
        "media-1",
        lambda _, folder: sql(
            folder,
            "DELETE FROM attachments WHERE revision = (SELECT r.pk FROM revisions r"
            " JOIN docs d ON d.pk = r.doc WHERE d.id = 'photo:2')",
        ),
        {("attachment", "photo:2")},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_difference_is_found(
    source: LocalSite, moved: LocalSite, tmp_path: Path, name: str
) -> None:
    db, plant, expected = PLANTED[name]
    plant(moved, tmp_path / "target")
    assert words(compare(source, moved, db, limits=SMALL)) == expected
    others = {"case-1", "media-1", "library"} - {db}
    assert all(not compare(source, moved, other).differences for other in others)


@pytest.mark.parametrize("name", [name for name in PLANTED if "attachment" not in name])
def test_it_does_not_matter_which_side_has_it(
    source: LocalSite, moved: LocalSite, tmp_path: Path, name: str
) -> None:
    db, plant, expected = PLANTED[name]
    plant(source, tmp_path / "source")
    assert words(compare(source, moved, db, limits=SMALL)) == expected


def test_foreign_is_what_the_source_has_never_heard_of(source: LocalSite, moved: LocalSite) -> None:
    """An ancestor of the source's leaf is not foreign: the source has only gone on."""
    new_leaf(source, Path())
    ours, theirs = source.replica("case-1"), moved.replica("case-1")
    assert list(foreign(ours, theirs, limits=SMALL)) == []
    rev = edit(theirs, "inspection:2", leaf(theirs, "inspection:2", leaves(theirs)["inspection:2"][0]))
    assert list(foreign(ours, theirs, limits=SMALL)) == [("inspection:2", rev)]

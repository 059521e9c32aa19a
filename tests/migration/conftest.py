"""Two places in folders, the first with a little of everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.replication.local import LocalSite
from sync.replication.replica import Site
from tests.replication.kit import edit, leaf, local_site

NAMES = ("case-1", "media-1", "library")


def fill(site: Site, prefix: str = "") -> None:
    """Documents, a conflict, tombstones, attachments of every kind, permissions, a limit of its own."""
    for name in NAMES:
        site.create(prefix + name)
        site.put_security(
            prefix + name, {"members": {"names": ["wang"], "roles": []}, "hezha": {"kind": name}}
        )
    forms, media = site.replica(prefix + "case-1"), site.replica(prefix + "media-1")
    site.put_revs_limit(prefix + "case-1", 50)
    for number in range(7):
        edit(forms, f"inspection:{number}", n=number, 意见="合格", ratio=1.0)
    first = leaf(forms, "case", edit(forms, "case", n=1))
    edit(forms, "case", first, n=2)
    edit(forms, "case", first, n=3)
    edit(forms, "old", leaf(forms, "old", edit(forms, "old")), deleted=True)
    edit(forms, "_design/rules", validate_doc_update="function (doc) {}")
    for number in range(5):
        edit(media, f"photo:{number}", attachments={"original": ("image/jpeg", os.urandom(100_000))})
    edit(media, "note", attachments={"words": ("text/plain", "合闸\n".encode() * 2_000)})


@pytest.fixture
def source(tmp_path: Path) -> Iterator[LocalSite]:
    with local_site(tmp_path / "source") as site:
        fill(site)
        yield site


@pytest.fixture
def target(tmp_path: Path) -> Iterator[LocalSite]:
    with local_site(tmp_path / "target") as site:
        yield site

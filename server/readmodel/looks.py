"""What photos look like, and which were found alike: rows like any other, which a rebuild renews."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import CompoundSelect, Connection, desc, select, union_all, update
from sqlalchemy.dialects.sqlite import insert

from server.readmodel.database import ReadModel
from server.readmodel.tables import cases, lookalikes, looks, photos

if TYPE_CHECKING:
    from server.evidence.alike import Words

__all__ = ["lookalikes_of", "looks_at", "looks_to_compare", "put_look", "put_lookalikes", "words_after"]

_Row = dict[str, Any]
_PAGE = 50_000


def put_look(model: ReadModel, *, case_id: str, photo: str, task: str, item: str, look: bytes) -> None:
    """Keep a photo's look, once: a photo does not change."""
    import numpy as np  # noqa: PLC0415  heavy, and a process may never see a photo

    from server.evidence.alike import fingerprints  # noqa: PLC0415

    (word,) = fingerprints([look]).view(np.int64)
    row = {"case_id": case_id, "photo": photo, "task": task, "item": item, "look": look, "word": int(word)}
    with model.writing() as connection:
        connection.execute(insert(looks).values(**row, compared=False).on_conflict_do_nothing())


def words_after(model: ReadModel, seq: int) -> Iterator[tuple[list[int], Words]]:
    """The fingerprints behind a number, in pages of numbers and words in order."""
    import numpy as np  # noqa: PLC0415

    while True:
        query = select(looks.c.seq, looks.c.word).where(looks.c.seq > seq).order_by(looks.c.seq).limit(_PAGE)
        with model.engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        seq = rows[-1].seq
        yield [row.seq for row in rows], np.array([row.word for row in rows], np.int64).view(np.uint64)


def looks_to_compare(model: ReadModel, at_most: int) -> list[_Row]:
    """Looks that were compared with no other yet, the latest first."""
    query = select(looks).where(~looks.c.compared).order_by(looks.c.seq.desc()).limit(at_most)
    with model.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def looks_at(model: ReadModel, numbers: Sequence[int]) -> list[_Row]:
    """The looks of these numbers that there still are."""
    with model.engine.connect() as connection:
        found = connection.execute(select(looks).where(looks.c.seq.in_(numbers))).mappings()
        return [dict(row) for row in found]


def put_lookalikes(model: ReadModel, seq: int, alike: Mapping[int, int]) -> None:
    """Say that a look was compared, and which others, by number, it is like to how many percent."""
    with model.writing() as connection:
        there = connection.execute(update(looks).where(looks.c.seq == seq).values(compared=True)).rowcount
        # A rebuild may have begun since they were read: what is gone comes again and is compared again.
        known = connection.scalars(select(looks.c.seq).where(looks.c.seq.in_(alike))) if there else ()
        pairs = [
            {"first": min(seq, other), "second": max(seq, other), "percent": alike[other]} for other in known
        ]
        if pairs:
            connection.execute(insert(lookalikes).on_conflict_do_nothing(), pairs)


def lookalikes_of(model: ReadModel, case_id: str) -> list[_Row]:
    """Every pair with a photo of the case: `photo`, `other` and `percent`, the most alike first.

    Both are rows of photos with their case's number as `no`. A pair within the case comes from either side.
    """
    found = []
    with model.engine.connect() as connection:
        for pair in connection.execute(_pairs(case_id)).all():
            photo = _shown(connection, case_id, pair.photo)
            other = _shown(connection, pair.other_case, pair.other)
            if photo is not None and other is not None:
                found.append({"photo": photo, "other": other, "percent": pair.percent})
    return found


def _pairs(case_id: str) -> CompoundSelect[Any]:
    """Each side by its own index: a join on either would go through every pair there is."""
    ours, theirs = looks.alias("ours"), looks.alias("theirs")
    sides = (
        select(
            lookalikes.c.percent.label("percent"),
            ours.c.photo.label("photo"),
            theirs.c.case_id.label("other_case"),
            theirs.c.photo.label("other"),
        )
        .select_from(lookalikes)
        .join(ours, mine == ours.c.seq)
        .join(theirs, foreign == theirs.c.seq)
        .where(ours.c.case_id == case_id)
        for mine, foreign in (
            (lookalikes.c.first, lookalikes.c.second),
            (lookalikes.c.second, lookalikes.c.first),
        )
    )
    return union_all(*sides).order_by(desc("percent"), "photo", "other_case", "other")


def _shown(connection: Connection, case_id: str, photo: str) -> _Row | None:
    query = (
        select(photos, cases.c.no)
        .join(cases, cases.c.id == photos.c.case_id)
        .where(photos.c.case_id == case_id, photos.c.id == photo)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)

"""Revision trees: which edits of a document exist, and how they descend from each other.

Each edit of a document is a revision `N-hash`: generation N, one more than its parent's. While one person
edits, the history is a line A→B→C. Two tablets that edit B while apart make C and D; once each has heard of
the other the history is A→B→(C|D). Nothing is lost: C and D are both *leaves*, the document is in conflict,
and everybody must agree without talking on which leaf to show. That is the *winner*: a leaf that is not
deleted before one that is, then the highest generation, then the highest hash. A conflict is resolved by
adding a deleted leaf below each loser: A→B→(C|D→E†).

Replication sends a leaf with its ancestry and merges that path in. Here a tree is a mapping from revision to
what is known of it: its parents and whether its body is kept. Merging is the union of both mappings, so the
order in which edits arrive can never matter: merge is commutative, associative and idempotent by
construction (`tests/sync/test_revtree.py` holds it to that).

Two wrinkles. Histories are *stemmed*: only the `limit` generations nearest to some leaf are remembered, so a
tree may have several roots, and a root's parents are unknown rather than absent. When a longer path arrives
later, the union joins the pieces. And since a peer may name any revision it likes, two peers may claim
different parents for the same one. Both claims are kept, and whoever needs one line of ancestors follows the
greatest parent.

All functions take and return values; a tree is never changed. The idea is that of CouchDB's
`couch_key_tree.erl`; the union in place of a walk down two branches is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

import orjson

#: Generation and hash. Tuples sort as CouchDB sorts revisions.
Rev = tuple[int, str]

_REV = re.compile(r"([0-9]{1,9})-(.+)", re.DOTALL)
_HEX32 = re.compile(r"[0-9a-fA-F]{32}")
#: A hash that somebody else made up. It goes out in an ETag, whose characters these are (RFC 9110, 8.8.3),
#: and a header that is too long breaks clients.
_FOREIGN = re.compile(r"[!#-~]{1,200}")


class Body(IntEnum):
    """What is known of a revision. The greater knowledge wins a merge."""

    MISSING = 0  #: an ancestor by name only; its body never came, or is no longer kept
    STORED = 1
    DELETED = 2  #: stored, and a tombstone


_BODIES = tuple(Body)


class Node(NamedTuple):
    body: Body = Body.MISSING
    parents: frozenset[Rev] = frozenset()


@dataclass(frozen=True)
class RevTree:
    """An immutable revision tree. Build one with `path`, `merge`, `stem`, `decode`."""

    nodes: Mapping[Rev, Node] = field(default_factory=dict)

    @property
    def leaves(self) -> tuple[Rev, ...]:
        """All leaves, the winner first, then in the order in which they would win."""
        if len(self.nodes) == 1:
            return tuple(self.nodes)
        return self._sorted_leaves

    @cached_property
    def _sorted_leaves(self) -> tuple[Rev, ...]:
        inner = {parent for node in self.nodes.values() for parent in node.parents}
        found = [rev for rev in self.nodes if rev not in inner]
        return tuple(sorted(found, key=lambda rev: (not self.deleted(rev), rev), reverse=True))

    @property
    def winner(self) -> Rev | None:
        return self.leaves[0] if self.nodes else None

    def deleted(self, rev: Rev) -> bool:
        return self.nodes[rev].body is Body.DELETED

    @property
    def all_deleted(self) -> bool:
        """Whether every leaf is a tombstone; an empty tree is not deleted but absent."""
        return bool(self.nodes) and self.deleted(self.leaves[0])


EMPTY = RevTree()
#: What is known of a revision without known parents.
_ROOTS = {body: Node(body) for body in Body}


def parse_rev(text: str) -> Rev:
    """`"2-abc"` as `(2, "abc")`. Raises ValueError if it is not a revision.

    A hash of 32 characters is an MD5 and must be hexadecimal; its case is not significant.
    """
    match = _REV.fullmatch(text)
    if match is None:
        raise ValueError("Invalid rev format")
    return int(match[1]), parse_hash(match[2])


def parse_hash(text: str) -> str:
    """A revision's hash in its canonical form. Raises ValueError."""
    if not text:
        raise ValueError("Invalid rev format")
    if len(text) != 32:
        if _FOREIGN.fullmatch(text) is None:
            raise ValueError("Invalid rev format")
        return text
    if _HEX32.fullmatch(text) is None:
        raise ValueError("RevId isn't a valid hexadecimal")
    return text.lower()


def split_rev(text: str) -> Rev:
    """What `format_rev` wrote: nothing is checked."""
    generation, _, name = text.partition("-")
    return int(generation), name


def format_rev(rev: Rev) -> str:
    return f"{rev[0]}-{rev[1]}"


def path(start: int, hashes: Sequence[str], body: Body) -> RevTree:
    """The line of ancestors that a replicator sends: newest first, `start` the newest's generation.

    Only the newest is known with its `body`. Raises ValueError if there is none or generations run out.
    """
    if not hashes or start < len(hashes):
        raise ValueError("A revision path needs at least one revision and no generation below 1")
    if len(hashes) == 1:
        return RevTree({(start, hashes[0]): _ROOTS[body]})
    revs = [(start - depth, name) for depth, name in enumerate(hashes)]
    nodes: dict[Rev, Node] = {}
    for depth, rev in enumerate(revs):
        parents = frozenset(revs[depth + 1 : depth + 2])
        nodes[rev] = Node(body if depth == 0 else Body.MISSING, parents)
    return RevTree(nodes)


def merge(left: RevTree, right: RevTree) -> RevTree:
    """Everything that either tree knows."""
    if not right.nodes:
        return left
    if not left.nodes:
        return right
    nodes = dict(left.nodes)
    for rev, node in right.nodes.items():
        known = nodes.get(rev)
        if known is not None:
            node = Node(max(known.body, node.body), known.parents | node.parents)  # noqa: PLW2901
        nodes[rev] = node
    return RevTree(nodes)


def stem(tree: RevTree, limit: int) -> RevTree:
    """Keep what is fewer than `limit` generations above some leaf. Leaves always stay."""
    if len(tree.nodes) <= limit:  # no line can be longer
        return tree
    kept: set[Rev] = set()
    layer = set(tree.leaves)
    for _ in range(limit):
        kept |= layer
        layer = {parent for rev in layer for parent in tree.nodes[rev].parents} - kept
        if not layer:
            return tree
    return RevTree(
        {rev: Node(tree.nodes[rev].body, tree.nodes[rev].parents & kept) for rev in tree.nodes if rev in kept}
    )


def without_bodies(tree: RevTree, revs: Iterable[Rev]) -> RevTree:
    """The tree when the bodies of `revs`, ancestors all of them, are no longer kept."""
    gone = {rev: Node(Body.MISSING, tree.nodes[rev].parents) for rev in revs}
    return RevTree({**tree.nodes, **gone})


def purge(tree: RevTree, revs: Iterable[Rev]) -> RevTree:
    """The tree without those leaves that `revs` names, and without ancestors that only they had.

    A revision that is no leaf is left alone, also when everything below it goes. The result may be empty.
    """
    remaining = set(tree.leaves) - set(revs)
    if len(remaining) == len(tree.leaves):
        return tree
    kept: set[Rev] = set()
    while remaining:
        kept |= remaining
        remaining = {parent for rev in remaining for parent in tree.nodes[rev].parents} - kept
    return RevTree({rev: node for rev, node in tree.nodes.items() if rev in kept})


def ancestry(tree: RevTree, rev: Rev) -> list[Rev]:
    """`rev` and its ancestors, newest first, as `_revisions` lists them."""
    line = [rev]
    while parents := tree.nodes[line[-1]].parents:
        line.append(max(parents))
    return line


def latest(tree: RevTree, rev: Rev) -> list[Rev]:
    """The leaves that descend from `rev` (itself, if it is one), the best first; [] if `rev` is unknown."""
    if rev not in tree.nodes:
        return []
    found = []
    for leaf in tree.leaves:
        seen: set[Rev] = set()
        layer = {leaf}
        while layer and rev not in layer:
            seen |= layer
            layer = {p for r in layer if r[0] > rev[0] for p in tree.nodes[r].parents} - seen
        if rev in layer:
            found.append(leaf)
    return found


def missing(tree: RevTree, revs: Iterable[Rev]) -> list[Rev]:
    """Those of `revs` which the tree has never heard of, in the order given."""
    return [rev for rev in revs if rev not in tree.nodes]


def possible_ancestors(tree: RevTree, wanted: Sequence[Rev]) -> list[Rev]:
    """Leaves from which one of the `wanted` (missing) revisions may descend: those of a lower generation."""
    highest = max((rev[0] for rev in wanted), default=0)
    return [leaf for leaf in tree.leaves if leaf[0] < highest]


def nearest_stored(tree: RevTree, rev: Rev) -> Rev | None:
    """The closest ancestor of `rev`, itself left out, whose body is kept."""
    return next((r for r in ancestry(tree, rev)[1:] if tree.nodes[r].body is not Body.MISSING), None)


def encode(tree: RevTree) -> bytes:
    """The tree as compact JSON: `[[generation, hash, body, index of parent…], …]`, parents first."""
    if len(tree.nodes) == 1:  # most documents are written once
        ((rev, node),) = tree.nodes.items()
        return orjson.dumps([[*rev, int(node.body)]])
    revs = sorted(tree.nodes)
    index = {rev: number for number, rev in enumerate(revs)}
    rows: list[list[Any]] = [
        [*rev, int(tree.nodes[rev].body), *sorted(index[p] for p in tree.nodes[rev].parents)] for rev in revs
    ]
    return orjson.dumps(rows)


def is_single(data: bytes) -> bool:
    """Whether what `encode` wrote holds one revision alone; at times False where it does."""
    return b"],[" not in data


def decode(data: bytes) -> RevTree:
    """What `encode` wrote."""
    rows = orjson.loads(data)
    if len(rows) == 1:  # most documents are written once
        generation, name, body = rows[0]
        return RevTree({(generation, name): _ROOTS[body]})
    revs: list[Rev] = [(row[0], row[1]) for row in rows]
    return RevTree(
        {
            rev: Node(_BODIES[row[2]], frozenset([revs[n] for n in row[3:]]))
            for rev, row in zip(revs, rows, strict=True)
        }
    )

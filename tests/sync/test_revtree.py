"""Revision trees: everybody who has heard of the same edits sees the same document."""

from __future__ import annotations

from functools import reduce
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import revtree
from sync.revtree import EMPTY, Body, Node, Rev, RevTree, merge

LIGHT = settings(max_examples=150, deadline=None)
HASHES = st.sampled_from("abcdefg")
BODIES = st.sampled_from([Body.STORED, Body.DELETED])


@st.composite
def paths(draw: st.DrawFn) -> RevTree:
    """What a replicator may send: any line of revisions, also one that contradicts another peer's."""
    hashes = draw(st.lists(HASHES, min_size=1, max_size=5))
    return revtree.path(len(hashes) + draw(st.integers(0, 3)), hashes, draw(BODIES))


@st.composite
def trees(draw: st.DrawFn) -> RevTree:
    return reduce(merge, draw(st.lists(paths(), max_size=6)), EMPTY)


@st.composite
def histories(draw: st.DrawFn) -> list[RevTree]:
    """A consistent history, as one line for each edit: every revision has one parent."""
    lines: list[list[Rev]] = []
    for number in range(draw(st.integers(1, 8))):
        base = draw(st.sampled_from([[], *lines]))
        lines.append([*base, (len(base) + 1, f"{number:x}")])
    return [revtree.path(line[-1][0], [h for _, h in reversed(line)], draw(BODIES)) for line in lines]


@given(trees(), trees())
@LIGHT
def test_merge_is_commutative(left: RevTree, right: RevTree) -> None:
    assert merge(left, right).nodes == merge(right, left).nodes


@given(trees(), trees(), trees())
@LIGHT
def test_merge_is_associative(one: RevTree, two: RevTree, three: RevTree) -> None:
    assert merge(merge(one, two), three).nodes == merge(one, merge(two, three)).nodes


@given(trees())
@LIGHT
def test_merge_is_idempotent(tree: RevTree) -> None:
    assert merge(tree, tree).nodes == tree.nodes == merge(tree, EMPTY).nodes


@given(histories(), st.randoms(use_true_random=False))
@LIGHT
def test_winner_and_leaves_do_not_depend_on_the_order_of_arrival(
    lines: list[RevTree], random: Random
) -> None:
    tree = reduce(merge, lines, EMPTY)
    random.shuffle(lines)
    again = reduce(merge, lines, EMPTY)
    assert again.leaves == tree.leaves
    parents = {rev for line in lines for rev in list(line.nodes) if rev != line.leaves[0]}
    ends = {line.leaves[0]: line.deleted(line.leaves[0]) for line in lines}
    alive = {rev for rev in ends if rev not in parents}
    assert set(tree.leaves) == alive
    assert tree.winner == max(alive, key=lambda rev: (not ends[rev], rev[0], rev[1]))
    assert tree.all_deleted == all(ends[rev] for rev in alive)


@given(trees(), st.integers(1, 6))
@LIGHT
def test_stemming_keeps_every_leaf_and_the_winner(tree: RevTree, limit: int) -> None:
    stemmed = revtree.stem(tree, limit)
    assert stemmed.leaves == tree.leaves
    assert revtree.stem(stemmed, limit).nodes == stemmed.nodes
    for leaf in stemmed.leaves:
        line = revtree.ancestry(tree, leaf)
        assert revtree.ancestry(stemmed, leaf)[:limit] == line[:limit]
    near = {rev for leaf in tree.leaves for rev in tree.nodes if leaf[0] - rev[0] < limit}
    assert stemmed.nodes.keys() <= near


@given(trees(), st.integers(1, 4))
@LIGHT
def test_a_stemmed_tree_joins_again_with_what_was_cut(tree: RevTree, limit: int) -> None:
    assert merge(revtree.stem(tree, limit), tree).nodes == tree.nodes


@given(trees())
@LIGHT
def test_a_tree_survives_being_written_and_read(tree: RevTree) -> None:
    assert revtree.decode(revtree.encode(tree)).nodes == tree.nodes


@given(trees())
@LIGHT
def test_latest_of_any_ancestor_of_a_leaf_names_that_leaf(tree: RevTree) -> None:
    for leaf in tree.leaves:
        for rev in revtree.ancestry(tree, leaf):
            assert leaf in revtree.latest(tree, rev)
        assert revtree.latest(tree, leaf) == [leaf]


def line(*hashes: str, start: int = 1, body: Body = Body.STORED) -> RevTree:
    """Oldest first, as one reads it."""
    return revtree.path(start + len(hashes) - 1, list(reversed(hashes)), body)


def test_two_edits_of_one_revision_are_a_conflict_that_the_higher_hash_wins() -> None:
    tree = merge(line("a", "b", "c"), line("a", "b", "d"))
    assert tree.leaves == ((3, "d"), (3, "c"))


def test_a_deleted_leaf_loses_to_a_lower_living_one() -> None:
    tree = merge(line("a", "b"), line("a", "x", "y", "z", body=Body.DELETED))
    assert tree.winner == (2, "b")
    assert not tree.all_deleted


def test_generations_are_numbers_and_not_text() -> None:
    tree = merge(line(*"abcdefghij"), line("a", "z"))
    assert tree.winner == (10, "j")


def test_a_piece_without_its_beginning_is_joined_by_a_longer_path() -> None:
    """CouchDB's stemmed branches: a root at generation 3 finds its place once its ancestors arrive."""
    apart = merge(line("a", "b"), line("c", "d", start=3))
    assert apart.leaves == ((4, "d"), (2, "b"))
    joined = merge(apart, line("a", "b", "c"))
    assert joined.leaves == ((4, "d"),)
    assert revtree.ancestry(joined, (4, "d")) == [(4, "d"), (3, "c"), (2, "b"), (1, "a")]


def test_a_path_that_ends_inside_the_tree_changes_nothing_but_knowledge() -> None:
    tree = line("a", "b", "c")
    grown = merge(tree, line("a", "b"))
    assert grown.leaves == tree.leaves
    assert grown.nodes[2, "b"].body is Body.STORED


def test_two_claims_about_a_parent_are_both_kept() -> None:
    tree = merge(line("a", "x"), line("b", "x"))
    assert tree.nodes[2, "x"] == Node(Body.STORED, frozenset({(1, "a"), (1, "b")}))
    assert revtree.ancestry(tree, (2, "x")) == [(2, "x"), (1, "b")]


def test_latest_lists_every_leaf_below_the_best_first() -> None:
    tree = merge(merge(line("a", "b", "c"), line("a", "b", "d")), line("z"))
    assert revtree.latest(tree, (2, "b")) == [(3, "d"), (3, "c")]
    assert revtree.latest(tree, (9, "q")) == []


def test_possible_ancestors_are_leaves_of_a_lower_generation() -> None:
    tree = merge(line("a", "b"), line("a", "c", "d", "e"))
    assert revtree.missing(tree, [(2, "b"), (3, "q")]) == [(3, "q")]
    assert revtree.possible_ancestors(tree, [(3, "q")]) == [(2, "b")]
    assert revtree.possible_ancestors(tree, [(2, "q"), (5, "q")]) == [(4, "e"), (2, "b")]


def test_the_nearest_stored_ancestor_skips_what_is_known_by_name_only() -> None:
    tree = merge(line("a"), line("a", "b", "c"))
    assert revtree.nearest_stored(tree, (3, "c")) == (1, "a")
    assert revtree.nearest_stored(tree, (1, "a")) is None


@pytest.mark.parametrize("text", ["", "1", "1-", "-a", "x-a", "1.0-a", "1-" + "g" * 32, "٣-a", "+1-a"])
def test_what_is_no_revision_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rev|RevId"):
        revtree.parse_rev(text)


def test_a_revision_is_read_as_it_is_written() -> None:
    assert revtree.parse_rev("2-a-b") == (2, "a-b")
    assert revtree.parse_rev("2-" + "AB" * 16) == (2, "ab" * 16)
    assert revtree.format_rev((12, "ff")) == "12-ff"


def test_a_path_needs_a_generation_for_each_revision() -> None:
    with pytest.raises(ValueError, match="generation"):
        revtree.path(1, ["b", "a"], Body.STORED)

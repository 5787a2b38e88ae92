"""Alias tables: every account in proportion to its weight, and one table per row of weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.reputation.alias import Alias, build_alias, chosen_account, chosen_record
from tests.reputation.plain_walk import graph_of, plain_records

U = np.uint64


def star(weights):
    """One account that trusts all the others."""
    return graph_of(len(weights) + 1, {(0, i + 1): w for i, w in enumerate(weights)})


def words_for_each(alias: Alias, size):
    """How many of the 2^32 words lead from account 0 to each account, counted exactly."""
    degree = int(alias.row[0, 1])
    table = alias.table[:degree].astype(np.int64)
    slot = np.arange(degree) << 32

    def first_word(product):
        return -(-product // degree)

    own = first_word(slot + table[:, 0]) - first_word(slot)
    other = first_word(slot + 2**32) - first_word(slot + table[:, 0])
    found = np.zeros(size, np.int64)
    np.add.at(found, table[:, 1], own)
    np.add.at(found, table[:, 2], other)
    return found


def check_bias(weights):
    graph = star(weights)
    found = words_for_each(build_alias(graph), graph.size)[1:]
    assert found.sum() == 2**32
    # |found / 2^32 - weight / total| <= degree / 2^32, without a division
    total, found = sum(weights), found.tolist()
    for words, weight in zip(found, weights, strict=True):
        assert abs(words * total - weight * 2**32) <= len(weights) * total


@given(st.lists(st.integers(1, 12) | st.integers(1, 65_535), min_size=1, max_size=40))
@settings(deadline=None)
def test_no_chance_is_off_by_more_than_degree_in_2_to_the_32(weights):
    check_bias(weights)


def test_the_bound_holds_for_a_hub_whose_weights_pass_2_to_the_32():
    check_bias([65_535] * 66_000 + [1, 2, 3] * 500)


@given(st.lists(st.integers(1, 12) | st.integers(1, 65_535), min_size=1, max_size=40))
@settings(deadline=None)
def test_a_table_is_the_one_of_plain_python(weights):
    table = build_alias(star(weights)).table
    assert [(int(t), int(o) - 1) for t, _, o, _ in table] == plain_records(weights)


@given(st.lists(st.integers(1, 99), min_size=1, max_size=9), st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_the_choice_goes_by_the_product_of_word_and_degree(weights, word):
    table = build_alias(star(weights)).table
    slot, fraction = divmod((word >> 32) * len(weights), 2**32)
    record = chosen_record(U(0), U(len(weights)), U(word))
    assert record == slot
    own = fraction < table[slot, 0]
    chosen = chosen_account(table, U(record), U(len(weights)), U(word))
    assert chosen == table[slot, 1 if own else 2]


def test_a_row_has_the_same_table_wherever_it_lies():
    alone = build_alias(graph_of(4, {(0, 1): 5, (0, 2): 1, (0, 3): 2}))
    among = build_alias(graph_of(4, {(0, 1): 5, (0, 2): 1, (0, 3): 2, (1, 0): 9, (3, 2): 1}))
    assert (alone.table == among.table[:3]).all()


def test_an_edge_takes_sixteen_bytes():
    graph = star([1, 2, 3])
    alias = build_alias(graph)
    assert alias.table.nbytes == 16 * graph.edges


@pytest.mark.parametrize("weights", [[7], [3, 3, 3, 3]])
def test_equal_weights_need_no_second_account(weights):
    table = build_alias(star(weights)).table
    assert (table[:, 1] == table[:, 2]).all()

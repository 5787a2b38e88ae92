import math
import time
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answering import NO_VERDICT, ClosedBook, vote, voting_weights
from rag.credit.coalitions import all_coalitions
from rag.credit.shapley import exact, sampled
from rag.credit.vote_game import Worth, credit, leave_one_out, vote_game
from rag.types import Evidence, Passage, SourceAnswer, Span

TEXTS = ["Paris", "Lyon", "Nice"]


def answer(source, text, confidence=0.5):
    return SourceAnswer(source, Span(text, Evidence(text, Passage(text), 0.5), confidence))


@st.composite
def ballots(draw, most=6):
    texts = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=most))
    sure = st.sampled_from([0.1, 0.5, 0.9])
    answers = [answer(10 + i, text, draw(sure)) for i, text in enumerate(texts)]
    weight = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0])
    book = draw(st.sampled_from([None, ClosedBook("Paris", 0.7), ClosedBook("Rome", 1.2)]))
    return answers, {a.source: draw(weight) for a in answers}, book


def voting_of(ballot):
    answers, weights, book = ballot
    heard = book.weight if book else 0.0
    return voting_weights([a.source for a in answers], weights, closed_book=heard)


def game_of(ballot, worth=Worth.WINNER, pays=None):
    answers, weights, book = ballot
    voting = voting_of(ballot)
    verdict = vote(answers, weights, closed_book=book)
    return vote_game(answers, voting, verdict, closed_book=book, worth=worth, pays=pays)


def average_over_orders(values):
    """Shapley's own definition: what a player adds on arrival, over all orders of arrival."""
    n = len(values).bit_length() - 1
    total = np.zeros(n)
    for order in permutations(range(n)):
        coalition = 0
        for player in order:
            total[player] += values[coalition | 1 << player] - values[coalition]
            coalition |= 1 << player
    return total / math.factorial(n)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(0, 2**32))
def test_exact_values_are_the_average_over_all_orders(n, seed):
    values = np.random.default_rng(seed).normal(size=1 << n)
    assert exact(values) == pytest.approx(average_over_orders(values), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(ballots())
def test_a_coalition_is_worth_what_its_own_vote_would_say(ballot):
    answers, weights, book = ballot
    voting = voting_of(ballot)
    verdict = vote(answers, weights, closed_book=book)
    values = game_of(ballot).value(all_coalitions(len(answers)))
    for coalition, value in enumerate(values):
        some = [a for i, a in enumerate(answers) if coalition >> i & 1]
        if not any(voting[a.source] for a in some) and book is None:
            assert value == 0.0
            continue
        some = [a for a in some if voting[a.source]]
        alone = vote(some, voting, closed_book=book)
        assert value == float(alone.text.lower() == verdict.text.lower())


@settings(deadline=None, max_examples=25)
@given(ballots(), st.sampled_from(Worth))
def test_the_parts_add_up_to_what_all_are_worth_beyond_none(ballot, worth):
    game = game_of(ballot, worth)
    values = game.value(all_coalitions(len(game.sources)))
    assert math.fsum(credit(game).parts.values()) == pytest.approx(values[-1] - values[0], abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(ballots(), st.sampled_from(Worth))
def test_sources_that_say_the_same_with_the_same_weight_have_the_same_part(ballot, worth):
    answers, _, _ = ballot
    parts = credit(game_of(ballot, worth)).parts
    voting = voting_of(ballot)
    for a in answers:
        for b in answers:
            if a.span == b.span and voting[a.source] == voting[b.source]:
                assert parts[a.source] == pytest.approx(parts[b.source], abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(ballots(), st.sampled_from(Worth))
def test_a_source_without_weight_has_no_part(ballot, worth):
    answers, _, _ = ballot
    parts = credit(game_of(ballot, worth)).parts
    voting = voting_of(ballot)
    assert all(parts[a.source] == 0.0 for a in answers if voting[a.source] == 0.0)


@settings(deadline=None, max_examples=25)
@given(ballots(), st.randoms())
def test_the_order_of_the_answers_changes_no_part(ballot, random):
    answers, weights, book = ballot
    shuffled = list(answers)
    random.shuffle(shuffled)
    assert credit(game_of((shuffled, weights, book))) == credit(game_of(ballot))


def test_redundant_sources_share_the_credit_that_leave_one_out_gives_to_nobody():
    game = game_of(([answer(1, "Paris"), answer(2, "Paris")], {}, None))
    assert credit(game).parts == {1: 0.5, 2: 0.5}
    assert leave_one_out(game).parts == {1: 0.0, 2: 0.0}


def test_who_votes_against_the_winner_has_negative_credit_where_it_could_have_cost_the_answer():
    answers = [answer(1, "Paris"), answer(2, "Paris"), answer(3, "Lyon")]
    parts = credit(game_of((answers, {1: 1.0, 2: 1.0, 3: 1.5}, None))).parts
    assert parts[3] < 0.0 < parts[1] == parts[2]


def test_a_right_group_that_lost_is_credited_when_gold_pays():
    answers = [answer(1, "Paris"), answer(2, "Lyon"), answer(3, "Lyon")]
    verdict = vote(answers, {})
    assert [group.text for group in verdict.groups] == ["Lyon", "Paris"]
    parts = credit(game_of((answers, {}, None), pays=[0.0, 1.0])).parts
    assert parts[1] > 0.0 > parts[2] == parts[3]


def test_no_sources_no_credit():
    assert credit(vote_game([], {}, NO_VERDICT)).parts == {}
    assert leave_one_out(vote_game([], {}, NO_VERDICT)).parts == {}


def test_values_that_are_not_of_all_coalitions_are_refused():
    with pytest.raises(ValueError, match="not those of all coalitions"):
        exact(np.zeros(3))
    with pytest.raises(ValueError, match="not those of all coalitions"):
        exact(np.zeros(0))


@pytest.mark.parametrize("worth", Worth)
def test_sampled_values_are_within_their_error_of_the_exact_ones_and_add_up(worth):
    answers = [answer(i, TEXTS[i % 2], 0.1 * (i % 3)) for i in range(8)]
    game = game_of((answers, {i: 0.3 + 0.2 * i for i in range(8)}, None), worth)
    values = game.value(all_coalitions(8))
    found = sampled(game.value, 8, pairs=2000, seed=3)
    assert np.abs(found.values - exact(values)).max() <= found.error < 0.15
    assert found.values.sum() == pytest.approx(values[-1] - values[0], abs=1e-9)
    again = sampled(game.value, 8, pairs=2000, seed=3)
    assert np.array_equal(again.values, found.values)


def test_more_orders_make_the_error_smaller_and_one_pair_is_refused():
    game = game_of(([answer(i, TEXTS[i % 2]) for i in range(5)], {}, None))
    errors = [sampled(game.value, 5, pairs=pairs).error for pairs in (10, 100, 1000)]
    assert errors == sorted(errors, reverse=True)
    with pytest.raises(ValueError, match="one pair"):
        sampled(game.value, 5, pairs=1)


def test_more_than_twelve_sources_are_sampled_and_say_how_well():
    answers = [answer(i, TEXTS[i % 3]) for i in range(20)]
    found = credit(game_of((answers, {i: 1.0 + i % 3 for i in range(20)}, None)))
    assert 0.0 < found.error < 0.1
    winners = [found.parts[i] for i in range(2, 20, 3)]
    assert max(winners) - min(winners) <= 2 * found.error
    assert min(winners) > max(found.parts[i] for i in range(20) if i % 3 != 2)
    assert math.fsum(found.parts.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "limit"), [(6, 0.005), (8, 0.005), (12, 0.1)])
def test_credit_takes_little_time(n, limit):
    game = game_of(([answer(i, TEXTS[i % 3]) for i in range(n)], {}, None))
    credit(game)
    spent = []
    for _ in range(10):
        start = time.process_time()
        credit(game)
        spent.append(time.process_time() - start)
    assert min(spent) < limit

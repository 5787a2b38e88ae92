import math
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer_form import cluster_key
from rag.answering import (
    NO_VERDICT,
    ClosedBook,
    group_names,
    owner_of,
    text_weights,
    vote,
    voting_weights,
)
from rag.certificate import certified
from rag.clustering import Clustering
from rag.types import Evidence, Passage, SourceAnswer, Span

TEXTS = ["Paris", "paris!", "the Paris", "Lyon", "Nice", "1889", "the"]


def answer(source, text, confidence=0.5):
    return SourceAnswer(source, Span(text, Evidence(text, Passage(text), 0.5), confidence))


ANSWERS = st.lists(
    st.builds(
        answer, st.integers(0, 2**32 - 1), st.sampled_from(TEXTS), st.sampled_from([0.1, 0.5, 0.9])
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda a: a.source,
)
WEIGHTS = st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 2.5])


@st.composite
def ballots(draw):
    answers = draw(ANSWERS)
    return answers, {a.source: draw(WEIGHTS) for a in answers}


ATTACKS = ["Paris", "Lyon", "Paris Lyon", "Rome", "Paris, France"]


def ballots_of(most):
    """Answers, some agreeing only in part, their weights, and weights of silent sources."""
    answers = st.lists(st.sampled_from(ATTACKS[:3]), min_size=1, max_size=most)
    weight = st.sampled_from([0.5, 1.0, 1.3, 2.0, 5.0])

    @st.composite
    def draw_all(draw):
        found = [answer(i, text) for i, text in enumerate(draw(answers))]
        weights = {a.source: draw(weight) for a in found}
        silent = {100 + i: w for i, w in enumerate(draw(st.lists(weight, max_size=1)))}
        return found, weights, silent

    return draw_all()


def outcome(answers, weights, closed_book, owners):
    texts = [a.span.text for a in answers] + ([closed_book.text] if closed_book else [])
    groups = Clustering().groups("", texts)
    return vote(answers, weights, closed_book=closed_book, groups=groups, owners=owners)


def test_equal_answers_are_one_cluster_whatever_their_spelling():
    answers = [answer(1, "Paris"), answer(2, "the Paris."), answer(3, "Lyon")]
    verdict = vote(answers, {1: 1, 2: 1, 3: 1})
    assert verdict.sources == {1, 2}
    assert round(verdict.share, 9) == round(2 / 3, 9)


def test_one_reliable_source_outweighs_two_that_agree_on_a_lie():
    answers = [answer(1, "Paris"), answer(2, "Lyon"), answer(3, "Lyon")]
    assert vote(answers, {1: 4.6, 2: 1.0, 3: 1.0}).text == "Paris"
    assert vote(answers, dict.fromkeys((1, 2, 3), 1.0)).text == "Lyon"


def test_a_tie_goes_to_the_more_confident_and_then_to_the_alphabet():
    assert vote([answer(1, "Lyon", 0.5), answer(2, "Paris", 0.9)], {1: 1, 2: 1}).text == "Paris"
    assert vote([answer(1, "Paris", 0.5), answer(2, "Lyon", 0.5)], {1: 1, 2: 1}).text == "Lyon"


def test_without_any_weight_every_source_counts_the_same():
    answers = [answer(1, "Paris"), answer(2, "Lyon"), answer(3, "Lyon")]
    assert vote(answers, {}).sources == {2, 3}


def test_no_answers_give_no_verdict():
    assert vote([], {}) == NO_VERDICT


def test_an_answer_of_an_article_alone_is_no_empty_cluster():
    assert vote([answer(1, "the"), answer(2, "a")], {1: 2.0, 2: 1.0}).sources == {1}


@settings(max_examples=40)
@given(ballots(), st.randoms())
def test_the_order_of_the_sources_changes_nothing(ballot, random):
    answers, weights = ballot
    shuffled = list(answers)
    random.shuffle(shuffled)
    assert vote(shuffled, weights) == vote(answers, weights)


@settings(max_examples=40)
@given(ballots(), st.randoms())
def test_the_ids_of_the_sources_change_nothing(ballot, random):
    answers, weights = ballot
    fresh = random.sample(range(2**32), len(answers))
    names = dict(zip((a.source for a in answers), fresh, strict=True))
    renamed = vote(
        [SourceAnswer(names[a.source], a.span) for a in answers],
        {names[s]: w for s, w in weights.items()},
    )
    verdict = vote(answers, weights)
    assert (renamed.text, renamed.share) == (verdict.text, verdict.share)
    assert renamed.sources == {names[s] for s in verdict.sources}


@settings(max_examples=40)
@given(ballots(), st.sampled_from([1e-6, 1 / 3, 7.0, 1e9]))
def test_scaling_all_weights_changes_nothing(ballot, factor):
    answers, weights = ballot
    scaled = vote(answers, {s: w * factor for s, w in weights.items()})
    verdict = vote(answers, weights)
    assert (scaled.text, scaled.sources) == (verdict.text, verdict.sources)


def test_sources_that_agree_in_part_win_together_and_the_heavier_wording_speaks():
    answers = [answer(1, "Paris, France", 0.9), answer(2, "Paris"), answer(3, "Lyon")]
    groups = Clustering().groups("Which city?", [a.span.text for a in answers])
    verdict = vote(answers, {1: 1.0, 2: 1.5, 3: 2.0}, groups=groups)
    assert (verdict.text, verdict.sources) == ("Paris", {1, 2})
    assert verdict.margin == pytest.approx(0.5 / 4.5)
    assert [group.text for group in verdict.groups] == ["Paris", "Lyon"]


def test_an_answer_in_between_two_groups_helps_one_of_them_by_no_more_than_its_weight():
    answers = [answer(1, "Paris"), answer(2, "Lyon"), answer(3, "Paris Lyon")]
    groups = Clustering().groups("", [a.span.text for a in answers])
    verdict = vote(answers, {1: 2.0, 2: 3.0, 3: 0.5}, groups=groups)
    assert (verdict.text, verdict.sources) == ("Lyon", {2, 3})
    assert verdict.groups[0].weight == 3.5
    assert [group.sources for group in verdict.groups[1:]] == [{1}]


def test_a_closed_book_voter_tips_the_scales_but_is_no_source():
    answers = [answer(1, "Paris"), answer(2, "Lyon")]
    verdict = vote(answers, {1: 1.0, 2: 1.2}, closed_book=ClosedBook("paris", 0.5))
    assert (verdict.text, verdict.sources) == ("Paris", {1})
    assert verdict.groups[0].closed_book == 0.5
    alone = vote(answers, {1: 1.0, 2: 1.2}, closed_book=ClosedBook("Nice", 1.5))
    assert (alone.text, alone.sources) == ("Nice", frozenset())


def test_the_sources_of_one_owner_share_one_vote():
    answers = [answer(1, "Paris"), *(answer(i, "Lyon") for i in (2, 3, 4))]
    weights = {1: 1.5, 2: 1.0, 3: 1.0, 4: 1.0}
    assert vote(answers, weights).text == "Lyon"
    verdict = vote(answers, weights, owners={2: "mallory", 3: "mallory", 4: "mallory"})
    assert verdict.text == "Paris"
    assert verdict.groups[1].weight == pytest.approx(1.0)


def test_an_owner_who_registers_more_sources_gains_nothing():
    weights = voting_weights([1, 2, 3], {1: 2.0, 2: 1.0, 3: 1.0}, {2: "a", 3: "a"})
    assert weights == {1: 2.0, 2: 0.5, 3: 0.5}


def test_a_clear_majority_survives_liars_and_a_close_one_none():
    five = [answer(i, "Paris") for i in range(5)]
    weights = dict.fromkeys(range(6), 1.0)
    assert certified(vote([*five, answer(5, "Lyon")], weights), weights) == 1
    assert certified(vote(five[:3], weights), dict.fromkeys(range(3), 1.0)) == 1
    assert certified(vote(five[:3], weights), weights) == 1
    assert certified(vote([answer(0, "Paris"), answer(1, "Lyon")], {0: 2, 1: 1}), {0: 2, 1: 1}) == 0
    assert certified(NO_VERDICT, weights) == 0


def test_a_silent_source_may_speak_when_it_lies():
    verdict = vote([answer(1, "Paris"), answer(2, "Paris")], {1: 1.0, 2: 1.0})
    assert certified(verdict, {1: 1.0, 2: 1.0}) == 0
    verdict = vote([answer(i, "Paris") for i in range(3)], dict.fromkeys(range(3), 1.0))
    assert certified(verdict, dict.fromkeys(range(3), 1.0)) == 1
    assert certified(verdict, {**dict.fromkeys(range(3), 1.0), 9: 50.0}) == 0


def test_a_group_that_wins_by_far_certifies_no_wording_that_a_liar_could_replace():
    answers = [answer(1, "Paris"), answer(2, "Paris, France"), answer(3, "Paris, France", 0.4)]
    weights = {1: 2.5, 2: 1.0, 3: 1.0}
    groups = Clustering().groups("", [a.span.text for a in answers])
    verdict = vote(answers, weights, groups=groups)
    assert verdict.text == "Paris"
    assert certified(verdict, weights) == 0, "the first one could lie, and another wording be shown"
    five = [answer(i, "Paris") for i in range(5)]
    more = [*five, answer(9, "Paris, France")]
    equal = {a.source: 1.0 for a in more}
    groups = Clustering().groups("", [a.span.text for a in more])
    assert certified(vote(more, equal, groups=groups), equal) == 1


def test_texts_weigh_what_their_voters_weigh():
    answers = [answer(1, "Paris"), answer(2, "Paris"), answer(3, "Lyon")]
    book = ClosedBook("Nice", 0.5)
    weighed = text_weights(answers, {1: 2.0, 2: 1.0}, closed_book=book)
    assert weighed == {"Paris": 3.0, "Lyon": 0.0, "Nice": 0.5}


@settings(max_examples=25, deadline=None)
@given(ballots_of(5), st.booleans(), st.sampled_from([None, 0.3, 1.7]))
def test_no_attack_by_as_many_as_certified_changes_the_answer(ballot, owned, book):
    answers, weights, silent = ballot
    owners = {a.source: "one" for a in answers[:2]} if owned else None
    closed = None if book is None else ClosedBook("Lyon", book)
    verdict = outcome(answers, weights, closed, owners)
    asked = {**weights, **silent}
    allowed = certified(verdict, asked, owners)
    units = sorted({owner_of(s, owners) for s in asked}, key=str)
    assert 0 <= allowed <= len(units)
    for liars in combinations(units, min(allowed, 2)):
        lying = [s for s in sorted(asked) if owner_of(s, owners) in liars]
        for said in product([*ATTACKS, None], repeat=len(lying)):
            honest = [a for a in answers if a.source not in lying]
            lies = [answer(s, t, 1.0) for s, t in zip(lying, said, strict=True) if t is not None]
            after = outcome([*honest, *lies], asked, closed, owners)
            assert cluster_key(after.text) == cluster_key(verdict.text)


@settings(max_examples=60, deadline=None)
@given(ballots_of(5))
def test_one_liar_more_than_certified_can_bring_the_answer_to_a_tie_or_worse(ballot):
    answers, weights, _ = ballot
    plain = [answer(a.source, a.span.text.replace(" Lyon", "")) for a in answers]
    verdict = vote(plain, weights)
    needed = certified(verdict, weights) + 1
    texts = {a.source: a.span.text for a in plain}
    worst = []
    for liars in combinations(weights, needed):
        gap = math.inf
        for rival in {*texts.values(), "an answer of their own"} - {verdict.text}:
            kept = sum(weights[s] for s in verdict.sources if s not in liars)
            other = sum(weights[s] for s in weights if s in liars or texts[s] == rival)
            gap = min(gap, kept - other)
        worst.append(gap)
    assert min(worst) <= 1e-6


def test_silent_sources_without_weight_are_among_those_who_may_yet_speak():
    (said,) = [answer(1, "Lyon")]
    weights = {1: 1.0, 2: 0.0, 3: 0.0, 4: 0.0, 5: 0.0}
    # With the first one silent nobody weighs anything, and the other four count one each.
    assert certified(vote([said], weights), weights) == 0
    # But where a model's own word is one of the weights they stay without weight,
    verdict = vote([said], weights, closed_book=ClosedBook("Paris", 2.5))
    assert verdict.text == "Paris"
    assert certified(verdict, weights, book=(2.5, 2.5)) == 5
    # which it is not where it was given a weight beside them.
    assert certified(verdict, weights) == 0


def test_a_heavy_and_a_light_source_of_one_owner_may_change_sides_together():
    answers = [answer(1, "Lyon"), answer(2, "Nice"), answer(3, "Nice")]
    weights, owners = {1: 1.0, 2: 0.0, 3: 0.0}, {1: "a", 2: "a", 3: "b"}
    assert certified(vote(answers, weights, owners=owners), weights, owners) == 0


def test_known_liars_do_not_outvote_a_model_that_has_weight():
    liars = [answer(i, "Lyon") for i in range(4)]
    nothing = dict.fromkeys(range(4), 0.0)
    book = ClosedBook("Paris", 0.7)
    verdict = vote(liars, nothing, closed_book=book)
    assert (verdict.text, verdict.share, verdict.sources) == ("Paris", 1.0, frozenset())
    assert text_weights(liars, nothing, closed_book=book) == {"Lyon": 0.0, "Paris": 0.7}
    assert vote(liars, nothing, closed_book=ClosedBook("Paris", 0.0)).text == "Lyon"


def test_every_text_is_named_by_its_heaviest_group():
    groups = [frozenset({"Lyon", "in Lyon"}), frozenset({"in Lyon", "Lyon, France"})]
    weights = {"Lyon": 1.0, "in Lyon": 1.0, "Lyon, France": 2.0}
    names = group_names(groups, weights)
    assert names["in Lyon"] == names["Lyon, France"] != names["Lyon"]

from hypothesis import given
from hypothesis import strategies as st

from rag.answering import NO_VERDICT, vote
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


@given(ballots(), st.randoms())
def test_the_order_of_the_sources_changes_nothing(ballot, random):
    answers, weights = ballot
    shuffled = list(answers)
    random.shuffle(shuffled)
    assert vote(shuffled, weights) == vote(answers, weights)


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


@given(ballots(), st.sampled_from([1e-6, 1 / 3, 7.0, 1e9]))
def test_scaling_all_weights_changes_nothing(ballot, factor):
    answers, weights = ballot
    scaled = vote(answers, {s: w * factor for s, w in weights.items()})
    verdict = vote(answers, weights)
    assert (scaled.text, scaled.sources) == (verdict.text, verdict.sources)

import dataclasses

import pytest

from rag.types import Answer, Evidence, Passage, Reliability, Silence, Span, Vote


def a_vote(source, text, won, passage):
    return Vote(source, text, 0.5, won, Span(text, Evidence(f"{text}.", passage, 0.9), 0.8))


def test_a_source_without_evidence_is_held_to_be_as_good_as_a_coin():
    assert Reliability().mean == 0.5


def test_reliability_is_the_mean_of_the_beta_posterior():
    assert Reliability(supported=8.0, contradicted=1.0).mean == pytest.approx(9 / 11)
    assert Reliability(supported=8.0, contradicted=1.0).evidence == 9.0


def test_an_answer_names_the_sources_weights_and_passages_it_rests_on():
    shared, other = Passage("Paris is the capital."), Passage("Lyon is the capital.")
    answer = Answer(
        "What is the capital?",
        "Paris",
        0.6,
        (
            a_vote(1, "Paris", True, shared),
            a_vote(2, "Paris", True, shared),
            a_vote(3, "Lyon", False, other),
        ),
        (Silence(4, "found nothing"),),
        "run/1",
    )
    assert answer.sources == (1, 2)
    assert answer.weights == {1: 0.5, 2: 0.5, 3: 0.5}
    assert answer.passages == (shared,)


def test_the_nouns_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Passage("text").text = "another"

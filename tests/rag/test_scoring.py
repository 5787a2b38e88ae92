import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.scoring.gold_match import is_right, is_right_beside
from rag.scoring.judging import judge
from rag.scoring.metrics import auc, exact_match, f1, spearman
from rag.text import normalised
from rag.types import Answer, Evidence, Passage, Silence, Span, Vote


def an_answer(texts, winners=(), silent=()):
    votes = tuple(
        Vote(s, t, 1.0, s in winners, Span(t, Evidence(t, Passage(t), 1.0), 0.5))
        for s, t in texts.items()
    )
    return Answer("Which city?", "?", 1.0, votes, tuple(Silence(s, "") for s in silent), "run/1")


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("the Eiffel Tower", ["Eiffel tower."], True),
        ("Eiffel", ["Eiffel Tower"], False),
        ("Lyon", ["Paris", "Lyon"], True),
        ("", ["the"], False),
        ("Paris", [], False),
    ],
)
def test_an_exact_match_is_one_after_normalisation(answer, gold, expected):
    assert exact_match(answer, gold) is expected


def test_f1_is_the_harmonic_mean_of_precision_and_recall_over_tokens():
    assert f1("in Black Forest", ["Black Forest"]) == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))
    assert f1("Paris", ["Lyon", "Paris"]) == 1.0
    assert f1("Paris", ["Lyon"]) == 0.0
    assert f1("", ["Lyon"]) == 0.0


def test_a_span_one_word_too_long_is_still_right_but_half_an_answer_is_not():
    assert is_right("Black Forest region", ["Black Forest"])
    assert not is_right("Forest lake", ["Black Forest"])


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("World War I", "World War II"),
        ("Vitamin C", "Vitamin D"),
        ("the University of Oxford", "the University of Cambridge"),
        ("George W. Bush", "George H. W. Bush"),
        ("9 February 2018", "12 February 2018"),
        ("550 billion US gallons", "660 billion US gallons"),
        ("Apollo 11", "Apollo"),
        ("clockwise", "counter clockwise"),
        ("not Paris", "Paris"),
        ("Paris isn't the capital", "Paris"),
        ("perhaps Paris", "Paris"),
        ("Paris or Lyon", "Paris"),
        ("New England Patriots and Tennessee Titans", "New England Patriots"),
    ],
)
def test_an_answer_that_shares_most_words_with_gold_but_says_another_thing_is_wrong(answer, gold):
    assert f1(answer, [gold]) >= 0.4
    assert not is_right(answer, [gold])


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("the city of Paris", "Paris"),
        ("Paris, France", "Paris"),
        ("President Obama", "Barack Obama"),
        ("Dr. Cheddi Jagan", "Cheddi Jagan"),
        ("John Kennedy", "John F. Kennedy"),
        ("Tom Brady (517 yards)", "Tom Brady"),
        ("Rome, 1884", "Rome"),
        ("50,000", "over 50,000"),
        ("12.3", "12.3 m"),
        ("May 1940", "15 May 1940"),
        ("Around 1800 AD", "c. 1800 AD"),
        ("4", "four"),
        ("d-block", "in the d - block"),
    ],
)
def test_a_longer_shorter_or_otherwise_spelled_answer_that_contradicts_nothing_is_right(
    answer, gold
):
    assert is_right(answer, [gold])


def test_an_answer_of_several_things_is_right_when_each_of_them_is():
    assert is_right("Isaac Newton and Gottfried Leibniz", ["Leibniz", "Isaac Newton"])
    assert not is_right("Costa Rica, Honduras and Nicaragua", ["Costa Rica", "Nicaragua"])


def test_gold_with_a_wrong_answer_of_another_source_beside_it_gains_and_costs_nothing():
    judged = {
        j.source: j for j in judge(an_answer({1: "Paris", 2: "Lyon", 3: "Paris Lyon"}), ["Paris"])
    }
    assert [judged[s].supported for s in (1, 2, 3)] == [1.0, 0.0, 0.0]
    assert [judged[s].contradicted for s in (1, 2, 3)] == [0.0, 1.0, 0.0]
    alone = judge(an_answer({1: "Donna Pinciotti", 2: "Jackie"}), ["Donna"])
    assert [j.supported for j in alone] == [1.0, 0.0]


def test_no_source_that_is_sacrificed_makes_fuller_right_answers_wrong():
    said = {1: "Barack Obama", 2: "Barack Obama", 3: "Obama", 4: "Barack"}
    judged = judge(an_answer(said), ["Obama"])
    assert [j.contradicted for j in judged] == [0.0, 0.0, 0.0, 1.0]
    assert [j.supported for j in judged] == [0.0, 0.0, 1.0, 0.0]


@given(st.text(max_size=60), st.lists(st.text(max_size=30), max_size=3))
def test_any_gold_answer_is_right_and_any_text_can_be_judged(answer, gold):
    assert is_right(answer, [*gold, answer]) is bool(normalised(answer))
    assert is_right_beside(answer, gold, gold) is is_right(answer, gold)


def test_the_right_are_supported_and_the_wrong_contradicted():
    judgements = judge(an_answer({1: "Paris", 2: "Lyon", 3: "paris"}, winners=(1, 3)), ["Paris"])
    assert [(j.source, j.supported, j.contradicted, j.used, j.asked) for j in judgements] == [
        (1, 1.0, 0.0, 1.0, 1.0),
        (2, 0.0, 1.0, 0.0, 1.0),
        (3, 1.0, 0.0, 1.0, 1.0),
    ]
    assert all(j.question == "Which city?" and j.kind == "gold" for j in judgements)


def test_when_nobody_was_right_nobody_is_blamed_for_the_reader():
    judgements = judge(an_answer({1: "Lyon", 2: "Nice"}, winners=(1,)), ["Paris"])
    assert [(j.supported, j.contradicted, j.used, j.asked) for j in judgements] == [
        (0.0, 0.0, 1.0, 1.0),
        (0.0, 0.0, 0.0, 1.0),
    ]


def test_silence_is_neither_support_nor_contradiction():
    judgements = judge(an_answer({2: "Paris"}, winners=(2,), silent=(1,)), ["Paris"])
    assert [(j.source, j.supported, j.contradicted, j.used, j.asked) for j in judgements] == [
        (1, 0.0, 0.0, 0.0, 1.0),
        (2, 1.0, 0.0, 1.0, 1.0),
    ]


def test_a_judgement_made_again_has_the_same_key_and_no_other_has_it():
    answer = an_answer({1: "Paris", 2: "Lyon"})
    keys = [j.key for j in judge(answer, ["Paris"])]
    assert keys == ["run/1/1", "run/1/2"] == [j.key for j in judge(answer, ["Lyon"])]


@given(st.dictionaries(st.integers(0, 99), st.sampled_from(["Paris", "Lyon"])), st.booleans())
def test_every_judged_amount_is_within_a_unit(texts, right):
    for j in judge(an_answer(texts, winners=tuple(texts)), ["Paris"] if right else []):
        assert j.supported + j.contradicted <= 1.0
        assert {j.supported, j.contradicted, j.used, j.asked} <= {0.0, 1.0}


def test_spearman_correlates_ranks_and_shares_those_of_ties():
    assert spearman([0, 1, 2, 3], [1, 10, 100, 1000]) == pytest.approx(1.0)
    assert spearman([0, 1, 2, 3], [9, 7, 5, 1]) == pytest.approx(-1.0)
    assert spearman([1, 2, 3, 4], [1, 2, 2, 3]) == pytest.approx(0.9486833)
    assert spearman([1, 1, 1], [1, 2, 3]) == 0.0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=12))
def test_spearman_is_symmetric_bounded_and_blind_to_order_of_pairs(pairs):
    x, y = zip(*pairs, strict=True)
    rho = spearman(x, y)
    assert -1.0 - 1e-9 <= rho <= 1.0 + 1e-9
    assert spearman(y, x) == pytest.approx(rho)
    assert spearman(x[::-1], y[::-1]) == pytest.approx(rho)


def test_values_that_cannot_be_paired_are_refused():
    with pytest.raises(ValueError, match="cannot be paired"):
        spearman([1, 2], [1])


def test_the_area_under_the_curve_is_how_often_the_good_stand_above_the_bad():
    assert auc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auc([0.1], [0.9]) == 0.0
    assert auc([0.5, 0.9], [0.5]) == 0.75
    with pytest.raises(ValueError, match="good ones and bad ones"):
        auc([], [0.5])

import time
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer_form import Words, compare, form
from rag.clustering import MAX_ANSWERS, Clustering

SAME = [
    ("Paris", "the Paris."),
    ("Paris", "Paris, France"),
    ("14 December 1972 UTC", "December 1972"),
    ("December 14, 1972", "14 December 1972"),
    ("14 December", "December 14, 1972"),
    ("2008", "September 14, 2008"),
    ("nine", "9 seasons"),
    ("twenty-one", "21"),
    ("3,559 people", "3559"),
    ("2.5 million", "2,500,000"),
    ("three hundred thousand", "300,000"),
    ("15th century", "fifteenth century"),
    ("$5 million", "5 million dollars"),
    ("Beyoncé", "Beyonce"),
    ("Barack Obama", "Barack Hussein Obama"),
    ("U.S. Army", "US Army"),
    ("late 1970s", "1970s"),
]
NOT_SAME = [
    ("Paris", "Lyon"),
    ("1972", "1973"),
    ("nine", "19"),
    ("20", "20 million"),
    ("3,559 people", "10,000 people"),
    ("December 1972", "November 1972"),
    ("14 December 1972", "15 December 1972"),
    ("14 December", "December 1972"),
    ("1939", "1939-1945"),
    ("1972", "before 1972"),
    ("Apollo 11", "Apollo 12"),
    ("Apollo", "Apollo 11"),
    ("North Korea", "Korea"),
    ("s-block", "d-block"),
    ("George W. Bush", "George H. W. Bush"),
    ("Robin Williams", "Robin William"),
    ("not Paris", "Paris"),
    ("5 km", "5 miles"),
    ("blue", "blue, white, red"),
    ("Rob Davis", "Cathy Dennis and Rob Davis"),
    ("Paris", "Paris Lyon Nice Marseille"),
]

TEXTS = ["Paris", "paris!", "Paris, France", "Paris Lyon", "Lyon", "9", "nine seasons", "the", ""]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_answers_that_differ_in_spelling_or_detail_are_the_same(a, b):
    assert compare(form(a), form(b)) is Words.SAME
    assert compare(form(b), form(a)) is Words.SAME


@pytest.mark.parametrize(("a", "b"), NOT_SAME)
def test_answers_whose_names_numbers_or_qualifiers_differ_are_not_the_same(a, b):
    assert compare(form(a), form(b)) is not Words.SAME
    assert compare(form(b), form(a)) is not Words.SAME


def test_an_answer_in_between_brings_two_others_into_no_common_group():
    groups = Clustering().groups("", ["Paris", "Lyon", "Paris Lyon"])
    assert sorted(sorted(g) for g in groups) == [["Lyon", "Paris Lyon"], ["Paris", "Paris Lyon"]]


@settings(max_examples=40)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=8), st.sampled_from(TEXTS))
def test_one_more_answer_neither_parts_nor_joins_others(texts, added):
    def together(groups):
        return {pair for g in groups for pair in combinations(sorted(g & set(texts)), 2)}

    before = Clustering().groups("", texts)
    after = Clustering().groups("", [*texts, added])
    assert together(before) == together(after)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(TEXTS), max_size=9), st.randoms())
def test_the_order_of_the_answers_changes_no_group(texts, random):
    shuffled = list(texts)
    random.shuffle(shuffled)
    assert Clustering().groups("", shuffled) == Clustering().groups("", texts)


@settings(max_examples=40)
@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_text_is_in_a_group_and_agrees_with_itself(texts):
    groups = Clustering().groups("", texts)
    assert {text for group in groups for text in group} == set(texts)
    assert all(compare(form(text), form(text)) is Words.SAME for text in texts)


def test_an_answer_that_names_everything_agrees_with_nothing():
    everything = "Paris, Lyon, Nice, Lille and Marseille"
    groups = Clustering().groups("", ["Paris", "Lyon", "Nice", everything])
    assert frozenset({everything}) in groups
    assert all(len(group) == 1 for group in groups)


def test_a_very_long_answer_equals_only_itself():
    essay = "Paris " * 100
    assert len(Clustering().groups("", ["Paris", essay, essay.upper()])) == 2


def test_more_answers_than_can_be_compared_are_grouped_by_equality_alone():
    many = [f"{chr(97 + i)}{chr(97 + i)}x city" for i in range(MAX_ANSWERS)]
    groups = Clustering().groups("", [*many, "Paris", "paris", "Paris, France"])
    assert frozenset({"Paris", "paris"}) in groups
    assert frozenset({"Paris, France"}) in groups


def test_answers_without_weight_cannot_switch_grouping_off():
    many = [f"{chr(97 + i)}{chr(97 + i)}x city" for i in range(MAX_ANSWERS + 2)]
    weights = {"Paris": 2.0, "Paris, France": 1.0, "Lyon": 1.5}
    groups = Clustering().groups("", [*many, *weights], weights)
    assert frozenset({"Paris", "Paris, France"}) in groups
    assert {text for group in groups for text in group} == {*many, *weights}


def test_the_number_of_groups_stays_bounded_under_the_worst_agreement():
    class Pairs:
        """Agree unless in the same third: 3^(n/3) largest groups (Moon and Moser, 1965)."""

        def entails(self, pairs):
            return [float(int(a[1:]) // 3 != int(b[1:]) // 3) for a, b in pairs]

    codes = {f"x{i}": f"{chr(97 + i)}{chr(98 + i)}" for i in range(12)}

    class ByCode(Pairs):
        def entails(self, pairs):
            name = {text: code for code, text in codes.items()}
            return super().entails([(name[a.strip()], name[b.strip()]) for a, b in pairs])

    assert len(Clustering(entailment=ByCode()).groups("", list(codes.values()))) == 81


def test_twelve_answers_take_little_time():
    texts = [*(a for a, _ in SAME[:6]), *(b for _, b in NOT_SAME[:6])]
    spent = []
    for _ in range(20):
        start = time.process_time()
        Clustering().groups("", texts)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.01


def test_embeddings_join_only_what_words_leave_open(encoder):
    groups = Clustering(encoder).groups("", ["Hellenic Polytheism", "Hellenic polytheist", "Zeus"])
    assert frozenset({"Hellenic Polytheism", "Hellenic polytheist"}) in groups
    lenient = Clustering(encoder, similar=-1.0)
    assert len(lenient.groups("", ["in 1972", "in 1973", "Paris"])) == 3


def test_entailment_must_hold_both_ways_and_sees_the_question():
    seen = []

    class OneWay:
        def entails(self, pairs):
            seen.extend(pairs)
            return [float(premise < hypothesis) for premise, hypothesis in pairs]

    class BothWays:
        def entails(self, pairs):
            return [0.9 for _ in pairs]

    answers = ["the Big Apple", "New York City"]
    assert len(Clustering(entailment=OneWay()).groups("Which city?", answers)) == 2
    assert ("Which city? New York City", "Which city? the Big Apple") in seen
    assert ("Which city? the Big Apple", "Which city? New York City") in seen
    assert len(Clustering(entailment=BothWays()).groups("Which city?", ["Big Apple", "NYC"])) == 1

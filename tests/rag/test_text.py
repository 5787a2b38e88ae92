import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text import clean, normalised, sentences, terms


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The Eiffel Tower", "eiffel tower"),
        ("an  apple.", "apple"),
        ("“Moby-Dick”", "mobydick"),
        ("32.9%", "329"),
        ("the", ""),
    ],
)
def test_answers_are_normalised_as_squad_does(answer, expected):
    assert normalised(answer) == expected


def test_a_text_is_cut_at_the_ends_of_its_sentences():
    assert sentences('It was built in 1889. "Who built it?" Gustave Eiffel did!') == [
        "It was built in 1889.",
        '"Who built it?"',
        "Gustave Eiffel did!",
    ]


@pytest.mark.parametrize(
    "text",
    ["Dr. Watson met Mr. Holmes in St. James.", "It weighs 3.5 kg.", "J. R. R. Tolkien wrote it."],
)
def test_an_abbreviation_ends_no_sentence(text):
    assert sentences(text) == [text]


@given(st.text())
def test_no_word_is_lost_between_sentences(text):
    assert " ".join(sentences(clean(text))).split() == clean(text).split()


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_is_safe_to_print_and_to_encode(text):
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert "\x1b" not in cleaned
    assert "\u202e" not in cleaned
    assert clean(cleaned) == cleaned


def test_an_escape_sequence_of_a_stranger_does_not_reach_the_terminal():
    assert clean("safe\x1b[31m red\u202etxt.exe") == "safe [31m red txt.exe"


def test_half_a_character_is_taken_out():
    assert clean("a\ud800b") == "a b"


def test_terms_share_singular_and_plural_and_leave_out_function_words():
    assert terms("Which countries border the lakes?") == terms("country borders lake")


def test_the_forms_of_a_verb_share_a_term():
    assert terms("close closes closed closing") == ["clos"] * 4


def test_a_text_full_of_abbreviations_takes_no_longer_than_another():
    started = time.process_time()
    assert len(sentences("Mr. " * 25_000)) == 1
    assert time.process_time() - started < 2.0

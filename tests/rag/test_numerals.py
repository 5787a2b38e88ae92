import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.numerals import split_numbers


@pytest.mark.parametrize(
    ("text", "plain", "numbers"),
    [
        ("nine seasons", ["seasons"], ["9"]),
        ("twenty one", [], ["21"]),
        ("three hundred thousand people", ["people"], ["300000"]),
        ("one hundred and five men", ["men"], ["105"]),
        ("two thousand eighteen", [], ["2018"]),
        ("2.5 million", [], ["2500000"]),
        ("2.0", [], ["2"]),
        ("007", [], ["7"]),
        ("15th century", ["century"], ["15"]),
        ("fifteenth century", ["century"], ["15"]),
        ("two dozen eggs", ["eggs"], ["24"]),
        ("hundred years", ["years"], ["100"]),
        ("five six", [], ["5", "6"]),
        ("late 1970s", ["late"], ["1970s"]),
        ("no number", ["no", "number"], []),
    ],
)
def test_numbers_are_read_from_words_and_figures(text, plain, numbers):
    assert split_numbers(text.split()) == (plain, numbers)


@given(st.integers(0, 10**12))
def test_plain_figures_stay_as_they_are(number):
    assert split_numbers([str(number)]) == ([], [str(number)])


@given(st.lists(st.sampled_from("one twenty hundred million 3 2.5 x 9th".split()), max_size=12))
def test_any_mix_of_numbers_and_words_is_read_to_its_end(words):
    plain, numbers = split_numbers(words)
    assert plain == [word for word in words if word == "x"]
    assert bool(numbers) == any(word != "x" for word in words)

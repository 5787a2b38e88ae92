import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.routing.features import FORMS, question_form
from rag.routing.projection import random_projection


@given(st.text(max_size=300))
def test_the_form_of_any_text_is_ten_numbers_between_0_and_1(text):
    form = question_form(text)
    assert form.shape == (FORMS,)
    assert (form >= 0).all()
    assert (form <= 1).all()


def test_a_headline_a_question_and_keywords_have_different_forms():
    forms = {
        tuple(question_form(t)) for t in ("Sea Levels Rise", "Do sea levels rise?", "sea level")
    }
    assert len(forms) == 3


def test_features_are_the_meaning_with_the_weighted_form_behind_it(features):
    row = features.of("the sea?")
    assert row.shape == (features.dimensions,) == (18,)
    assert np.linalg.norm(row[:8]) == np.float64(1.0) or abs(np.linalg.norm(row[:8]) - 1) < 1e-6
    assert np.array_equal(row[8:], 0.5 * question_form("the sea?"))


def test_a_random_projection_keeps_lengths_on_average():
    rows = np.random.default_rng(1).standard_normal((200, 100))
    projected = rows @ random_projection(100, 48)
    ratio = (projected**2).sum() / (rows**2).sum()
    assert 0.8 < ratio < 1.2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.scoring.owner_caps import capped


def test_sources_of_one_owner_share_the_vote_of_the_heaviest():
    weights = capped(
        {1: 2.0, 2: 1.0, 3: 1.0}, {1: "eve", 2: "eve", 3: "ann"}, {1: "", 2: "", 3: ""}
    )
    assert weights == pytest.approx({1: 4 / 3, 2: 2 / 3, 3: 1.0})


def test_a_silent_source_takes_nothing_from_its_owners_others():
    assert capped({1: 2.0, 2: 2.0}, {1: "eve", 2: "eve"}, {1: "a"})[1] == 2.0


def test_sources_without_an_owner_are_their_own():
    assert capped({1: 1.0, 2: 1.0}, {}, {1: "a", 2: "a"}) == {1: 1.0, 2: 1.0}


@given(st.lists(st.floats(0.0, 9.0), min_size=1, max_size=12))
def test_splitting_a_source_gains_its_owner_nothing(weights):
    sources = dict(enumerate(weights))
    shared = capped(sources, dict.fromkeys(sources, "eve"), dict.fromkeys(sources, "lie"))
    assert sum(shared.values()) == pytest.approx(max(weights))

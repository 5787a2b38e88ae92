"""Ranking from clicks: mine first, then those of whoever predicted mine; nobody else's."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.click_rank import (
    MAX_MESSAGE_BYTES,
    MAX_MESSAGE_CLICKS,
    MAX_PAIRS,
    MAX_SENDERS,
    MOST_SIMILAR,
    ONE,
    WINDOW,
    ClickLog,
)
from scripts.benchmarks.sybil.clicks import Attack, GRank, our_ranker, share_best_on_top

HALF_LIFE = 1_000
RESULTS = ["a", "b", "c", "d"]


def search(log, query, choice, at=0):
    log.click(log.rank(query, RESULTS, at), choice, at)


def test_my_own_clicks_come_first_and_equals_keep_their_order():
    log = ClickLog(HALF_LIFE)
    assert log.rank("q", ["z", "b", "a", "b"], 0).results == ("z", "b", "a")
    search(log, "q", "c")
    assert log.rank("q", RESULTS, 0).results == ("c", "d", "a", "b"), "a and b were passed over"
    assert log.rank("another", RESULTS, 0).results == tuple(RESULTS)


def test_who_predicted_my_clicks_has_a_say_in_what_i_never_searched_for():
    log = ClickLog(HALF_LIFE)
    log.hear("friend", [("q1", "b"), ("q2", "c"), ("new", "d")], 0)
    assert log.rank("new", RESULTS, 0).results[0] == "a", "nothing predicted yet: no say"
    blank = ClickLog(HALF_LIFE)  # a ranking that nobody led
    log.click(blank.rank("q1", RESULTS, 0), "b", 0)
    log.click(blank.rank("q2", RESULTS, 0), "c", 0)
    assert log.similarity("friend") == (2 + 2 * 2) * ONE // 2
    ranking = log.rank("new", RESULTS, 0)
    assert ranking.results[0] == "d"
    assert ranking.aided


def test_copying_my_log_earns_nothing():
    log = ClickLog(HALF_LIFE)
    for i in range(9):
        search(log, f"q{i}", "b")
    log.hear("copy", [*log.told(0), ("new", "d")], 0)
    for i in range(9):
        search(log, f"q{i}", "b")
    assert log.similarity("copy") == 0
    assert log.rank("new", RESULTS, 0).results == tuple(RESULTS)


def test_a_click_that_others_led_me_to_earns_them_nothing_and_is_not_gossiped():
    log = ClickLog(HALF_LIFE)
    log.hear("friend", [("q1", "b"), ("q2", "d")], 0)
    search(log, "q1", "b")
    before = log.similarity("friend")
    search(log, "q2", "d")
    assert log.similarity("friend") == before
    assert log.told(0) == [("q1", "b")]


def test_a_wrong_prediction_costs_similarity_and_so_does_claiming_everything():
    log = ClickLog(HALF_LIFE)
    log.hear("right", [(f"q{i}", "b") for i in range(6)], 0)
    log.hear("half", [(f"q{i}", "b" if i % 2 else "c") for i in range(6)], 0)
    log.hear("sprayer", [(f"q{i}", name) for i in range(6) for name in RESULTS], 0)
    for i in range(6):
        ranking = ClickLog(HALF_LIFE).rank(f"q{i}", RESULTS, 0)
        log.click(ranking, "b", 0)
    assert log.similarity("right") == 7 * ONE
    assert log.similarity("half") == (6 + 9) * ONE // 9
    assert log.similarity("sprayer") == (6 + 36) * ONE // 24


@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_no_number_of_sybils_that_predicted_nothing_changes_a_ranking(sybils, size, seed):
    random = Random(seed)  # noqa: S311 (not a secret)
    alone, flooded = ClickLog(HALF_LIFE), ClickLog(HALF_LIFE)
    for log in (alone, flooded):
        log.hear("friend", [("q0", "b"), ("new", "c")], 0)
        search(log, "q0", "b")
    for k in range(sybils):
        claims = [("new", random.choice(RESULTS)) for _ in range(size)]
        flooded.hear(f"sybil {k}", [*claims, ("q0", "b")], 1)
    assert flooded.rank("new", RESULTS, 2) == alone.rank("new", RESULTS, 2)
    assert alone.rank("new", RESULTS, 2).results[0] == "c"


def test_no_sender_weighs_more_than_the_bound_and_only_its_latest_predictions_count():
    log = ClickLog(HALF_LIFE)
    log.hear("sleeper", [(f"q{i}", "b") for i in range(WINDOW)], 0)
    blank = ClickLog(HALF_LIFE)
    for i in range(WINDOW):
        log.click(blank.rank(f"q{i}", RESULTS, 0), "b", 0)
    assert log.similarity("sleeper") == MOST_SIMILAR
    log.hear("sleeper", [(f"later {i}", "a") for i in range(WINDOW)], 0)
    for i in range(WINDOW):
        log.click(blank.rank(f"later {i}", RESULTS, 0), "b", 0)
    assert log.similarity("sleeper") == 0


def test_clicks_and_gossip_fade_with_age():
    log = ClickLog(HALF_LIFE)
    search(log, "q", "d", at=0)
    search(log, "q", "d", at=0)
    assert log.rank("q", RESULTS, 40 * HALF_LIFE).results == tuple(RESULTS)
    log.hear("friend", [("q1", "b"), ("new", "d")], 0)
    search(log, "q1", "b")
    assert log.rank("new", RESULTS, HALF_LIFE).results[0] == "d"
    assert log.rank("new", RESULTS, 40 * HALF_LIFE).results[0] == "a"


def test_spam_that_i_pass_over_sinks_even_while_it_is_pushed():
    log = ClickLog(HALF_LIFE)
    log.hear("turncoat", [("q1", "b"), ("new", "d")], 0)
    search(log, "q1", "b")
    ranking = log.rank("new", RESULTS, 0)
    assert ranking.results[0] == "d"
    log.click(ranking, "a", 0)
    assert log.rank("new", RESULTS, 0).results == ("a", "b", "c", "d")
    assert log.similarity("turncoat") < 2 * ONE


def test_a_new_log_of_a_sender_takes_the_place_of_its_old_one():
    log = ClickLog(HALF_LIFE)
    log.hear("friend", [("q1", "b"), ("new", "d")], 0)
    search(log, "q1", "b")
    log.hear("friend", [("new", "c")], 1)
    assert log.rank("new", RESULTS, 1).results[0] == "c"
    assert log.similarity("friend") == 2 * ONE, "its record stays"


def test_a_flood_of_senders_cannot_push_out_one_that_has_predicted():
    log = ClickLog(HALF_LIFE)
    log.hear("friend", [("q1", "b"), ("new", "d")], 0)
    search(log, "q1", "b")
    for k in range(MAX_SENDERS + 50):
        log.hear(f"sybil {k}", [("new", "a")], 1)
    assert log.rank("new", RESULTS, 1).results[0] == "d"
    assert len(log._senders) == MAX_SENDERS


@pytest.mark.parametrize(
    "clicks",
    [
        [("q", "r")] * (MAX_MESSAGE_CLICKS + 1),
        [("q" * 256, "r" * 256)] * (MAX_MESSAGE_BYTES // 512 + 1),
        [("q" * 257, "r")],
        [("", "r")],
        [("q", 7)],
        [("q", "\ud800")],
        [("q", "r", "s")],
    ],
)
def test_a_message_beyond_its_bounds_is_refused_and_nothing_of_it_kept(clicks):
    log = ClickLog(HALF_LIFE)
    with pytest.raises(InputError):
        log.hear("peer", [("q1", "b"), *clicks], 0)
    search(log, "q1", "b")
    assert log.similarity("peer") == 0


def test_only_so_much_is_kept_of_a_log():
    log = ClickLog(HALF_LIFE)
    log.hear("peer", [(f"q{i}", "b") for i in range(MAX_PAIRS + 1)], 0)
    search(log, f"q{MAX_PAIRS}", "b")
    assert log.similarity("peer") == 0
    search(log, f"q{MAX_PAIRS - 1}", "b")
    assert log.similarity("peer") == 2 * ONE


def test_my_own_message_is_one_that_others_accept():
    log, peer = ClickLog(HALF_LIFE), ClickLog(HALF_LIFE)
    for i in range(1_300):
        query, result = f"{i:0256}", f"{i:0255}r"
        log.click(log.rank(query, [result], 0), result, 0)
    told = log.told(0)
    assert told[0][0] == f"{1_299:0256}"
    assert 1_000 < len(told) < 1_300
    peer.hear("me", told, 0)
    peer.click(peer.rank(told[0][0], [told[0][1]], 0), told[0][1], 0)
    assert peer.similarity("me") == 2 * ONE


def test_misuse_is_refused():
    log = ClickLog(HALF_LIFE)
    with pytest.raises(InputError, match="not in the ranking"):
        log.click(log.rank("q", RESULTS, 0), "e", 0)
    with pytest.raises(InputError, match="1,000 results"):
        log.rank("q", [f"r{i}" for i in range(1_001)], 0)
    with pytest.raises(InputError, match="half-life"):
        ClickLog(0)


def test_a_hundred_nodes_see_less_spam_in_an_attack_than_with_g_rank_as_published():
    steps = 1_600
    for attackers, most_at_end in ((10, 0.2), (75, 0.1)):
        attack = Attack(attackers, 0, steps // 2)
        ours = share_best_on_top(our_ranker, attack, steps, seed=5)
        published = share_best_on_top(GRank, attack, steps, seed=5)
        assert ours["spam_attack"] < published["spam_attack"]
        assert ours["spam_end"] < most_at_end
        assert ours["best_end"] > ours["best_attack"]

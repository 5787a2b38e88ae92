"""What an attack brought, by hand-made scores."""

import numpy as np

from chainrep.reputation.attack_outcome import attack_outcome, best_accounts
from chainrep.reputation.attacks import Attacked
from chainrep.reputation.graph import NO_LINKS, build_graph


def scores(*values):
    return np.array(values, np.uint64)


def attacked(attackers, sybils):
    return Attacked(build_graph(["ann"], NO_LINKS), attackers, sybils)


def test_gains_are_over_what_attackers_had_and_count_sybils_in_total_only():
    quiet = scores(500, 100, 50, 0)
    after = scores(500, 110, 50, 0, 30, 10)
    found = attack_outcome(quiet, after, attacked([1, 2], [4, 5]), [0], [])
    assert (found.had, found.have, found.sybils_have) == (150, 160, 40)
    assert (found.own_gain, found.total_gain) == (1.1, 200 / 150)
    assert found.sybils_in_top == 2
    assert found.victims_lost is None


def test_attackers_that_had_nothing_have_no_gain_and_victims_lose_a_share():
    found = attack_outcome(scores(9, 0, 80), scores(9, 5, 60), attacked([1], []), [0], [2])
    assert (found.own_gain, found.total_gain) == (None, None)
    assert found.victims_lost == 0.25


def test_the_best_accounts_leave_out_seeds_and_who_has_nothing():
    found = best_accounts(scores(2**50, 7, 0, 9, 7), 10, [0])
    assert found == [3, 1, 4]
    assert best_accounts(scores(1, 2, 3), 2) == [2, 1]

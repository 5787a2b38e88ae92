"""The words of turns and rounds, and what rounds come to."""

from dataclasses import replace

import pytest

from chainrep.protocol.job_terms import Claim, Deal, job_id
from chainrep.protocol.job_trail import (
    JobVerdict,
    Round,
    Turn,
    Vote,
    frame_of,
    is_of,
    judge,
    salt_of,
    tally,
)
from tests.protocol.job_vectors import DOMAIN, VECTORS, number, read_terms, unhex


@pytest.mark.parametrize("vector", VECTORS["awaiting"])
def test_a_turn_that_awaits_a_draw_is_read(vector):
    turn = Turn(number(vector["word"]))
    found = (turn.end, turn.beacon_round, turn.sitting, turn.taken)
    wanted = (vector["end"], int(vector["beaconRound"]), vector["sitting"], vector["taken"])
    assert found == wanted


@pytest.mark.parametrize("vector", VECTORS["drawn"])
def test_a_drawn_turn_is_read(vector):
    turn = Turn(number(vector["word"]))
    assert (turn.end, turn.leaf, turn.round) == (vector["end"], vector["leaf"], vector["round"])
    assert (turn.panel, turn.salt) == (tuple(vector["panel"]), int(vector["salt"]))
    assert [turn.place_of(seat) for seat in turn.panel] == list(range(len(turn.panel)))
    assert turn.place_of(4_242) is None


@pytest.mark.parametrize("vector", VECTORS["rounds"])
def test_a_round_is_read_and_counted(vector):
    found = Round(number(vector["word"]))
    assert (found.leaf, found.panel) == (vector["leaf"], tuple(vector["panel"]))
    assert (found.votes, found.withheld) == (tuple(vector["votes"]), vector["withheld"])
    counts = (found.votes.count(Vote.MATCH), found.votes.count(Vote.MISMATCH))
    assert counts == (vector["matches"], vector["mismatches"])


def test_a_round_is_of_the_turn_with_its_panel_and_leaf_only():
    turn = Turn(number(VECTORS["drawn"][1]["word"]))
    assert is_of(Round(turn.word & ((1 << 104) - 1) << 40 | 0b010110), turn)
    for bit in (40, 71, 72, 143):
        assert not is_of(Round(turn.word ^ 1 << bit), turn)


@pytest.mark.parametrize("vector", VECTORS["frames"])
def test_frames_are_those_of_the_vectors(vector):
    terms = read_terms(VECTORS["terms"][vector["terms"]])
    claim = Claim(unhex(vector["root"]), unhex(vector["header"]), vector["leafCount"])
    deal = Deal(replace(terms.conditions, provider=vector["provider"]), claim)
    past = [Round(number(word)) for word in vector["past"]]
    frame = frame_of(job_id(terms, DOMAIN), deal, vector["appellant"], past)
    assert frame == unhex(vector["frame"])


@pytest.mark.parametrize("vector", VECTORS["salts"])
def test_salts_are_those_of_the_vectors(vector):
    assert salt_of(unhex(vector["seed"]), vector["owners"]) == int(vector["salt"])


@pytest.mark.parametrize("vector", VECTORS["verdicts"], ids=lambda vector: vector["name"])
def test_rounds_come_to_the_verdict_of_the_vectors(vector):
    conditions = replace(
        read_terms(VECTORS["terms"][0]).conditions,
        accept_lead=vector["acceptLead"],
        reject_lead=vector["rejectLead"],
    )
    past = [Round(number(word)) for word in vector["past"]]
    assert judge(conditions, past) is JobVerdict(vector["verdict"])
    assert tally(past) == (vector["matches"], vector["mismatches"])

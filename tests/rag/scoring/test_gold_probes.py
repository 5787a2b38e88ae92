import itertools
import statistics
from collections import Counter
from dataclasses import replace

import pytest

from rag.errors import ScoringError
from rag.scoring.gold_probes import (
    BATCH,
    Opened,
    Probe,
    ProbeSchedule,
    Reveal,
    commitment,
    draw_of,
    drawn_order,
    leaf,
    opens,
)

PROBES = (Probe("Which city?", ("Paris",)), Probe("Which river?", ("the Seine", "Seine")))
ASKED = tuple(Opened(probe, bytes([n]) * 32) for n, probe in enumerate(PROBES))
REVEAL = Reveal(0, ASKED, (b"digest",), b"secret seed", 0.05, bytes(range(32)))


def a_secret(n=0):
    return n.to_bytes(32, "big")


def places(schedule, questions, doubtful=False):
    return [n for n in range(questions) if schedule.next_is_probe(doubtful)]


def test_what_was_committed_to_can_be_opened_and_nothing_else():
    published = commitment(REVEAL)
    assert opens(REVEAL, published)
    swapped = Opened(Probe("Which city?", ("Lyon",)), ASKED[0].salt)
    joined = Opened(Probe("Which city?Paris", ()), ASKED[0].salt)
    others = [
        replace(REVEAL, asked=ASKED[::-1]),
        replace(REVEAL, asked=(swapped, ASKED[1])),
        replace(REVEAL, asked=(joined, ASKED[1])),
        replace(REVEAL, asked=(replace(ASKED[0], salt=bytes([9]) * 32), ASKED[1])),
        replace(REVEAL, asked=ASKED[:1]),
        replace(REVEAL, unasked=()),
        replace(REVEAL, seed=b"another seed"),
        replace(REVEAL, rate=0.1),
        replace(REVEAL, salt=bytes(32)),
        replace(REVEAL, batch=1),
    ]
    assert not any(opens(other, published) for other in others)


def test_a_probe_that_was_not_asked_yet_is_shown_by_its_digest_alone():
    later = replace(REVEAL, asked=ASKED[:1], unasked=(leaf(ASKED[1]), b"digest"))
    assert opens(later, commitment(REVEAL))


def test_a_commitment_without_whole_salts_is_refused():
    for short in (
        replace(REVEAL, salt=b"short"),
        replace(REVEAL, asked=(replace(ASKED[0], salt=b"short"),)),
    ):
        with pytest.raises(ScoringError, match="32 bytes"):
            commitment(short)


def test_another_digest_can_be_used():
    assert commitment(REVEAL, lambda message: message[:4]) == (32).to_bytes(4, "big")


@pytest.mark.parametrize("rate", [0.05, 0.1])
@pytest.mark.parametrize("doubtful", [False, True])
def test_no_more_questions_are_probes_than_the_rate_says_and_not_many_fewer(rate, doubtful):
    for total in (round(12 / rate), 1_000, 3_000):
        counts = [len(places(ProbeSchedule(rate, a_secret(n)), total, doubtful)) for n in range(8)]
        assert max(counts) <= rate * total + 1
        assert statistics.fmean(counts) >= 0.8 * rate * total


def test_gold_is_spent_early_and_where_somebody_seems_to_have_turned():
    early, late, doubted = [], [], []
    for n in range(40):
        schedule = ProbeSchedule(0.05, a_secret(n))
        early.append(len(places(schedule, 20)))
        places(schedule, 380)
        again = ProbeSchedule(0.05, a_secret(n), number=schedule.number, asked=schedule.asked)
        late.append(len(places(schedule, 20)))
        doubted.append(len(places(again, 20, doubtful=True)))
    assert statistics.fmean(early) > 3.0
    assert statistics.fmean(late) < 1.5 < statistics.fmean(doubted)


def test_every_question_is_a_probe_at_a_rate_of_one():
    assert places(ProbeSchedule(1.0, a_secret()), 50) == list(range(50))


@pytest.mark.parametrize(("rate", "secret"), [(0.0, bytes(32)), (1.1, bytes(32)), (0.1, b"few")])
def test_a_schedule_without_a_rate_or_a_whole_secret_is_refused(rate, secret):
    with pytest.raises(ScoringError):
        ProbeSchedule(rate, secret)


def test_probes_seen_so_far_do_not_tell_which_question_is_the_next_one():
    after = Counter()
    for n in range(600):
        schedule = ProbeSchedule(0.05, a_secret(n), number=1_000, asked=45)
        found = places(schedule, 60)
        after.update(b - a for a, b in itertools.pairwise(found))
    # No gap between two probes is ruled out, as it would be with one in every block, and none
    # stands out.
    assert all(after[gap] > 0 for gap in range(1, 25))
    assert max(after.values()) < 0.1 * after.total()


def test_the_seed_of_one_batch_says_nothing_of_the_next_and_proves_its_own_places():
    schedule = ProbeSchedule(0.05, a_secret(7))
    found = places(schedule, 2 * BATCH)
    seeds = [schedule.seed(0), schedule.seed(1)]
    assert seeds[0] != seeds[1]
    assert all(draw_of(seeds[n // BATCH], n) < 0.4 for n in found)
    # With the first batch's seed the second batch's draws come out as any others.
    assert [draw_of(seeds[0], n) for n in found] != [draw_of(seeds[n // BATCH], n) for n in found]


def test_a_bank_is_asked_in_a_secret_order_each_probe_once():
    bank = [Probe(f"Which city has number {n}?", (f"city {n}",)) for n in range(40)]
    order = drawn_order(bank, a_secret())
    assert sorted(p.question for p in order) == sorted(p.question for p in bank)
    assert order != bank
    assert order != drawn_order(bank, a_secret(1))
    assert order == drawn_order(bank, a_secret())
    fewer = [probe for probe in order if probe not in bank[::3]]
    assert drawn_order([*reversed(bank)], a_secret()) == order
    assert drawn_order([p for p in bank if p not in bank[::3]], a_secret()) == fewer
    assert len(drawn_order([*bank, *bank], a_secret())) == len(bank)

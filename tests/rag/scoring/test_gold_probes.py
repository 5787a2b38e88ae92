from collections import Counter

import pytest

from rag.scoring.gold_probes import (
    Probe,
    ProbeSchedule,
    Reveal,
    commitment,
    mingled,
    opens,
)

PROBES = (Probe("Which city?", ("Paris",)), Probe("Which river?", ("the Seine", "Seine")))
REVEAL = Reveal(PROBES, b"secret seed", 0.05, bytes(range(32)))


def test_what_was_committed_to_can_be_opened_and_nothing_else():
    published = commitment(REVEAL)
    assert opens(REVEAL, published)
    others = [
        Reveal(PROBES[::-1], REVEAL.seed, REVEAL.rate, REVEAL.salt),
        Reveal((Probe("Which city?", ("Lyon",)), PROBES[1]), *fields()),
        Reveal((Probe("Which city?Paris", ()), PROBES[1]), *fields()),
        Reveal(PROBES, b"another seed", REVEAL.rate, REVEAL.salt),
        Reveal(PROBES, REVEAL.seed, 0.1, REVEAL.salt),
        Reveal(PROBES, REVEAL.seed, REVEAL.rate, bytes(32)),
    ]
    assert not any(opens(other, published) for other in others)


def fields():
    return REVEAL.seed, REVEAL.rate, REVEAL.salt


def test_a_commitment_without_a_whole_salt_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(Reveal(PROBES, b"seed", 0.05, b"short"))


def test_another_digest_can_be_used():
    assert commitment(REVEAL, lambda message: message[:4]) == (32).to_bytes(4, "big")


@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_about_as_many_questions_are_probes_as_the_rate_says(rate):
    schedule = ProbeSchedule(rate, b"seed")
    for total in (round(15 / rate), 1_000, 5_000):
        probes = sum(map(schedule.is_probe, range(total)))
        assert 0.75 * rate * total <= probes <= rate * total + 1


def test_every_question_is_a_probe_at_a_rate_of_one():
    assert all(map(ProbeSchedule(1.0, b"seed").is_probe, range(50)))
    with pytest.raises(ValueError, match="within"):
        ProbeSchedule(0.0, b"seed")


def test_the_place_in_a_stream_says_nothing_about_a_probe_to_who_has_not_the_seed():
    places = Counter(
        place
        for seed in range(960)
        for place in range(15, 39)
        if ProbeSchedule(0.05, seed.to_bytes(4, "big")).is_probe(place)
    )
    assert sorted(places) == list(range(15, 39))
    # One of 24 places each: 40 expected, ± 4 standard deviations of about 6.2.
    assert all(15 < times < 65 for times in places.values())


def test_what_a_source_sees_is_the_questions_alone_in_the_same_form():
    bank = [Probe(f"Which city has number {n}?", (f"city {n}",)) for n in range(40)]
    questions = [f"Which city has number {n}?" for n in range(1_000, 1_400)]
    stream = mingled(questions, bank, ProbeSchedule(0.05, b"seed"), b"seed")
    asked = [text for text, _ in stream]
    # Users' questions stand in their order, and no text tells which kind it is.
    assert [text for text, probe in stream if probe is None] == questions
    assert all(isinstance(text, str) for text in asked)
    assert len(set(asked)) == len(asked)
    assert 15 <= sum(probe is not None for _, probe in stream) <= 25
    # With the roles of the texts swapped, the places are the same: they depend on no text.
    swapped = mingled(
        [f"Which city has number {n}?" for n in range(400)],
        [Probe(f"Which city has number {n}?", ()) for n in range(1_000, 1_040)],
        ProbeSchedule(0.05, b"seed"),
        b"seed",
    )
    assert [p is None for _, p in swapped] == [p is None for _, p in stream]


def test_when_the_bank_is_empty_questions_go_on():
    stream = mingled(["a", "b", "c"], [], ProbeSchedule(0.5, b"seed"), b"seed")
    assert stream == [("a", None), ("b", None), ("c", None)]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import BatchTooLarge
from chainrep.node.batching import next_batch
from chainrep.protocol.types import MAX_DELTA, Feedback, FeedbackKind, ScoreUpdate

counters = st.integers(0, 400)


def record(source, supported=100, contradicted=0, used=0, asked=100):
    return Feedback(
        "k", source, FeedbackKind.GOLD, bytes(32), supported, contradicted, used, asked, 1
    )


records = st.lists(
    st.builds(record, st.integers(1, 6), counters, counters, counters, counters), max_size=60
)


def test_judgements_of_one_source_are_summed():
    batch = next_batch([record(2), record(1), record(2, supported=0, contradicted=100)], 10)
    assert batch.updates == [
        ScoreUpdate(1, 100, 0, 0, 100),
        ScoreUpdate(2, 100, 100, 0, 200),
    ]


def test_a_batch_stops_before_one_source_too_many():
    batch = next_batch([record(3), record(1), record(3), record(2), record(1)], 2)
    assert [update.source for update in batch.updates] == [1, 3]
    assert len(batch.records) == 3


def test_a_batch_stops_before_a_counter_overflows():
    batch = next_batch([record(1, supported=MAX_DELTA), record(1)], 10)
    assert batch.updates == [ScoreUpdate(1, MAX_DELTA, 0, 0, 100)]


@given(records, st.integers(1, 6))
def test_batches_one_after_another_hold_every_judgement_once(pending, limit):
    totals = {}
    rest = pending
    while rest:
        batch = next_batch(rest, limit)
        assert 0 < len(batch.updates) <= limit
        for update in batch.updates:
            totals[update.source] = totals.get(update.source, 0) + update.supported
        rest = rest[len(batch.records) :]
    expected = {}
    for one in pending:
        expected[one.source] = expected.get(one.source, 0) + one.supported
    assert totals == expected


def test_a_batch_of_no_updates_is_refused():
    with pytest.raises(BatchTooLarge):
        next_batch([record(1)], 0)

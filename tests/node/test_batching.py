from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import BatchTooLarge
from chainrep.node.batching import next_batch
from chainrep.protocol.evidence import MAX_RECORDS
from chainrep.protocol.types import MAX_DELTA, Feedback, FeedbackKind, ScoreUpdate

counters = st.one_of(st.integers(0, 400), st.integers(MAX_DELTA // 2, MAX_DELTA))


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


def test_a_source_too_many_waits_while_those_in_the_batch_go_on():
    pending = [record(3), record(1), record(3), record(2), record(1)]
    batch = next_batch(pending, 2)
    assert [update.source for update in batch.updates] == [1, 3]
    assert batch.records == [pending[i] for i in (0, 1, 2, 4)]


def test_a_full_counter_closes_its_source_and_no_other():
    pending = [record(1, supported=MAX_DELTA), record(1), record(2), record(1, supported=0)]
    batch = next_batch(pending, 10)
    assert batch.updates == [ScoreUpdate(1, MAX_DELTA, 0, 0, 100), ScoreUpdate(2, 100, 0, 0, 100)]
    assert batch.records == [pending[0], pending[2]]


def test_only_the_sources_asked_for_go():
    batch = next_batch([record(1), record(2), record(3)], 10, sources={1, 3, 9})
    assert [update.source for update in batch.updates] == [1, 3]


def test_a_batch_stands_on_no_more_records_than_its_evidence_may_hold():
    pending = [record(source, 0, asked=0) for source in range(10)] * (MAX_RECORDS // 10 + 1)
    batch = next_batch(pending, 10)
    assert batch.records == pending[:MAX_RECORDS]


@given(records, st.integers(1, 6))
def test_batches_one_after_another_hold_every_judgement_once_and_in_order(pending, limit):
    pending = [replace(one, key=str(i)) for i, one in enumerate(pending)]
    totals, carried, rest = {}, [], pending
    while rest:
        batch = next_batch(rest, limit)
        assert 0 < len(batch.updates) <= limit
        for update in batch.updates:
            totals[update.source] = totals.get(update.source, 0) + update.supported
        carried += batch.records
        taken = {one.key for one in batch.records}
        rest = [one for one in rest if one.key not in taken]
    assert sorted(carried, key=lambda one: int(one.key)) == pending
    expected = {}
    for one in pending:
        expected[one.source] = expected.get(one.source, 0) + one.supported
        of_source = [other.key for other in pending if other.source == one.source]
        assert [other.key for other in carried if other.source == one.source] == of_source
    assert totals == expected


def test_a_batch_of_no_updates_is_refused():
    with pytest.raises(BatchTooLarge):
        next_batch([record(1)], 0)

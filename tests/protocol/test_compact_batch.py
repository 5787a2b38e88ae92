import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import BatchTooLarge, InputError
from chainrep.protocol.compact_batch import pack_compact, unpack_compact
from chainrep.protocol.types import MAX_DELTA, MAX_SOURCE, ScoreUpdate

deltas = st.integers(0, MAX_DELTA)
batches = st.dictionaries(
    st.integers(1, MAX_SOURCE), st.tuples(deltas, deltas, deltas, deltas), min_size=1, max_size=30
).map(lambda found: [ScoreUpdate(source, *found[source]) for source in sorted(found)])


@given(batches)
def test_a_batch_survives_the_journey(updates):
    assert unpack_compact(pack_compact(updates)) == updates


@given(st.binary(max_size=60))
def test_strange_bytes_are_refused_or_are_the_one_encoding(packed):
    try:
        updates = unpack_compact(packed)
    except InputError:
        return
    assert pack_compact(updates) == packed


def test_whole_judgements_of_neighbouring_sources_take_five_bytes_each():
    updates = [ScoreUpdate(source, 100, 0, 100, 100) for source in range(1, 101)]
    assert len(pack_compact(updates)) == 1 + 5 * 100


def test_the_layout_is_unit_then_gap_and_counts():
    updates = [ScoreUpdate(200, 300, 0, 100, 400), ScoreUpdate(201, 0, 0, 0, 20_000)]
    assert pack_compact(updates).hex() == "64" + "c801" + "03000104" + "01" + "000000" + "c801"


def test_a_batch_without_evidence_has_the_unit_one():
    assert pack_compact([ScoreUpdate(1, 0, 0, 0, 0)]).hex() == "01" + "01" + "00000000"


@pytest.mark.parametrize(
    "packed",
    [
        "",  # nothing
        "64",  # a unit alone
        "0100000000",  # four numbers
        "010000000001",  # a gap of zero
        "01" + "01" + "000000" + "8000",  # zero in two bytes
        "02" + "01" + "02000004",  # a unit that is not the greatest
        "00" + "01" + "00000000",  # a unit of zero
        "01" + "01" + "00000080",  # ends within a number
        "01" + "808080808001" + "00000000",  # a number of more than 5 bytes
        "01" + "8080808010" + "00000001",  # a source beyond 2^32 - 1
        "01" + "01" + "000000" + "808004",  # a delta of 65,536
        "ffff03" + "01" + "000000" + "02",  # a delta of 131,070
    ],
)
def test_any_other_encoding_is_refused(packed):
    with pytest.raises(InputError):
        unpack_compact(bytes.fromhex(packed))


@pytest.mark.parametrize(
    "updates",
    [
        [],
        [ScoreUpdate(2, 1, 0, 0, 1), ScoreUpdate(1, 1, 0, 0, 1)],
        [ScoreUpdate(0, 1, 0, 0, 1)],
        [ScoreUpdate(MAX_SOURCE + 1, 1, 0, 0, 1)],
    ],
)
def test_what_cannot_be_packed_is_refused(updates):
    with pytest.raises(InputError):
        pack_compact(updates)


def test_a_delta_that_no_update_can_hold_is_refused():
    with pytest.raises(BatchTooLarge):
        pack_compact([ScoreUpdate(1, MAX_DELTA + 1, 0, 0, 0)])

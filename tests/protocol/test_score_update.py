import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import BatchTooLarge, InputError
from chainrep.protocol.score_update import UPDATE_BYTES, pack_updates, unpack_updates
from chainrep.protocol.types import MAX_DELTA, MAX_SOURCE, ScoreUpdate

VECTORS = json.loads(Path("tests/vectors/score_update.json").read_text())

deltas = st.integers(0, MAX_DELTA)
batches = st.lists(
    st.builds(ScoreUpdate, st.integers(1, MAX_SOURCE), deltas, deltas, deltas, deltas),
    unique_by=lambda update: update.source,
    max_size=40,
).map(lambda updates: sorted(updates, key=lambda update: update.source))


def read(vector: dict) -> ScoreUpdate:
    names = ("source", "supported", "contradicted", "used", "asked")
    return ScoreUpdate(*(vector[name] for name in names))


@pytest.mark.parametrize("vector", VECTORS["updates"])
def test_an_update_has_the_bytes_that_solidity_reads(vector):
    assert pack_updates([read(vector)]).hex() == vector["packed"].removeprefix("0x")


def test_a_batch_is_its_updates_one_after_another():
    batch = VECTORS["batch"]
    packed = bytes.fromhex(batch["packed"].removeprefix("0x"))
    assert pack_updates(map(read, batch["updates"])) == packed
    assert unpack_updates(packed) == list(map(read, batch["updates"]))


@given(batches)
def test_unpacking_gives_back_what_was_packed(updates):
    packed = pack_updates(updates)
    assert len(packed) == UPDATE_BYTES * len(updates)
    assert unpack_updates(packed) == updates


@pytest.mark.parametrize("ids", [(2, 1), (3, 3), (0,), (MAX_SOURCE + 1,)])
def test_ids_that_do_not_ascend_or_fit_are_refused(ids):
    with pytest.raises(InputError):
        pack_updates(ScoreUpdate(source, 1, 0, 0, 0) for source in ids)


@pytest.mark.parametrize("delta", [-1, MAX_DELTA + 1])
def test_more_evidence_than_a_batch_can_hold_is_refused(delta):
    with pytest.raises(BatchTooLarge, match="Split the evidence"):
        pack_updates([ScoreUpdate(1, 0, delta, 0, 0)])


@pytest.mark.parametrize("packed", [bytes(11), bytes(12), bytes.fromhex("00000001" + "0" * 16) * 2])
def test_bytes_that_no_ledger_would_accept_are_refused(packed):
    with pytest.raises(InputError):
        unpack_updates(packed)

import json
from pathlib import Path

import pytest

from chainrep.errors import InputError
from chainrep.protocol.score_record import add_update, pack_record, unpack_record
from chainrep.protocol.types import MAX_COUNTER, Score, ScoreUpdate

VECTORS = json.loads(Path("tests/vectors/score_record.json").read_text())
SOURCE = 7


def score(vector: dict) -> Score:
    names = ("supported", "contradicted", "used", "asked", "updatedAt")
    return Score(SOURCE, *(vector[name] for name in names))


@pytest.mark.parametrize("vector", VECTORS["records"])
def test_a_record_is_the_word_that_the_ledger_stores(vector):
    word = int(vector["word"], 16)
    assert unpack_record(SOURCE, word) == score(vector)
    assert pack_record(score(vector)) == word


@pytest.mark.parametrize("vector", VECTORS["additions"])
def test_adding_an_update_gives_the_ledgers_next_word(vector):
    update = vector["update"]
    names = ("supported", "contradicted", "used", "asked")
    after = unpack_record(SOURCE, int(vector["after"], 16))
    added = add_update(
        unpack_record(SOURCE, int(vector["before"], 16)),
        ScoreUpdate(SOURCE, *(update[name] for name in names)),
        after.updated_at,
    )
    assert added == after


def test_a_counter_never_passes_its_48_bits():
    full = Score(SOURCE, contradicted=MAX_COUNTER)
    with pytest.raises(InputError, match="counter of source 7"):
        add_update(full, ScoreUpdate(SOURCE, 0, 1, 0, 0), time=1)


def test_a_word_with_bits_above_its_fields_is_refused():
    with pytest.raises(InputError, match="bits set above"):
        unpack_record(SOURCE, 1 << 232)


def test_reliability_is_one_half_without_evidence_and_moves_with_it():
    assert Score(SOURCE).reliability == 0.5
    assert Score(SOURCE, supported=300).reliability == 0.8
    assert Score(SOURCE, contradicted=300).reliability == 0.2
    assert Score(SOURCE, supported=50, contradicted=25).evidence == 0.75
    assert Score(SOURCE, used=100, asked=200).usefulness == 0.5

import pytest

from chainrep.errors import StoreError
from chainrep.store.db import open_store, transaction
from chainrep.store.pace import Pace, Paces

LEDGER = "eip155:1:0xledger"


@pytest.fixture
def db(tmp_path):
    return open_store(tmp_path / "store.sqlite")


def test_a_store_without_a_pace_knows_nothing(db):
    assert Paces(db, LEDGER).load() == Pace()


def test_a_pace_is_there_after_the_store_is_opened_again(db, tmp_path):
    pace = Pace(multiplier=2**62, block=19_000_000, day=20_000, spent=5)
    Paces(db, LEDGER).save(pace)
    assert Paces(open_store(tmp_path / "store.sqlite"), LEDGER).load() == pace


def test_more_wei_than_sqlite_has_integers_for_are_kept_to_the_last(db):
    paces = Paces(db, LEDGER)
    paces.save(Pace(spent=10**30 + 1))
    assert paces.load().spent == 10**30 + 1


def test_the_last_pace_counts_and_every_ledger_has_its_own(db):
    ours, others = Paces(db, LEDGER), Paces(db, "eip155:8453:0xledger")
    ours.save(Pace(spent=1))
    others.save(Pace(spent=2))
    ours.save(Pace(spent=3))
    assert (ours.load().spent, others.load().spent) == (3, 2)


def test_a_pace_is_undone_with_the_transaction_that_it_is_part_of(db):
    paces = Paces(db, LEDGER)
    paces.save(Pace(spent=1))
    with pytest.raises(StoreError, match="NOT NULL"), transaction(db):
        save_and_fail(paces)
    assert paces.load().spent == 1


def save_and_fail(paces):
    paces.save(Pace(spent=2))
    paces.db.execute("INSERT INTO pace (ledger) VALUES (?)", (LEDGER,))

"""The indexer is killed at any of its SQLite statements, and the next run makes good for it."""

import sqlite3
from contextlib import closing

import pytest

from chainrep.chain.client import Client
from chainrep.node.log_ranges import RangeSize
from tests.node.meddler import Remembering
from tests.node.mortal import NEVER, run_mortal
from tests.node.reading import RIGHT, WRONG, digest, indexer_in, seeded

KILLS = 120
STEP = RangeSize(3, ceiling=3)


def catch_up_in_child(writer, client, path, at=NEVER, after=False):
    return run_mortal(lambda: indexer_in(writer, path, client, size=STEP).catch_up(), at, after)


@pytest.mark.parametrize("disturbed", [False, True], ids=["filling", "reorganised"])
def test_a_kill_at_any_statement_loses_nothing(written, writer, whole, tmp_path, disturbed):
    origin = tmp_path / "origin.sqlite"
    expected = digest(whole)
    if disturbed:  # the store knows blocks that the chain then takes back
        chain, _ = written
        fork = chain.take_snapshot()
        for _ in range(5):
            writer.judge({1: RIGHT, 2: WRONG})
        indexer_in(writer, origin, size=STEP).catch_up()
        chain.revert_to_snapshot(fork)
        for _ in range(6):
            writer.judge({2: RIGHT, 3: WRONG})
        whole.catch_up()
        expected = digest(whole)
    else:
        indexer_in(writer, origin).index.forget()
    client = Client(Remembering(writer.client), "the embedded chain")
    indexer_in(writer, copied(origin, tmp_path / "first.sqlite"), client, size=STEP).catch_up()
    undisturbed = copied(origin, tmp_path / "undisturbed.sqlite")
    killed, statements = catch_up_in_child(writer, client, undisturbed)
    assert not killed
    assert statements > 50
    rng = seeded(20)
    for number in range(KILLS // 2):
        path = copied(origin, tmp_path / f"{number}.sqlite")
        at = rng.randint(1, statements - 1)
        killed, _ = catch_up_in_child(writer, client, path, at, after=bool(number % 2))
        assert killed
        resumed = indexer_in(writer, path, client, size=STEP)
        resumed.catch_up()
        assert digest(resumed) == expected
        assert resumed.index.cursor().verified
        resumed.index.db.close()


def copied(origin, path):
    """A copy of a store, whatever still stands in its write-ahead log included."""
    with closing(sqlite3.connect(origin)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
    return path

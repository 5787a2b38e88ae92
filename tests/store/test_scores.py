"""Whatever the steps and however often the chain goes back, the index ends as if read at once."""

import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.protocol.compact_batch import pack_compact
from chainrep.protocol.types import ScoreUpdate
from chainrep.store.chain_index import ChainIndex, index_digest
from chainrep.store.db import open_store
from chainrep.store.score_view import ScoreView
from tests.store.event_builder import (
    ADDRESSES,
    ALICE,
    BOB,
    applied,
    bound,
    checkpoint,
    opened,
    rated,
    registered,
    retired,
    rotated,
    time_of,
)

LEDGER = "eip155:1:ledger"
SOURCES = 4
deltas = st.tuples(*[st.integers(0, 300)] * 4)
updates = st.dictionaries(st.integers(1, SOURCES), deltas, min_size=1).map(
    lambda given: [ScoreUpdate(source, *given[source]) for source in sorted(given)]
)
blocks = st.lists(
    st.one_of(
        st.tuples(st.just("apply"), updates),
        st.tuples(st.just("rate"), updates),
        st.tuples(
            st.sampled_from(["rotate", "retire", "bind", "nothing"]), st.integers(1, SOURCES)
        ),
    ),
    max_size=6,
)
stories = st.lists(st.tuples(st.integers(0, 8), blocks, st.integers(1, 4)), min_size=1, max_size=4)


@given(stories, st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_rolling_back_and_going_on_equals_reading_once(story, archive):
    """A story is: undo so many blocks, add these, in steps of so many blocks."""
    chain = [[opened(1, archive), *(registered(1, i, log=i) for i in range(1, SOURCES + 1))]]
    with tempfile.TemporaryDirectory() as folder:
        db = unsynced(Path(folder) / "a.sqlite")
        index = ChainIndex(db, LEDGER, ADDRESSES)
        add(index, chain, 1, "")
        view = ScoreView(Path(folder) / "a.sqlite", LEDGER, half_life=50.0, clock=lambda: 1.8e9)
        view.standings()
        for number, (undone, more, step) in enumerate(story):
            kept = max(1, len(chain) - undone)
            if kept < len(chain):
                cursor = index.cursor()
                to = next((c for c in index.checkpoints() if c.block <= kept), None)
                assert index.roll_back(cursor, to)
                chain = chain[:kept]
            for kind, what in more:
                chain.append(block_of(chain, kind, what, archive))
            add(index, chain, step, str(number))
            fresh = unsynced(Path(folder) / f"{number}.sqlite")
            add(ChainIndex(fresh, LEDGER, ADDRESSES), chain, len(chain), "once")
            assert index_digest(db, LEDGER) == index_digest(fresh, LEDGER)
            anew = ScoreView(
                Path(folder) / f"{number}.sqlite", LEDGER, half_life=50.0, clock=lambda: 1.8e9
            )
            assert view.standings() == anew.standings()
            assert totals(view) == expected(chain)
            anew.close()
            fresh.close()
        view.close()
        db.close()


def unsynced(path):
    """A store that does not wait for the disk: nothing is killed here."""
    db = open_store(path)
    db.execute("PRAGMA synchronous = OFF")
    return db


def add(index, chain, step, fork):
    """Index the blocks that are not yet, ``step`` at a time."""
    while (cursor := index.cursor()) is None or cursor.block < len(chain):
        done = cursor.block if cursor else 0
        last = min(len(chain), done + step)
        events = [event for block in chain[done:last] for event in block]
        assert index.extend(cursor, events, [checkpoint(last, events, cursor, fork)])


def block_of(chain, kind, what, archive):
    number = len(chain) + 1
    before = [event for block in chain for event in block]
    if kind == "apply":
        nonce = 1 + sum(event.name == "BatchApplied" for event in before)
        return [applied(number, nonce, pack_compact(what) if archive else what)]
    if kind == "rate":
        return [rated(number, what)]
    if kind == "retire":
        return [retired(number, what)]
    if kind == "bind":
        return [bound(number, what, 2**255 + number)]
    if kind == "rotate":
        turns = sum(e.name == "SourceRotated" and e.subject == what for e in before)
        way = (ALICE, BOB) if turns % 2 == 0 else (BOB, ALICE)
        return [rotated(number, what, way, turns + 1)]
    return []


def totals(view):
    scores = (standing.score for standing in view.standings().values())
    return {
        score.source: (score.supported, score.contradicted, score.used, score.asked)
        for score in scores
        if score.updated_at
    }


def expected(chain):
    from chainrep.protocol.compact_batch import unpack_compact
    from chainrep.protocol.score_update import unpack_updates

    sums = defaultdict(lambda: [0, 0, 0, 0])
    archive = chain[0][0].values["archive"]
    for event in (event for block in chain for event in block if event.name == "BatchApplied"):
        packed = event.values["updates"]
        for u in unpack_compact(packed) if archive else unpack_updates(packed):
            given = (u.supported, u.contradicted, u.used, u.asked)
            sums[u.source] = [a + b for a, b in zip(sums[u.source], given, strict=True)]
    return {source: tuple(counters) for source, counters in sums.items()}


def test_an_archives_batch_that_does_not_decode_counts_for_nothing(tmp_path):
    db = open_store(tmp_path / "store.sqlite")
    index = ChainIndex(db, LEDGER, ADDRESSES)
    good = pack_compact([ScoreUpdate(1, 100, 0, 0, 100)])
    first = [opened(1, archive=True), registered(1, 1, log=1)]
    add(index, [first, [applied(2, 1, b"\xff\xff")], [applied(3, 2, good)]], 3, "")
    view = ScoreView(tmp_path / "store.sqlite", LEDGER)
    assert view.standing(1).score.supported == 100
    assert [change.time for change in view.history(1)] == [time_of(3)]


def test_a_ledger_of_scores_cannot_have_taken_a_batch_that_does_not_decode(tmp_path):
    index = ChainIndex(open_store(tmp_path / "store.sqlite"), LEDGER, ADDRESSES)
    with pytest.raises(InputError, match="whole number of updates"):
        add(index, [[opened(1)], [applied(2, 1, b"\xff\xff")]], 2, "")
    assert index.cursor() is None

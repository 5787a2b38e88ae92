from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from chainrep.errors import InputError, StoreError, UnknownSource
from chainrep.protocol.types import Score, ScoreUpdate
from chainrep.store.chain_index import ChainIndex
from chainrep.store.db import open_store
from chainrep.store.score_view import ScoreView
from chainrep.store.scores import ScoreChange
from tests.store.event_builder import (
    ADDRESSES,
    ALICE,
    BOB,
    applied,
    bound,
    checkpoint,
    opened,
    registered,
    retired,
    rotated,
    time_of,
)

LEDGER = "eip155:1:ledger"
DAY = 86_400
GOOD, BAD = (100, 0, 100, 100), (0, 100, 0, 100)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture
def index(path):
    """Two sources, of which the first was right once in block 2."""
    index = ChainIndex(open_store(path), LEDGER, ADDRESSES)
    begin = [opened(1), registered(1, 1, log=1), registered(1, 2, log=2)]
    extend(index, 1, *begin)
    extend(index, 2, judged(2, 1, {1: GOOD}))
    return index


def judged(block, nonce, deltas, log=0):
    return applied(block, nonce, [ScoreUpdate(i, *deltas[i]) for i in sorted(deltas)], log)


def extend(index, block, *events, fork=""):
    cursor = index.cursor()
    assert index.extend(cursor, events, [checkpoint(block, events, cursor, fork)])


def view_of(path, half_life=None, now=None):
    return ScoreView(path, LEDGER, half_life, clock=lambda: now if now else time_of(2))


def test_a_score_is_read_with_the_block_and_time_that_it_is_of(index, path):
    view = view_of(path)
    known = view.standing(1)
    assert known.score == Score(1, 100, 0, 100, 100, time_of(2))
    assert (known.supported, known.used, known.asked) == (1.0, 1.0, 1.0)
    assert (known.source, known.evidence, known.usefulness) == (1, 1.0, 2 / 3)
    assert known.reliability == pytest.approx(2 / 3)
    assert known.lower_bound == pytest.approx(0.05**0.5)  # Beta(2, 1): x² = 0.05
    assert (view.block, view.as_of) == (2, time_of(2))


def test_a_source_that_nobody_judged_has_an_even_chance(index, path):
    known = view_of(path).standing(2)
    assert (known.evidence, known.reliability, known.score) == (0.0, 0.5, Score(2))
    assert known.lower_bound == pytest.approx(0.05)


def test_what_another_connection_writes_is_seen_at_the_next_read(index, path):
    view = view_of(path)
    assert view.standing(1).score.supported == view.standings()[1].score.supported == 100
    extend(index, 5, judged(4, 2, {1: GOOD, 2: BAD}), judged(5, 3, {1: BAD}))
    assert view.standing(1).score == Score(1, 200, 100, 200, 300, time_of(5))
    assert view.standing(2).score.contradicted == 100
    assert view.block == 5
    extend(index, 6, registered(6, 3))
    assert view.standing(3).evidence == 0
    assert list(view.standings()) == [1, 2, 3]


def test_what_was_taken_back_is_gone_at_the_next_read(index, path):
    view = view_of(path, half_life=DAY)
    fork = index.cursor()
    extend(index, 4, registered(3, 3), judged(4, 2, {1: BAD, 3: BAD}))
    assert view.standing(3).evidence > 0
    index.roll_back(index.cursor(), fork)
    assert view.standing(1).score == Score(1, 100, 0, 100, 100, time_of(2))
    with pytest.raises(UnknownSource, match="id 3"):
        view.standing(3)
    extend(index, 4, judged(4, 2, {1: GOOD}), fork="other")
    assert view.standing(1).score.supported == 200
    assert (view.block, list(view.standings())) == (4, [1, 2])


@pytest.mark.parametrize("half_life", [10.0, DAY, 365 * DAY])
def test_evidence_fades_by_half_in_every_half_life(index, path, half_life):
    extend(index, 9, judged(5, 2, {1: GOOD}), judged(9, 3, {1: BAD, 2: GOOD}))
    now = time_of(9) + 3 * half_life
    view = view_of(path, half_life, now)
    weights = [2 ** (-(now - time_of(block)) / half_life) for block in (2, 5, 9)]
    known = view.standing(1)
    assert known.supported == pytest.approx(weights[0] + weights[1])
    assert known.contradicted == pytest.approx(weights[2]) == pytest.approx(1 / 8)
    assert known.asked == pytest.approx(sum(weights))
    expected = (known.supported + 1) / (known.supported + known.contradicted + 2)
    assert known.reliability == pytest.approx(expected)
    assert known.score == Score(1, 200, 100, 200, 300, time_of(9)), "the ledger's own never fades"


def test_what_is_added_bit_by_bit_weighs_exactly_what_it_weighs_when_read_at_once(index, path):
    now = time_of(400)
    view = view_of(path, 777.0, now)
    view.standings()
    for number in range(3, 40):
        given = {1: (number, 2, 3, 4), 2: (7, number, 0, 1)}
        extend(index, 3 * number, judged(3 * number, number - 1, given))
        if number % 5 == 0:
            view.standing(1)
    assert view.standings() == view_of(path, 777.0, now).standings()


def test_very_old_evidence_weighs_nothing_and_a_slow_clock_makes_nothing_heavier(index, path):
    old = view_of(path, 1.0, time_of(2) + 10**9).standing(1)
    assert (old.supported, old.reliability) == (0.0, 0.5)
    assert view_of(path, 60.0, time_of(2) - 10**6).standing(1).supported == 1.0


def test_two_readers_may_have_two_half_lives(index, path):
    now = time_of(2) + DAY
    found = [view_of(path, half_life, now).standing(1).supported for half_life in (None, DAY)]
    assert found == [1.0, pytest.approx(0.5)]


@pytest.mark.parametrize("half_life", [0, -5.0, float("inf"), float("nan")])
def test_a_half_life_that_is_none_is_refused(index, path, half_life):
    with pytest.raises(InputError, match="half-life"):
        view_of(path, half_life)


def test_the_history_of_a_source_tells_every_change(index, path):
    extend(index, 5, judged(5, 2, {1: BAD, 2: GOOD}, log=3))
    view = view_of(path)
    assert view.history(1) == [
        ScoreChange(2, 0, time_of(2), *GOOD),
        ScoreChange(5, 3, time_of(5), *BAD),
    ]
    assert len(view.history(2)) == 1
    assert view.history(99) == []


def test_the_sources_are_told_with_what_became_of_them(index, path):
    view = view_of(path)
    extend(
        index, 6,
        rotated(3, 1, (ALICE, BOB), 1), bound(4, 1, 2**200), retired(5, 2), bound(6, 1, 7),
    )  # fmt: skip
    one, two = view.sources()
    assert (one.owner.lower(), one.rotations, one.agent, one.retired) == (BOB, 1, 7, False)
    assert (two.owner.lower(), two.rotations, two.agent, two.retired) == (ALICE, 0, None, True)
    assert (two.uri, two.registered_at) == ("https://2.example", time_of(1))


def test_an_id_that_is_no_source_is_unknown_until_it_is_one(index, path):
    view = view_of(path)
    with pytest.raises(UnknownSource, match="id 3 at block 2"):
        view.standing(3)
    extend(index, 3, registered(3, 3))
    assert view.standing(3).evidence == 0


def test_an_index_that_was_not_compared_with_the_contracts_is_not_believed(index, path):
    view = view_of(path)
    view.standing(1)
    cursor = index.cursor()
    events = [judged(3, 2, {1: BAD})]
    unsure = replace(checkpoint(3, events, cursor), verified=False)
    index.extend(cursor, events, [unsure])
    with pytest.raises(StoreError, match="not yet compared"):
        view.standing(1)
    with pytest.raises(StoreError, match="not yet compared"):
        view_of(path)
    index.confirm(unsure)
    assert view.standing(1).score.contradicted == 100


def test_without_a_store_or_an_index_the_reader_is_told_what_to_run(path):
    with pytest.raises(StoreError, match=r"no store at .* `chainrep node run`"):
        view_of(path)
    with closing(open_store(path)) as db:
        with pytest.raises(StoreError, match="no index of eip155:1:ledger"):
            view_of(path)
        ChainIndex(db, LEDGER, ADDRESSES)
        with pytest.raises(StoreError, match="no index"):
            view_of(path)
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="schema 2"):
        view_of(path)


def test_a_file_that_is_no_store_is_a_clear_stop(path):
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="cannot be read"):
        view_of(path)


def test_a_page_that_was_damaged_is_a_clear_stop(index, path):
    for block in range(3, 200):
        extend(index, block, judged(block, block - 1, {1: GOOD, 2: BAD}))
    index.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    index.db.close()
    with path.open("r+b") as store:
        store.seek(4_096)
        store.write(b"\xff" * (path.stat().st_size - 4_096))
    with pytest.raises(StoreError, match="cannot be read"):
        view_of(path).standings()


def test_reading_never_writes(index, path):
    before = path.read_bytes(), index.db.execute("PRAGMA data_version").fetchone()[0]
    view = view_of(path, 60.0)
    view.standings()
    view.close()
    assert (path.read_bytes(), index.db.execute("PRAGMA data_version").fetchone()[0]) == before


def test_many_threads_read_one_view_while_the_index_goes_on(index, path):
    view = view_of(path, 3_600.0, time_of(500))

    def read(number):
        found = view.standing(1 + number % 2).score
        return found.asked % 100 == 0 and view.standings()[1].score.supported % 100 == 0

    with ThreadPoolExecutor(8) as threads:
        reads = [threads.submit(read, number) for number in range(400)]
        for block in range(3, 60):
            extend(index, block, judged(block, block - 1, {1: GOOD, 2: BAD}))
        assert all(future.result() for future in reads)
    assert view.standing(1).score.supported == 5_800

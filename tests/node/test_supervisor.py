"""The supervisor with real threads: failures waited out, surprises that stop it, a stop in time."""

import logging
import sqlite3
import threading
import time
from contextlib import closing
from threading import Event

import pytest

from chainrep.errors import ChainUnreachable, StoreError
from chainrep.node.part import Doing, OpenPart, Part
from chainrep.node.supervisor import Supervisor
from chainrep.store.score_view import ScoreView
from tests.node.reading import indexer_in

DOWN = ChainUnreachable("No chain answers at http://a.example.")


class Worker:
    """A part that fails as it is told, and remembers who called it."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.threads, self.opened, self.closed, self.steps = set(), 0, 0, 0
        self.close_error = None
        self.idle = Event()

    def open(self):
        self.threads.add(threading.get_ident())
        self.opened += 1
        return OpenPart(self.step, self.close)

    def step(self):
        self.threads.add(threading.get_ident())
        self.steps += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        if not self.outcomes:
            self.idle.set()
        return True

    def close(self):
        self.closed += 1
        if self.close_error is not None:
            raise self.close_error


class Pauses:
    """Ends every pause at once, and remembers how long it should have been."""

    def __init__(self):
        self.seconds = []

    def __call__(self, stop, seconds):
        self.seconds.append(seconds)
        return stop.wait(0.001)


@pytest.fixture
def pauses():
    return Pauses()


def supervise(*workers, pauses, **options):
    parts = [Part(f"part{i}", worker.open) for i, worker in enumerate(workers)]
    options = {"pause": pauses, "chance": lambda: 1.0, "poll_seconds": 7.0} | options
    supervisor = Supervisor(parts, **options)
    supervisor.start()
    return supervisor


def ended(supervisor):
    deadline = time.monotonic() + 60
    while any(state.doing is not Doing.STOPPED for state in supervisor.states()):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_part_is_opened_stepped_and_closed_in_a_thread_of_its_own(pauses):
    one, two = Worker(), Worker()
    supervisor = supervise(one, two, pauses=pauses)
    assert one.idle.wait(60)
    assert two.idle.wait(60)
    assert supervisor.stop(60) == []
    assert len(one.threads | two.threads) == 2
    assert threading.get_ident() not in one.threads | two.threads
    assert (one.opened, one.closed) == (1, 1)
    assert set(pauses.seconds) == {7.0}
    assert [state.doing for state in supervisor.states()] == [Doing.STOPPED] * 2


def test_pauses_double_up_to_a_minute_and_start_small_again_after_a_success(pauses):
    worker = Worker(*[DOWN] * 9, None, DOWN)
    supervisor = supervise(worker, pauses=pauses)
    assert worker.idle.wait(60)
    supervisor.stop(60)
    waited = [seconds for seconds in pauses.seconds if seconds != 7.0]
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]
    assert (worker.opened, worker.closed) == (11, 11)
    (state,) = supervisor.states()
    assert (state.failures, state.in_a_row, state.failure) == (10, 0, None)


def test_chance_spreads_the_restarts_over_half_of_the_pause(pauses):
    worker = Worker(DOWN, DOWN)
    supervisor = supervise(worker, pauses=pauses, chance=lambda: 0.0)
    assert worker.idle.wait(60)
    supervisor.stop(60)
    assert pauses.seconds[:2] == [0.5, 1.0]


def test_the_same_failure_is_told_once_and_so_is_its_end(pauses, caplog):
    caplog.set_level(logging.INFO, "chainrep")
    worker = Worker(DOWN, DOWN, StoreError("The disk is full."), DOWN, None, DOWN)
    supervisor = supervise(worker, pauses=pauses)
    assert worker.idle.wait(60)
    supervisor.stop(60)
    told = [(record.part, record.getMessage()) for record in caplog.records]
    assert told == [
        ("part0", str(DOWN)),
        ("part0", "The disk is full."),
        ("part0", str(DOWN)),
        ("part0", "works again"),
        ("part0", str(DOWN)),
        ("part0", "works again"),
    ]
    assert caplog.records[0].error == "ChainUnreachable"


def test_a_state_tells_since_when_a_part_does_nothing_well():
    time_now, backing_off = [100.0], Event()

    def pause(stop, seconds):
        backing_off.set()
        return stop.wait(5)

    worker = Worker(DOWN)
    supervisor = supervise(worker, pauses=pause, clock=lambda: time_now[0])
    assert backing_off.wait(60)
    time_now[0] = 130.0
    (state,) = supervisor.states()
    assert (state.doing, state.failure, state.failures) == (Doing.BACKING_OFF, DOWN, 1)
    assert state.silent_for(130.0) == 30.0
    assert supervisor.stop(60) == []


def test_a_success_is_noted_by_both_clocks(pauses):
    worker = Worker()
    supervisor = supervise(worker, pauses=pauses, clock=lambda: 5.0, wall=lambda: 1_700_000_000.0)
    assert worker.idle.wait(60)
    supervisor.stop(60)
    (state,) = supervisor.states()
    assert (state.last_success, state.last_success_time) == (5.0, 1_700_000_000.0)


@pytest.mark.parametrize("surprise", [KeyError("x"), SystemExit(0), sqlite3.ProgrammingError("y")])
def test_what_nobody_expected_is_told_with_its_traceback_and_stops_every_part(
    pauses, caplog, surprise
):
    well, broken = Worker(), Worker(surprise)
    supervisor = supervise(well, broken, pauses=pauses)
    ended(supervisor)
    assert supervisor.broken is surprise
    assert supervisor.stop(60) == []
    assert (well.closed, broken.closed) == (1, 1) or (well.opened, well.closed) == (0, 0)
    (record,) = [r for r in caplog.records if r.levelno == logging.CRITICAL]
    assert record.exc_info[1] is surprise
    assert record.part == "part1"


def test_a_part_that_cannot_be_opened_is_tried_again(pauses):
    worker = Worker()
    tries = [StoreError("The store cannot be opened."), None]

    def open_part():
        failure = tries.pop(0)
        if failure is not None:
            raise failure
        return worker.open()

    supervisor = Supervisor([Part("part", open_part)], pause=pauses)
    supervisor.start()
    assert worker.idle.wait(60)
    supervisor.stop(60)
    assert (worker.opened, worker.closed, tries) == (1, 1, [])


def test_a_failure_to_close_is_told_and_hides_no_other(pauses, caplog):
    worker = Worker(DOWN, ZeroDivisionError("surprise"))
    worker.close_error = StoreError("The disk is full.")
    supervisor = supervise(worker, pauses=pauses)
    ended(supervisor)
    assert isinstance(supervisor.broken, ZeroDivisionError)
    told = [record.getMessage() for record in caplog.records]
    assert told.count("The disk is full.") == 2
    assert str(DOWN) in told


def test_a_stop_lets_the_step_under_way_end_and_names_who_does_not(pauses):
    began, go_on = Event(), Event()

    class Slow(Worker):
        def step(self):
            began.set()
            go_on.wait(60)
            return super().step()

    slow = Slow()
    supervisor = supervise(slow, pauses=pauses)
    assert began.wait(60)
    assert supervisor.stop(0.05) == ["part0"]
    assert slow.closed == 0
    go_on.set()
    assert supervisor.stop(60) == []
    assert (slow.steps, slow.closed) == (1, 1)


def test_a_stop_ends_a_long_pause_at_once():
    worker = Worker()
    supervisor = Supervisor([Part("part", worker.open)], poll_seconds=3_600)
    supervisor.start()
    assert worker.idle.wait(60)
    assert supervisor.stop(60) == []


def test_the_real_indexer_is_gone_on_from_where_it_failed(writer, still, tmp_path, pauses):
    path, at_head, failing = tmp_path / "store.sqlite", Event(), [DOWN]

    def open_index():
        indexer = indexer_in(writer, path, still)

        def step():
            progress = indexer.step()
            if failing:
                raise failing.pop()
            if progress.at_head:
                at_head.set()
            return progress.at_head

        return OpenPart(step, indexer.index.db.close)

    supervisor = Supervisor([Part("indexer", open_index)], pause=pauses)
    supervisor.start()
    assert at_head.wait(60)
    assert supervisor.stop(60) == []
    with closing(ScoreView(path, writer.session.deployment.ledger_id)) as view:
        assert view.standing(1).score.supported > 0
    assert supervisor.states()[0].failures == 1

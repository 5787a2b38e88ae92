"""What a running service sees to."""

import threading
import time
from threading import Event

import pytest

from chainrep.errors import ChainUnreachable, InputError
from rag.source.upkeep import keep_serving
from tests.rag.source.one_source import PASSAGES, live_corpus, write_file


@pytest.fixture
def live(tmp_path):
    return live_corpus(tmp_path)


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def keep(live, watch, asked, act, check=lambda: None):
    """Run the loop while ``act`` does something, then stop it."""
    stopping = Event()
    arguments = (live, stopping, asked, watch, check, lambda: True)
    thread = threading.Thread(target=keep_serving, args=arguments)
    thread.start()
    act()
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_reload_that_is_asked_for_is_made_once(live):
    asked, old = Event(), live.corpus.version
    write_file(live.path, PASSAGES[:2])

    def act():
        asked.set()
        until(lambda: live.corpus.version != old)

    keep(live, 0.0, asked, act)
    assert not asked.is_set()


def test_a_changed_file_is_served_without_being_asked(live):
    old = live.corpus.version

    def act():
        write_file(live.path, PASSAGES[:2])
        until(lambda: live.corpus.version != old)

    keep(live, 0.05, Event(), act)


def test_without_watching_a_changed_file_is_left_alone(live):
    old = live.corpus.version
    write_file(live.path, PASSAGES[:2])
    keep(live, 0.0, Event(), lambda: time.sleep(0.6))
    assert live.corpus.version == old


def test_a_chain_that_fails_is_asked_again_and_a_source_handed_over_ends_it(live):
    answers = iter([ChainUnreachable("nothing answers"), None, InputError("it belongs to others")])

    def check():
        answer = next(answers)
        if answer is not None:
            raise answer

    with pytest.raises(InputError, match="belongs to others"):
        keep_serving(live, Event(), Event(), 0.0, check, lambda: True, owner_seconds=0.0)


def test_a_server_that_broke_down_ends_it(live):
    keep_serving(live, Event(), Event(), 0.0, lambda: None, lambda: False)

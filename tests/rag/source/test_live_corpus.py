"""A corpus that changes while it is served."""

import threading
from contextlib import suppress

import pytest

from chainrep.errors import StoreError
from rag.errors import DatasetError
from rag.source.index_folder import IndexFolder
from rag.source.live_corpus import LiveCorpus
from rag.types import Passage
from tests.rag.source.one_source import PASSAGES, live_corpus, write_file

MORE = (*PASSAGES, Passage("The Rhine ends in the North Sea.", "Rivers"))


@pytest.fixture
def live(tmp_path):
    return live_corpus(tmp_path)


def test_a_new_corpus_takes_the_place_of_the_old_one(live):
    old = live.corpus
    write_file(live.path, MORE)
    assert live.corpus is old
    assert live.reload()
    assert live.corpus.search("Rhine", 1) == MORE[-1:]
    assert old.search("Rhine", 1) == ()
    assert live.health.passages == 4
    assert live.health.corpus == live.corpus.version != old.version


def test_the_same_corpus_again_changes_nothing(live):
    old = live.corpus
    write_file(live.path, PASSAGES)
    assert not live.reload()
    assert live.corpus is old


@pytest.mark.parametrize("content", ["", "{", '{"question": "no passage"}', "\x00" * 9])
def test_a_broken_corpus_keeps_the_old_one_and_says_so(live, caplog, content):
    old = live.corpus
    live.path.write_text(content)
    assert not live.reload()
    assert live.corpus is old
    assert live.health.status == "old"
    assert str(live.path) not in live.health.reason
    assert str(live.path) in caplog.text
    write_file(live.path, MORE)
    assert live.reload()
    assert (live.health.status, live.health.reason) == ("ok", "")


def test_a_corpus_that_is_gone_or_has_one_broken_file_keeps_the_old_one(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("The Danube begins in the Black Forest.")
    live = LiveCorpus(folder, IndexFolder(tmp_path / "i"), live_corpus(tmp_path)._method, lambda: 0)
    (folder / "b.md").write_bytes(b"\xff\xfe no UTF-8")
    assert not live.reload()
    assert live.health.status == "old"
    (folder / "b.md").unlink()
    (folder / "a.txt").unlink()
    assert not live.reload()
    assert len(live.corpus.search("Danube", 1)) == 1


def test_a_disk_that_fails_keeps_the_old_one(live, monkeypatch):
    def full(*_):
        raise StoreError("No space is left.")

    monkeypatch.setattr(IndexFolder, "open", full)
    write_file(live.path, MORE)
    assert not live.reload()
    assert live.health.status == "old"


def test_what_nobody_expected_is_raised_and_said_as_well(live, monkeypatch):
    def broken(*_):
        raise MemoryError

    monkeypatch.setattr(IndexFolder, "open", broken)
    with pytest.raises(MemoryError):
        live.reload()
    assert live.health.status == "old"


def test_a_changed_file_is_noticed_once_it_is_no_longer_being_written(live):
    assert not live.changed()
    write_file(live.path, MORE)
    assert not live.changed()
    assert live.changed()
    live.reload()
    assert not live.changed()
    live.path.unlink()
    assert not live.changed()
    assert live.changed()


def test_a_new_file_in_a_folder_is_noticed(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("The Danube begins in the Black Forest.")
    live = LiveCorpus(folder, IndexFolder(tmp_path / "i"), live_corpus(tmp_path)._method, lambda: 0)
    (folder / "notes.pdf").write_text("not part of the corpus")
    assert not live.changed()
    assert not live.changed()
    (folder / "b.md").write_text("The Rhine.")
    assert not live.changed()
    assert live.changed()


def test_a_corpus_that_cannot_be_served_at_all_is_an_error(tmp_path, live):
    with pytest.raises(DatasetError, match="no dataset"):
        LiveCorpus(tmp_path / "none", IndexFolder(tmp_path / "i"), live._method, lambda: 0)


def test_age_is_how_long_a_version_has_been_served(tmp_path, live):
    clock = iter([100.0, 107.5])
    folder = IndexFolder(tmp_path / "i")
    aged = LiveCorpus(live.path, folder, live._method, lambda: next(clock))
    assert aged.health.age_seconds == 7.5


def test_searches_while_corpora_are_swapped_see_one_version_each(live):
    stopping = threading.Event()
    torn = []

    def ask():
        while not stopping.is_set():
            corpus = live.corpus
            found = corpus.search("rivers", 50)
            if len(found) != len(corpus.passages) - 1:  # all but the mountain
                torn.append(found)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(6):
        write_file(live.path, MORE if i % 2 == 0 else PASSAGES)
        assert live.reload()
    stopping.set()
    for thread in threads:
        thread.join()
    assert torn == []


@pytest.mark.parametrize("error", [StoreError("No space is left."), MemoryError()])
def test_what_is_no_fault_of_the_corpus_is_tried_again_at_the_next_look(live, monkeypatch, error):
    def fail(*_):
        raise error

    write_file(live.path, MORE)
    with monkeypatch.context() as failing:
        failing.setattr(IndexFolder, "open", fail)
        with suppress(MemoryError):
            assert not live.reload()
    assert live.health.status == "old"
    assert live.changed()
    assert live.reload()
    assert (live.health.status, live.health.passages) == ("ok", 4)
    assert not live.changed()


def test_a_corpus_that_cannot_be_read_is_not_tried_again_until_it_changes(live):
    live.path.write_text("{")
    assert not live.reload()
    assert [live.changed() for _ in range(3)] == [False] * 3

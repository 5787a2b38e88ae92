"""Evidence on a real disk: found by its root, whole or not at all."""

import errno
import os
import time
from dataclasses import replace
from multiprocessing import get_context
from threading import Thread

import pytest

from chainrep.errors import InputError, StoreError
from chainrep.protocol.evidence import EvidenceRecord, evidence_tree
from chainrep.protocol.evidence_file import dump_evidence
from chainrep.protocol.types import FeedbackKind
from chainrep.store.evidence import EvidenceStore

ONE = EvidenceRecord(bytes(32), 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1_700_000_000)
RECORDS = [replace(ONE, id=i.to_bytes(32), receipt=bytes(i)) for i in range(20)]
ROOT = evidence_tree(RECORDS).root


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "home" / "evidence")


def files(store):
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def test_what_was_put_is_found_by_its_root_alone(store):
    assert store.get(ROOT) is None
    assert store.put(RECORDS[::-1]) == ROOT
    again = EvidenceStore(store.folder)
    assert again.get(ROOT) == again.read(ROOT) == dump_evidence(RECORDS)
    (path,) = files(store)
    assert again.find(ROOT) == path == store.folder / ROOT.hex()[:2] / f"{ROOT.hex()}.json"


def test_putting_the_same_again_changes_nothing(store):
    store.put(RECORDS)
    before = files(store)[0].stat()
    assert store.put(RECORDS) == ROOT
    after = files(store)[0].stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_makes_no_evidence_leaves_nothing(store):
    for records in ([], [ONE, ONE]):
        with pytest.raises(InputError):
            store.put(records)
    assert files(store) == []


@pytest.mark.parametrize("root", [b"", bytes(31), b"../../../../etc/passwd"])
def test_a_root_of_another_length_reaches_no_file(store, root):
    for ask in (store.get, store.read, store.find):
        with pytest.raises(InputError, match="32 bytes"):
            ask(root)


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content.replace(b'"supported":100', b'"supported":900', 1),
        lambda content: dump_evidence(RECORDS[1:]),
        lambda content: bytes(49 << 20),
    ],
    ids=["cut", "empty", "altered", "another", "huge"],
)
def test_a_file_that_does_not_hash_to_its_name_is_never_given_out_as_evidence(store, harm):
    store.put(RECORDS)
    assert store.find(ROOT)
    path = files(store)[0]
    path.write_bytes(harm(path.read_bytes()))
    for ask in (store.get, store.find):
        with pytest.raises(StoreError, match="damaged") as caught:
            ask(ROOT)
        assert "backup" in caught.value.remedy
    assert store.put(RECORDS) == ROOT
    assert store.get(ROOT) == dump_evidence(RECORDS)


def test_a_file_is_checked_once_and_again_when_it_was_touched(store, monkeypatch):
    store.put(RECORDS)
    checks = []
    check = EvidenceStore.get
    monkeypatch.setattr(EvidenceStore, "get", lambda s, r: checks.append(r) or check(s, r))
    assert store.find(ROOT) == store.find(ROOT)
    assert len(checks) == 1
    os.utime(store.find(ROOT), (1, 1))
    store.find(ROOT)
    assert len(checks) == 2


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_full_disk_is_a_sentence_and_leaves_no_half_file(store, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store.put(RECORDS[:3])
    before = files(store)
    with monkeypatch.context() as patched:
        patched.setattr(f"pathlib.Path.{call}" if call == "open" else f"os.{call}", full)
        with pytest.raises(StoreError, match="No space left") as caught:
            store.put(RECORDS)
    assert "Make room" in caught.value.remedy
    assert files(store) == before
    assert store.put(RECORDS) == ROOT


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "evidence").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be kept"):
        EvidenceStore(tmp_path / "evidence").put(RECORDS)


def killed_while_writing(folder):
    def killed(*_):
        os._exit(9)

    os.replace = killed
    EvidenceStore(folder).put(RECORDS)


def test_a_kill_before_the_name_leaves_only_a_draft_which_goes_after_an_hour(store):
    writer = get_context("fork").Process(target=killed_while_writing, args=(store.folder,))
    writer.start()
    writer.join(60)
    assert writer.exitcode == 9
    (draft,) = files(store)
    assert draft.parent.name == "drafts"
    assert EvidenceStore(store.folder).get(ROOT) is None
    assert files(store) == [draft]
    hour_ago = time.time() - 3_700
    os.utime(draft, (hour_ago, hour_ago))
    assert EvidenceStore(store.folder).put(RECORDS) == ROOT
    assert [path.name for path in files(store)] == [f"{ROOT.hex()}.json"]


def test_many_writers_of_the_same_and_of_different_evidence_do_not_disturb_each_other(store):
    writers = [Thread(target=store.put, args=(RECORDS[: 1 + i % 4],)) for i in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(files(store)) == 4
    for count in range(1, 5):
        root = evidence_tree(RECORDS[:count]).root
        assert store.get(root) == dump_evidence(RECORDS[:count])


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(store):
    path = store.folder / ROOT.hex()[:2] / f"{ROOT.hex()}.json"
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(StoreError, match="no file"):
        store.read(ROOT)

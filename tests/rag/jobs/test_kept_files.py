"""Files that must outlive a kill."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chainrep.errors import StoreBusy, StoreError
from rag.jobs.kept_files import KeptFiles
from tests.tools import ROOT


def test_what_was_put_is_there_for_the_next_program_and_for_its_owner_only(tmp_path):
    KeptFiles(tmp_path / "kept").put("a.ballot", b"secret")
    again = KeptFiles(tmp_path / "kept")
    assert again.get("a.ballot") == b"secret"
    assert again.names(".ballot") == ["a.ballot"]
    assert stat.S_IMODE((tmp_path / "kept" / "a.ballot").stat().st_mode) == 0o600
    again.drop("a.ballot")
    assert again.get("a.ballot") is None
    again.drop("a.ballot")


def test_folders_that_were_made_are_the_owners_only_and_on_the_disk(tmp_path, monkeypatch):
    synced, sync = [], os.fsync

    def noting(file):
        synced.append(Path(f"/proc/self/fd/{file}").readlink())
        sync(file)

    monkeypatch.setattr(os, "fsync", noting)
    KeptFiles(tmp_path / "jobs" / "chain" / "provider")
    made = [tmp_path / "jobs", tmp_path / "jobs" / "chain", tmp_path / "jobs" / "chain/provider"]
    assert synced == [tmp_path, *made]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in made} == {0o700}


def test_a_killed_writer_leaves_the_old_content_or_the_new_one(tmp_path):
    script = (
        "import sys; from pathlib import Path; from rag.jobs.kept_files import KeptFiles\n"
        "kept = KeptFiles(Path(sys.argv[1])); print('ready', flush=True)\n"
        "while True:\n"
        "    for letter in b'ab': kept.put('x', bytes([letter]) * 200_000)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    writer.stdout.readline()
    kept = KeptFiles(tmp_path)
    while kept.get("x") is None:
        pass
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert kept.get("x") in {b"a" * 200_000, b"b" * 200_000}


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".lock", "A", "x" * 200, "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(StoreError):
        KeptFiles(tmp_path).put(name, b"")


def test_two_programs_never_work_in_one_folder(tmp_path):
    with KeptFiles(tmp_path).sole_use(), pytest.raises(StoreBusy), KeptFiles(tmp_path).sole_use():
        pass
    with KeptFiles(tmp_path).sole_use():
        pass


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="Make room"):
        KeptFiles(tmp_path / "file" / "kept")


def test_what_fails_while_the_folder_is_held_is_not_taken_for_another_program(tmp_path):
    with pytest.raises(BlockingIOError, match="mine"), KeptFiles(tmp_path / "kept").sole_use():
        raise BlockingIOError("mine")

import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StateError
from rag.state.arrays import REMEDY, taken
from rag.state.file import FORMER, MAGIC, naming, read_state, write_state

ARRAYS = {
    "a": np.arange(6, dtype=np.float64).reshape(2, 3),
    "b": np.zeros((0, 4), dtype=np.float32),
    "c": np.array([2**40, -1]),
    "d": np.frombuffer(b"xyz", dtype=np.uint8),
}


def forged(table, body=b""):
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    content = struct.pack("<I", len(text)) + text + body
    return MAGIC + hashlib.sha256(content).digest() + content


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "state"
    write_state(path, "me", ARRAYS)
    learner, found = read_state(path)
    assert learner == "me"
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    assert [p.name for p in tmp_path.iterdir()] == ["state"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"chainrep router 9\n" + bytes(50),
        FORMER + hashlib.sha256(b"").digest(),
        MAGIC,
        MAGIC + hashlib.sha256(b"").digest(),
        forged(b"[" * 60_000),
        forged(b"\xff"),
        forged([]),
        forged({"learner": 1, "arrays": []}),
        forged({"learner": "x", "arrays": [["a", "<f8", [2**60]]]}),
        forged({"learner": "x", "arrays": [["a", "<f8", [2**20, 2**20, 2**20]]]}),
        forged({"learner": "x", "arrays": [["a", "|O", [1]]]}, bytes(8)),
        forged({"learner": "x", "arrays": [["a", "<f8", [-1]]]}),
        forged({"learner": "x", "arrays": [["a", "<f8", [True]]]}, bytes(8)),
        forged({"learner": "x", "arrays": [["a", "<f8", [1]]] * 2}, bytes(16)),
        forged({"learner": "x", "arrays": [["a", "<f8", [1]]]}, bytes(9)),
    ],
)
def test_anything_else_is_refused_with_a_sentence(tmp_path, content):
    path = tmp_path / "state"
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"\. Delete that file"):
        read_state(path)


def test_a_file_of_the_version_before_is_told_from_damage_and_read_by_who_keeps_the_same(tmp_path):
    path = tmp_path / "state"
    write_state(path, "me", ARRAYS)
    path.write_bytes(path.read_bytes().replace(MAGIC, FORMER, 1))
    with pytest.raises(StateError, match=r"/state is no purse of this version\. Delete that file"):
        read_state(path, "purse")
    assert list(read_state(path, "purse", former=True)[1]) == list(ARRAYS)


def test_an_error_about_what_a_file_holds_names_the_file_once(tmp_path):
    path = tmp_path / "state"
    with pytest.raises(StateError) as caught, naming(path):
        taken({}, "sums", np.float64, (1,))
    assert caught.value.summary == (
        f"The stored state lacks sums, or has it in another form ({path})."
    )
    assert caught.value.remedy == REMEDY
    with pytest.raises(StateError) as caught, naming(path):
        read_state(path)
    assert str(caught.value).count(str(path)) == 1


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_garbage_behind_a_right_digest_is_refused_or_read_but_never_crashes(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("state") / "state"
    path.write_bytes(MAGIC + hashlib.sha256(body).digest() + body)
    with pytest.raises(StateError):
        read_state(path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StateError, match="cannot be kept"):
        write_state(tmp_path / "no" / "state", "me", ARRAYS)
    with pytest.raises(StateError, match="cannot be read"):
        read_state(tmp_path / "no" / "state")


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "state"
    write_state(path, "me", {"n": np.zeros(50_000)})
    program = (
        "import sys, itertools, pathlib, numpy as np\n"
        "from rag.state.file import write_state\n"
        "print('ready', flush=True)\n"
        "for n in itertools.count():\n"
        "    write_state(pathlib.Path(sys.argv[1]), 'me', {'n': np.full(50_000, float(n))})\n"
    )
    for pause in (0.03,):
        writer = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        _, found = read_state(path)
        assert len(set(found["n"].tolist())) == 1


def test_what_a_killed_writer_left_is_gone_when_the_file_is_written_next(tmp_path):
    path = tmp_path / "probes[1]"
    program = (
        "import os, pathlib, signal, sys\n"
        "from rag.state.file import write_state\n"
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_state(pathlib.Path(sys.argv[1]), 'me', {})\n"
    )
    assert subprocess.run([sys.executable, "-c", program, path]).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    write_state(path, "me", ARRAYS)
    assert left.exists(), "somebody may be writing it"
    os.utime(left, (0, 0))
    path.unlink()
    (tmp_path / f".probes[1].{'1' * 16}").mkdir()
    others = {f".other.{'0' * 16}", f".probes1.{'0' * 16}", ".probes[1].mine"}
    for name in others:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    others.add(f".probes[1].{'1' * 16}")
    write_state(path, "me", ARRAYS)
    assert {p.name for p in tmp_path.iterdir()} == {path.name, *others}
    assert left.name.startswith(".probes[1].")

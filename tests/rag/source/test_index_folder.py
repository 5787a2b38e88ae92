"""Indexes on the disk: the same for the same passages, whole or not there, never believed."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from unicodedata import unidata_version

import numpy as np
import pytest

from chainrep.errors import StoreBusy, StoreError
from rag.index import QUERY_VERSION
from rag.source.corpus_index import MANIFEST, bm25_method, dense_method, folder_name
from rag.source.index_folder import IndexFolder
from rag.source.passage_file import PassageFile, write_passages
from rag.source.receipts import digest_of
from rag.types import Passage
from tests.rag.source.one_source import PASSAGES
from tests.tools import ROOT

BM25 = bm25_method()
DIGEST = digest_of(PASSAGES)


@pytest.fixture
def folder(tmp_path):
    return IndexFolder(tmp_path / "index")


def place_of(folder, method=BM25):
    return folder.folder / folder_name(method, DIGEST)


def times(place):
    return {path.name: path.stat().st_mtime_ns for path in place.iterdir()}


def test_passages_come_out_of_the_file_as_they_went_in(tmp_path):
    write_passages(tmp_path, PASSAGES)
    opened = PassageFile(tmp_path)
    assert tuple(opened) == PASSAGES
    assert opened[-1] == PASSAGES[-1]
    assert opened[1:] == PASSAGES[1:]
    for place in (3, -4):
        with pytest.raises(IndexError):
            opened[place]


def test_a_saved_index_is_opened_and_not_built_again(folder):
    built = folder.open(PASSAGES, BM25)
    before = times(place_of(folder))
    opened = IndexFolder(folder.folder.parent).open(PASSAGES, BM25)
    assert times(place_of(folder)) == before
    assert opened.version == built.version
    for query in ("Where does the Danube begin?", "mountains", "delta"):
        assert opened.search(query, 3) == built.search(query, 3) != ()


def test_one_corpus_gives_one_version_in_every_program(folder, tmp_path):
    passages = tuple(Passage(f"river {i} of {i % 7} countries", f"No {i}") for i in range(200))
    ours = folder.open(passages, BM25)
    program = (
        "import sys; from pathlib import Path\n"
        "from rag.source.index_folder import IndexFolder\n"
        "from rag.source.corpus_index import bm25_method\n"
        "from rag.types import Passage\n"
        "p = tuple(Passage(f'river {i} of {i % 7} countries', f'No {i}') for i in range(200))\n"
        "print(IndexFolder(Path(sys.argv[1])).open(p, bm25_method()).version.hex())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "theirs")],
        env=os.environ | {"PYTHONHASHSEED": "7"}, cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    assert run.stdout.decode().strip() == ours.version.hex()


def test_other_passages_another_order_and_another_method_are_other_versions(folder, encoder):
    dense = dense_method(encoder, "MiniLM")
    versions = {
        folder.open(PASSAGES, BM25).version,
        folder.open(PASSAGES[::-1], BM25).version,
        folder.open(PASSAGES[:2], BM25).version,
        folder.open(PASSAGES, bm25_method(k1=0.9)).version,
        folder.open(PASSAGES, dense).version,
    }
    assert len(versions) == 5


def test_a_dense_index_is_saved_and_opened_too(folder, encoder):
    dense = dense_method(encoder, "MiniLM")
    built = folder.open(PASSAGES, dense)
    before = times(place_of(folder, dense))
    opened = folder.open(PASSAGES, dense)
    assert times(place_of(folder, dense)) == before
    assert opened.version == built.version
    assert opened.search("the tallest peak on Earth", 1) == (PASSAGES[1],)


@pytest.mark.parametrize(
    "name", ["data.csc.index.npy", "vocab.index.json", "passages.utf8", "passages.offsets.npy"]
)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_is_found_and_the_index_built_again(folder, caplog, name, damage):
    version = folder.open(PASSAGES, BM25).version
    path = place_of(folder) / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flip" else content[:-1])
    opened = folder.open(PASSAGES, BM25)
    assert "damaged" in caplog.text
    assert "built anew" in caplog.text
    assert opened.version == version
    assert opened.search("Danube", 1) == PASSAGES[:1]
    assert [p.name for p in folder.folder.iterdir()] == [place_of(folder).name]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "[" * 100, '{"files": 7}', '{"method": "x", "passages": "y", "files": {}}',
     json.dumps({"method": BM25.name, "passages": DIGEST.hex(), "files": {"../../x": "00"}}),
     json.dumps({"method": BM25.name, "passages": DIGEST.hex(), "files": {}}),
     json.dumps({"method": BM25.name, "passages": DIGEST.hex(), "files": []})],
    ids=lambda content: content[-40:],
)  # fmt: skip
def test_a_manifest_that_says_something_else_is_not_believed(folder, caplog, content):
    version = folder.open(PASSAGES, BM25).version
    (place_of(folder) / MANIFEST).write_text(content)
    assert folder.open(PASSAGES, BM25).version == version
    assert "damaged" in caplog.text


def test_a_pickled_array_is_not_opened(folder, tmp_path):
    np.save(tmp_path / "trap.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    write_passages(tmp_path, PASSAGES)
    (tmp_path / "passages.offsets.npy").write_bytes((tmp_path / "trap.npy").read_bytes())
    with pytest.raises(ValueError, match="Python objects"):
        PassageFile(tmp_path)


def test_a_kill_while_an_index_is_written_leaves_the_old_one_and_no_half(folder):
    version = folder.open(PASSAGES, BM25).version
    program = (
        "import sys; from pathlib import Path\n"
        "from rag.source.index_folder import IndexFolder\n"
        "from rag.source.corpus_index import bm25_method\n"
        "from rag.types import Passage\n"
        "many = [Passage(f'{i} ' * 60 + 'word', str(i)) for i in range(6_000)]\n"
        "with IndexFolder(Path(sys.argv[1])).sole_use() as _:\n"
        "    IndexFolder(Path(sys.argv[1])).open(many, bm25_method())"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(folder.folder.parent)], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not list(folder.folder.glob(".chainrep-draft-*/passages.utf8")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(StoreBusy, match="Another program"), folder.sole_use():
        pass
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert list(folder.folder.glob(".chainrep-draft-*"))
    with folder.sole_use():
        assert folder.open(PASSAGES, BM25).version == version
        assert {p.name for p in folder.folder.iterdir()} == {place_of(folder).name, ".lock"}


def test_an_index_that_is_removed_is_searched_on_by_whoever_has_it_open(folder):
    old = folder.open(PASSAGES, BM25)
    new = folder.open(PASSAGES[1:], BM25)
    folder.keep_only(new)
    assert [p.name for p in folder.folder.iterdir()] == [new.name]
    assert old.search("Danube", 3) == PASSAGES[:1]


def test_a_place_where_nothing_can_be_written_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another --index-dir"):
        IndexFolder(tmp_path / "file" / "index")


def test_nothing_of_anybody_else_is_removed_beside_or_among_the_indexes(tmp_path):
    folder = IndexFolder(tmp_path)
    old, inside = folder.open(PASSAGES[1:], BM25), folder.folder
    manifest = (inside / old.name / MANIFEST).read_text()
    foreign = {
        tmp_path / "photos" / "wedding.jpg": "x",
        tmp_path / ("a" * 32) / MANIFEST: manifest,
        inside / "photos" / "wedding.jpg": "x",
        inside / "photos2" / MANIFEST: manifest,
        inside / ("a" * 32) / "wedding.jpg": "x",
        inside / ("b" * 32) / MANIFEST: manifest,  # of another name
        inside / ("c" * 32) / MANIFEST: '{"name": "a web app", "icons": []}',
        inside / ("d" * 32) / MANIFEST: "[" * 100,
        inside / ".draft-letters1" / "letter.txt": "x",
        inside / ".chainrep-draft-of-a-book" / "letter.txt": "x",
        inside / "notes.txt": "x",
    }
    for path, content in foreign.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    before = {path.name for path in inside.iterdir()}
    with folder.sole_use():
        new = folder.open(PASSAGES, BM25)
        folder.keep_only(new)
    assert [path for path, content in foreign.items() if path.read_text() != content] == []
    assert {path.name for path in inside.iterdir()} == before - {old.name} | {new.name, ".lock"}


def test_only_the_folder_that_is_in_use_is_said_to_be(folder):
    with pytest.raises(BlockingIOError, match="full pipe"), folder.sole_use():
        raise BlockingIOError(11, "a full pipe")
    with folder.sole_use(), pytest.raises(StoreBusy, match="Another program"), folder.sole_use():
        pass


def test_a_method_names_all_that_decides_what_a_query_finds(encoder):
    query = {f"query={QUERY_VERSION}", f"unicode={unidata_version}"}
    shared = {"chainrep", "numpy"}
    for method, packages in (
        (BM25, shared | {"bm25s"}),
        (dense_method(encoder, "M"), shared | {"faiss-cpu", "torch", "transformers", "tokenizers"}),
    ):
        expected = query | {f"{name}={version(name)}" for name in packages}
        assert expected <= set(method.name.split())


def test_an_upgrade_is_another_version_of_the_same_corpus(folder, monkeypatch):
    before = folder.open(PASSAGES, bm25_method()).version
    monkeypatch.setattr("rag.source.corpus_index.QUERY_VERSION", QUERY_VERSION + 1)
    assert folder.open(PASSAGES, bm25_method()).version != before

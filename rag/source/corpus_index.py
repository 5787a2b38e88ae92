"""A corpus and its index in a folder: written once, opened memory-mapped, checked by digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unicodedata import unidata_version

from chainrep import __version__
from chainrep.chain.bounded_json import parse_json
from chainrep.errors import ChainrepError, StoreError
from chainrep.protocol.source_receipt import corpus_digest
from rag.index import K1, QUERY_VERSION, B, Bm25Index, DenseIndex
from rag.ports import Encoder, Index
from rag.source.passage_file import PassageFile, write_passages
from rag.types import Passage

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 1024


class SavedIndex(Index, Protocol):
    """An index that can be written into a folder."""

    def save(self, folder: Path) -> None:
        """Write it."""
        ...


@dataclass(frozen=True, slots=True)
class IndexMethod:
    """How passages are searched; ``name`` says it exactly, with the versions of what does it.

    ``name`` is part of a corpus's version: another way finds other passages, and a source that
    gave both under one version would stand accused by its own signatures.
    """

    name: str
    build: Callable[[Sequence[Passage]], SavedIndex]
    load: Callable[[Path], Index]


@dataclass(frozen=True, slots=True)
class CorpusIndex:
    """Passages, what finds them, and the 32 bytes that name this very pair.

    ``name`` is that of the folder that holds both.
    """

    name: str
    passages: PassageFile
    index: Index
    version: bytes

    def search(self, query: str, k: int) -> tuple[Passage, ...]:
        """At most ``k`` passages, best first; the same for the same query."""
        return tuple(self.passages[place] for place, _ in self.index.search(query, k))


def bm25_method(k1: float = K1, b: float = B) -> IndexMethod:
    """BM25 over terms."""
    name = f"bm25 lucene k1={k1} b={b} {_made_by('bm25s')}"
    return IndexMethod(name, lambda passages: Bm25Index(passages, k1=k1, b=b), Bm25Index.load)


def dense_method(encoder: Encoder, model: str) -> IndexMethod:
    """Inner products of embeddings; ``model`` names the encoder with its revision."""
    name = f"dense {model} {_made_by('faiss-cpu', 'tokenizers', 'torch', 'transformers')}"
    return IndexMethod(
        name,
        lambda passages: DenseIndex(passages, encoder),
        lambda folder: DenseIndex.load(folder, encoder),
    )


def _made_by(*packages: str) -> str:
    """What reads a query and orders its hits, with versions.

    An upgrade may find other passages in the same files, so it has to be another version.
    """
    from importlib.metadata import version

    parts = {"chainrep": __version__, "query": QUERY_VERSION, "unicode": unidata_version}
    parts |= {name: version(name) for name in ("numpy", *packages)}
    return " ".join(f"{name}={found}" for name, found in parts.items())


def folder_name(method: IndexMethod, passages: bytes) -> str:
    """What the folder of these passages (their digest), searched this way, is called."""
    return _name_of(corpus_digest(method.name, passages))


def _name_of(digest: bytes) -> str:
    return digest.hex()[:32]


def write_corpus(
    folder: Path, passages: Sequence[Passage], digest: bytes, method: IndexMethod
) -> None:
    """Index passages, whose digest is given, into an empty folder; OSError as of the disk."""
    write_passages(folder, passages)
    method.build(passages).save(folder)
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    manifest = {"method": method.name, "passages": digest.hex(), "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def open_corpus(folder: Path, digest: bytes, method: IndexMethod) -> CorpusIndex:
    """Open what `write_corpus` wrote of these passages; raise StoreError where it is damaged.

    Every byte is read once, to compare the SHA-256 of each file with the manifest's.
    """
    try:
        manifest = _read_manifest(folder)
        files = manifest["files"]
        if (manifest["method"], manifest["passages"]) != (method.name, digest.hex()):
            raise ValueError("it is of other passages, or of another way to search them")
        if {MANIFEST, *files} != {path.name for path in folder.iterdir()}:
            raise ValueError("it has not the files that were written")
        for name, expected in files.items():
            if _sha256(folder / name) != expected:
                raise ValueError(f"{name} is not as it was written")
        # What is searched is the files, byte for byte: another build of the same passages that
        # rounds otherwise is another version.
        made = "\n".join([method.name, *(f"{name} {files[name]}" for name in sorted(files))])
        version = corpus_digest(made, digest)
        return CorpusIndex(folder.name, PassageFile(folder), method.load(folder), version)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise StoreError(
            f"The saved index {folder} is damaged ({str(error)[:200]}).", "It has to be built anew."
        ) from error


def is_corpus(folder: Path) -> bool:
    """Whether `write_corpus` has written a corpus there, by its manifest and the folder's name."""
    try:
        manifest = _read_manifest(folder)
        digest = corpus_digest(manifest["method"], bytes.fromhex(manifest["passages"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ChainrepError):
        return False
    return folder.name == _name_of(digest)


def _read_manifest(folder: Path) -> Any:
    with (folder / MANIFEST).open("rb") as file:
        return parse_json(file.read(MAX_MANIFEST_BYTES))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Evidence files on disk, each found by the root that follows from its records.

``<folder>/<first two hex digits>/<root>.json``. A file is complete and on the disk before it has
its name, so that a name alone says that a batch's evidence is kept. Nothing is ever changed.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chainrep.errors import InputError, StoreError
from chainrep.private_folder import make_private
from chainrep.protocol.evidence import EvidenceRecord, evidence_tree
from chainrep.protocol.evidence_file import MAX_FILE_BYTES, dump_evidence, parse_evidence

ROOT_BYTES = 32
_DRAFTS = "drafts"
_DRAFT_SECONDS = 3_600
_KNOWN = 100_000

_Standing = tuple[int, int, int]


class EvidenceStore:
    """The evidence of one node, in a folder that may be copied, served and backed up as it is.

    Any number of threads and programs may use the folder at once. Drafts that a killed program
    left behind are deleted when the folder is opened again, once they are an hour old.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sound: dict[bytes, _Standing] = {}
        for draft in (folder / _DRAFTS).glob("*"):
            with suppress(OSError):  # it harms nobody, and the folder may be a read-only copy
                if time.time() - draft.stat().st_mtime > _DRAFT_SECONDS:
                    draft.unlink()

    def put(self, records: Sequence[EvidenceRecord]) -> bytes:
        """Keep the records behind a batch, and return their root (32 bytes).

        They are on the disk when this returns; keeping them again changes nothing. Raises
        InputError for records that make no file, and StoreError with no half file left behind.
        """
        content = dump_evidence(records)
        root = evidence_tree(records).root
        path = self._path(root)
        try:
            for folder in (self.folder / _DRAFTS, path.parent):
                make_private(folder)
            if not _holds(path, content):
                self._write(path, content)
            for folder in (path.parent, self.folder, self.folder.parent):
                _sync(folder)  # also where another program, killed meanwhile, wrote the file
        except OSError as error:
            raise StoreError(
                f"Evidence cannot be kept in {self.folder} ({error.strerror}).",
                "Make room on the disk, and check that the folder is writable.",
            ) from error
        return root

    def read(self, root: bytes) -> bytes | None:
        """The file of this name as it is on the disk, None where there is none; StoreError."""
        path = self._path(root)
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or a pipe would keep us waiting
            with os.fdopen(file, "rb") as stream:
                regular = stat.S_ISREG(os.fstat(file).st_mode)
                content = stream.read(MAX_FILE_BYTES + 1) if regular else b""
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error) from error
        if not 0 < len(content) <= MAX_FILE_BYTES:
            raise _damaged(path, "it is empty, too large or no file")
        return content

    def get(self, root: bytes) -> bytes | None:
        """The evidence file of this root, None where it is not kept.

        Raises StoreError where the file cannot be read or its records have another root.
        """
        content = self.read(root)
        if content is None:
            return None
        try:
            found = evidence_tree(parse_evidence(content)).root
        except InputError as error:
            raise _damaged(self._path(root), error.summary) from error
        if found != root:
            raise _damaged(self._path(root), f"its records have the root 0x{found.hex()}")
        return content

    def find(self, root: bytes) -> Path | None:
        """Where the file of this root is, once it was found sound; errors as of `get`.

        Every file is checked once, and again when it was touched: a root of 20,000 records takes a
        second, which no stranger may cost us again and again.
        """
        path = self._path(root)
        try:
            standing = _standing(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error) from error
        if self._sound.get(root) != standing:
            if self.get(root) is None:
                return None
            if len(self._sound) >= _KNOWN:
                self._sound.clear()
            self._sound[root] = standing
        return path

    def _path(self, root: bytes) -> Path:
        if len(root) != ROOT_BYTES:
            raise InputError(f"An evidence root has {ROOT_BYTES} bytes, not {len(root)}.")
        name = root.hex()
        return self.folder / name[:2] / f"{name}.json"

    def _write(self, path: Path, content: bytes) -> None:
        draft = self.folder / _DRAFTS / f"{path.stem}-{secrets.token_hex(8)}"
        try:
            with draft.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, path)  # noqa: PTH105 (atomic on POSIX and Windows alike)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def _standing(path: Path) -> _Standing:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _sync(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be read ({error.strerror}).", "Check that the folder is readable."
    )


def _damaged(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"The evidence file {path} is damaged: {reason}.",
        "Delete it and put back a good copy, from a backup or from whoever else keeps evidence.",
    )

"""What a kill must not lose: a file each, whole or not there, for its owner's eyes only."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import AbstractContextManager
from pathlib import Path

from chainrep.errors import StoreError
from chainrep.private_folder import make_private
from chainrep.store.sole_use import sole_use, sync

MAX_FILE_BYTES = 32 * 2**20
_NAME = re.compile(r"[0-9a-z][0-9a-z.-]{0,150}", re.ASCII)
_DRAFTS = ".drafts"


class KeptFiles:
    """A folder of files by name: lower-case letters, digits, dots and dashes.

    ``put`` returns when the content is on the disk: only then may what depends on it be sent.
    Raises StoreError where the disk does not do its part.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            for made in make_private(folder / _DRAFTS):
                sync(made.parent)
        except OSError as error:
            raise _failed(folder, error) from error

    def put(self, name: str, content: bytes) -> None:
        """Keep this content under the name, in place of what was there."""
        path, draft = self._path(name), self.folder / _DRAFTS / secrets.token_hex(8)
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
            sync(self.folder)
        except OSError as error:
            raise _failed(self.folder, error) from error

    def get(self, name: str) -> bytes | None:
        """The content, or None where nothing was kept under the name."""
        path = self._path(name)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise StoreError(f"{path} is larger than anything kept here.", "Look what it is.")
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(self.folder, error) from error

    def names(self, suffix: str) -> list[str]:
        """The names that end so, in order."""
        try:
            return sorted(p.name for p in self.folder.iterdir() if p.name.endswith(suffix))
        except OSError as error:
            raise _failed(self.folder, error) from error

    def drop(self, name: str) -> None:
        """Forget what was kept under the name, if anything was."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise _failed(self.folder, error) from error

    def sole_use(self) -> AbstractContextManager[None]:
        """Keep every other program out of the folder until the block ends; raise StoreBusy."""
        return sole_use(self.folder, "Stop it first, or use its key.")

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name[:60]!r} is no name for a file here.")
        return self.folder / name


def _failed(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"Nothing can be kept in {folder} ({error.strerror}).",
        "Make room on the disk, and check that the folder is writable.",
    )

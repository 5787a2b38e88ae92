"""An epoch's ratings and tree on disk, for whoever wants a proof or wants to recompute.

``<epoch>.csv`` holds what was said, ``<epoch>.tree`` the scores under the final root, or
``<epoch>.differs.tree`` what this node computed where another root became final, and
``<epoch>.json``, written last, says which. A file has its name only once it is complete.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from chainrep.errors import ChainrepError, StoreError
from chainrep.node.computed_epoch import ComputedEpoch
from chainrep.private_folder import make_private
from chainrep.reputation.ratings import Ratings
from chainrep.reputation.score_file import HEAD_BYTES, SCORE_BYTES, read_scores, write_scores
from chainrep.reputation.score_tree import ScoreTree

KEPT = 8
"""Trees kept in memory once their proofs are asked for: 68 bytes an account."""
MAX_NOTE_BYTES = 4_096
_ROWS = 10_000
_HEAD = "rater,ratee,rating,time\n"

_Stamp = tuple[int, int, int]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptEpoch:
    """A final epoch: what this node computed, and what is final; ``accounts`` have a score."""

    epoch: int
    root: bytes
    snapshot_hash: bytes
    final_root: bytes
    final_snapshot_hash: bytes
    accounts: int

    @property
    def right(self) -> bool:
        """Whether they are the same, so that this node's proofs hold."""
        computed, final = self.root + self.snapshot_hash, self.final_root + self.final_snapshot_hash
        return computed == final


class EpochFiles:
    """The files of one deployment in a folder; any thread may use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._trees: OrderedDict[bytes, ScoreTree] = OrderedDict()
        self._whole: dict[int, tuple[_Stamp, ...]] = {}
        self._told: set[int] = set()

    def decided(self, epoch: int) -> bool:
        """Whether the epoch is final and what was computed for it is kept, whole.

        The tree of an epoch in which proofs may be made must have its root; of an older one's only
        the length counts, and of the ratings that their first line and their end are there. Files
        are read again only after one has changed. What is not whole is told in the log, once.
        """
        try:
            kept = self.epoch(epoch)
            if kept is None:
                return False
            stamps = self._stamps(kept)
            if self._whole.get(epoch) != stamps:
                self._check(epoch, kept)
        except (OSError, ChainrepError) as error:
            if epoch not in self._told:
                _log.warning("epoch %d is to be computed anew: %s", epoch, error)
                self._told.add(epoch)
            return False
        self._told.discard(epoch)
        self._whole[epoch] = stamps
        return True

    def keep_ratings(self, computed: ComputedEpoch) -> None:
        """Write down what an epoch is computed from; raise StoreError."""
        path = self._ratings_path(computed.epoch.number)
        self._write(path, lambda draft: _write_lines(draft, rating_lines(computed.ratings)))

    def keep(self, computed: ComputedEpoch, final_root: bytes, final_snapshot: bytes) -> None:
        """Write down a final epoch, be its root the computed one or not; raise StoreError."""
        number, tree = computed.epoch.number, computed.tree
        kept = KeptEpoch(
            number, tree.root, computed.snapshot_hash, final_root, final_snapshot, tree.leaves - 1
        )
        self.keep_ratings(computed)
        write_scores(tree, self._tree_path(kept))
        lines = iter([_dump(kept)])
        self._write(self._note_path(number), lambda draft: _write_lines(draft, lines))

    def epochs(self) -> Sequence[int]:
        """The final epochs, ascending."""
        names = [path.stem for path in self.folder.glob("*.json")]
        return sorted(int(name) for name in names if name.isdecimal())

    def epoch(self, epoch: int) -> KeptEpoch | None:
        """What is kept of a final epoch; raise StoreError for a damaged file."""
        path = self._note_path(epoch)
        try:
            with path.open("rb") as stream:
                return _parse(stream.read(MAX_NOTE_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise StoreError(
                f"{path} cannot be read ({error}).", "Delete it: the node computes the epoch anew."
            ) from error

    def tree(self, kept: KeptEpoch) -> ScoreTree:
        """The tree that was computed; raise StoreError or InputError for a damaged file."""
        with self._lock:
            if kept.root not in self._trees:
                self._trees[kept.root] = read_scores(self._tree_path(kept), kept.root)
                if len(self._trees) > KEPT:
                    self._trees.popitem(last=False)
            self._trees.move_to_end(kept.root)
            return self._trees[kept.root]

    def ratings(self, epoch: int) -> Path | None:
        """Where the ratings of an epoch are, if they are kept."""
        path = self._ratings_path(epoch)
        return path if path.is_file() else None

    def _check(self, epoch: int, kept: KeptEpoch) -> None:
        if kept.epoch != epoch:
            raise StoreError(f"{self._note_path(epoch)} is about epoch {kept.epoch}.")
        path = self._tree_path(kept)
        if path.stat().st_size != HEAD_BYTES + kept.accounts * SCORE_BYTES:
            raise StoreError(f"{path} is not as long as its note tells.")
        # Of an older one no proofs are made, and at a start there may be a thousand of them.
        if not self._note_path(epoch + KEPT).exists():
            tree = read_scores(path, kept.root)
            if tree.domain.epoch != epoch:
                raise StoreError(f"{path} is of epoch {tree.domain.epoch}.")
        with self._ratings_path(epoch).open("rb") as stream:
            head = stream.read(len(_HEAD))
            stream.seek(-1, os.SEEK_END)
            if head != _HEAD.encode() or stream.read() != b"\n":
                raise StoreError(f"{self._ratings_path(epoch)} holds no ratings, or is cut off.")

    def _stamps(self, kept: KeptEpoch) -> tuple[_Stamp, ...]:
        """What changes when one of an epoch's files does; raise OSError where one is missing."""
        number = kept.epoch
        paths = (self._note_path(number), self._tree_path(kept), self._ratings_path(number))
        found = [path.stat() for path in paths]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in found)

    def _ratings_path(self, epoch: int) -> Path:
        return self.folder / f"{epoch}.csv"

    def _note_path(self, epoch: int) -> Path:
        return self.folder / f"{epoch}.json"

    def _tree_path(self, kept: KeptEpoch) -> Path:
        return self.folder / f"{kept.epoch}{'' if kept.right else '.differs'}.tree"

    def _write(self, path: Path, write: Callable[[Path], None]) -> None:
        draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        try:
            make_private(self.folder)
            try:
                write(draft)
                with draft.open("rb") as stream:
                    os.fsync(stream.fileno())
                os.replace(draft, path)  # noqa: PTH105 (atomic on POSIX and Windows alike)
            finally:
                with suppress(FileNotFoundError):
                    draft.unlink()
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror}).",
                "Make room on the disk, and check that the folder is writable.",
            ) from error


def rating_lines(ratings: Ratings) -> Iterator[str]:
    """Ratings as CSV, a few thousand lines at a time: rater, ratee, units, Unix seconds.

    `chainrep.reputation.rating_file` reads the same ratings back.
    """
    yield _HEAD
    names = ratings.accounts
    for start in range(0, len(ratings.rater), _ROWS):
        columns = (ratings.rater, ratings.ratee, ratings.amount, ratings.time)
        rows = zip(*(column[start : start + _ROWS].tolist() for column in columns), strict=True)
        yield "".join(
            f"{names[rater]},{names[ratee]},{_units(amount)},{time}\n"
            for rater, ratee, amount, time in rows
        )


def _units(hundredths: int) -> str:
    sign, size = "-" if hundredths < 0 else "", abs(hundredths)
    return f"{sign}{size // 100}.{size % 100:02}"


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    with path.open("x", encoding="ascii", newline="") as stream:
        stream.writelines(lines)


def _dump(kept: KeptEpoch) -> str:
    fields = {name: getattr(kept, name) for name in KeptEpoch.__slots__}
    shown = {k: v if isinstance(v, int) else "0x" + v.hex() for k, v in fields.items()}
    return json.dumps(shown, indent=2) + "\n"


def _parse(content: bytes) -> KeptEpoch:
    fields = json.loads(content)

    def digest(name: str) -> bytes:
        return bytes.fromhex(fields[name].removeprefix("0x"))

    return KeptEpoch(
        int(fields["epoch"]),
        digest("root"),
        digest("snapshot_hash"),
        digest("final_root"),
        digest("final_snapshot_hash"),
        int(fields["accounts"]),
    )

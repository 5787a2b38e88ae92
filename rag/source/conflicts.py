"""Proofs that a source signed two answers to one query: found, kept for good, and remembered.

An index is deterministic: the same query to the same version of a corpus has one answer. A source
that answers one and the same request, with its salt, in two ways signs both, and the two statements
are a ``Conflict`` against its key that anybody can check.

Not found this way: a source that tells two askers different things, for their salts differ and so
do their slots; one that remembers what it answered to a salt and says that again; and one that
signs another version of its corpus each time.
"""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chainrep.errors import InputError, StoreError
from chainrep.private_folder import make_private
from chainrep.protocol.source_receipt import SourceDomain
from chainrep.protocol.typed_data import LedgerDomain
from chainrep.reputation.accusation import Accusation, Conflict, holds, prove_conflict
from chainrep.reputation.conflict_file import MAX_FILE_BYTES, dump_conflict, parse_conflict
from rag.source.receipts import statement_of
from rag.types import Receipt

NOBODY = "0x" + "0" * 40
"""The accuser of a proof that needs nobody to vouch for it."""
MAX_ACCUSED = 10_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An accusation in a file, where it holds, and since when it is kept, in Unix seconds."""

    path: Path
    time: float
    accusation: Accusation
    conflict: Conflict
    domain: LedgerDomain


def find_conflict(one: Receipt, other: Receipt, domain: SourceDomain) -> Conflict | None:
    """What two receipts, both checked to be of one owner, prove against it, if anything."""
    first, second = statement_of(one, domain), statement_of(other, domain)
    if first.slot != second.slot or first.content == second.content:
        return None
    return prove_conflict(first.slot, first.content, one.statement, second.content, other.statement)


class AccusationBook:
    """Accusations in a folder, a JSON file per account and domain; without one, in memory alone.

    Those kept earlier are read, and checked, at the start. Raises StoreError where the folder
    cannot be read or made. Not for several threads at once.
    """

    def __init__(
        self, domain: SourceDomain, folder: Path | None = None, accuser: str = NOBODY
    ) -> None:
        self._domain = domain
        self._folder = folder
        self._accuser = accuser
        self.accused: set[str] = set(read_accused(folder, domain)) if folder else set()
        """The checksummed addresses of the keys that are proven faulty."""

    def compare(self, one: Receipt, other: Receipt, owner: str) -> Accusation | None:
        """Accuse the owner, who signed both, if they contradict each other; durable on return.

        Where the disk fails, or 10,000 accounts are accused already, it is in the log alone.
        """
        conflict = find_conflict(one, other, self._domain)
        if conflict is None:
            return None
        accusation = Accusation(self._accuser, owner, conflict)
        logger.warning(
            "Source %d, of %s, signed two answers to one query, and is asked no more"
            " (`chainrep source conflicts` shows the proof).",
            one.source,
            owner,
        )
        if owner not in self.accused and len(self.accused) >= MAX_ACCUSED:
            logger.error("too many are accused: that of %s is not kept: %s", owner, conflict)
            return accusation
        self.accused.add(owner)
        if self._folder is not None:
            try:
                _write(
                    self._folder / _file_name(owner, self._domain.statements),
                    dump_conflict(accusation, self._domain.statements),
                )
            except StoreError:
                logger.exception("an accusation of %s is not kept: %s", owner, conflict)
        return accusation


def read_accusations(folder: Path, domain: SourceDomain) -> list[Accusation]:
    """The accusations in a folder that hold for this domain; errors as of `read_kept`."""
    return [kept.accusation for kept in read_kept(folder) if kept.domain == domain.statements]


def read_kept(folder: Path) -> list[Kept]:
    """The accusations in a folder that hold, by file name; others are left out.

    Raises StoreError where the folder cannot be read or made.
    """
    try:
        make_private(folder)
        paths = sorted(folder.glob("0x*.json"))[:MAX_ACCUSED]
    except OSError as error:
        raise _unusable(folder, error) from error
    found = []
    for path in paths:
        try:
            with path.open("rb") as stream:
                accusation, domain = parse_conflict(stream.read(MAX_FILE_BYTES + 1))
                kept_at = os.fstat(stream.fileno()).st_mtime
        except (OSError, InputError) as error:
            logger.warning("%s is not read: %s", path.name, error)
            continue
        if isinstance(accusation.proof, Conflict) and holds(accusation, domain):
            found.append(Kept(path, kept_at, accusation, accusation.proof, domain))
    return found


def read_accused(folder: Path, domain: SourceDomain) -> frozenset[str]:
    """Whom the accusations in a folder prove faulty; errors as of `read_accusations`."""
    return frozenset(accusation.accused for accusation in read_accusations(folder, domain))


def _file_name(owner: str, domain: LedgerDomain) -> str:
    """Of one chain and contract, so that a proof there does not replace one from elsewhere."""
    return f"{owner}-{domain.chain_id}-{domain.ledger}.json"


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)  # noqa: PTH105 (atomic on POSIX and Windows alike)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be used ({error.strerror}).",
        "Check that the folder is writable and the disk not full.",
    )

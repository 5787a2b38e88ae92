"""An epoch of the chain, computed here from the local index."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from chainrep.cli.output import progress
from chainrep.errors import ChainError, InputError

if TYPE_CHECKING:
    from chainrep.chain.reputation_roots import ReputationRoots
    from chainrep.node.computed_epoch import ComputedEpoch
    from chainrep.session import Session


def compute_epoch_of(session: Session, number: int | None) -> ComputedEpoch:
    """Index what is new on the chain, and compute an epoch; None: the last one that is over.

    Raises InputError for an epoch that is not over, ChainError where its end is not deep enough
    in the chain yet, and as of the indexer and the reader.
    """
    from chainrep.node.indexer import Indexer, IndexProgress
    from chainrep.store.db import open_store

    roots = session.roots()
    wanted = last_epoch(session, roots) if number is None else number
    check_over(session, roots, wanted)
    with closing(open_store(session.config.store)) as db, progress() as bar:
        reader = session.epoch_reader(db, roots)
        task = bar.add_task("Reading blocks", total=None)

        def show(step: IndexProgress) -> None:
            bar.update(task, total=step.target, completed=step.block)

        indexer = Indexer(session.client, session.deployment, db)
        indexer.catch_up(show)
        bar.add_task(f"Computing epoch {wanted}", total=None)
        while (computed := reader.compute(wanted)) is None and reader.unchecked:
            indexer.catch_up()
    if computed is None:
        raise ChainError(
            f"Epoch {wanted} is over, but its end is not deep enough in the chain yet.",
            f"Wait until a block after it has {session.confirmations} confirmations.",
        )
    return computed


def last_epoch(session: Session, roots: ReputationRoots) -> int:
    """The last epoch that is over by the chain's clock."""
    from chainrep.protocol.epoch import epoch_at

    return epoch_at(session.client.now(), roots.rules.epoch_seconds).number - 1


def check_over(session: Session, roots: ReputationRoots, number: int) -> None:
    """Raise InputError for an epoch that is not over, or earlier than any that can have a root."""
    last = last_epoch(session, roots)
    first = roots.first_epoch
    if last < first:
        raise InputError(
            f"No epoch is over yet: the first one is {first}.",
            f"An epoch lasts {roots.rules.epoch_seconds:,} seconds.",
        )
    if not first <= number <= last:
        raise InputError(
            f"Epoch {number} is none of those that are over.", f"They are {first} to {last}."
        )

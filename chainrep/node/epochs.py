"""The keeper of epochs: computes, proposes, watches, challenges, settles, makes final.

Whatever it decides follows from the chain's state and from what this node computed itself, so that
a restart forgets nothing and nothing is done twice: the contract takes one proposal, one challenge
and one settlement. It acts only on an index that the contracts agree with and that is deep enough.
What fails for one epoch stops no other one.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from eth_account import Account

from chainrep.chain.event_log import head_number
from chainrep.chain.reputation_roots import EpochOnChain, EpochState, ReputationRoots, overtaken
from chainrep.errors import (
    BondMissing,
    CallRefused,
    ChainrepError,
    ChainUnreachable,
    ConfigError,
    EpochUnjudged,
    FalseAnswer,
)
from chainrep.node.bond_purse import BondPurse, Errand
from chainrep.node.computed_epoch import ComputedEpoch
from chainrep.node.epoch_files import EpochFiles
from chainrep.node.epoch_reader import EpochReader
from chainrep.node.epoch_watch import EpochWatch
from chainrep.node.lost_bonds import lost_bonds
from chainrep.node.settler import Settler
from chainrep.store.events import Events

MAX_TOLD = 4_096

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EpochPolicy:
    """What the keeper may do.

    ``propose``: put up roots itself, and not only watch those of others. ``max_bonds`` is what its
    bonds may come to at any time, in wei; proposals leave one bond of it for a challenge. ``uri``
    is where others find this node; the proposal names its ratings there. ``resume``: put up bonds
    although some were lost before this start.
    """

    propose: bool
    max_bonds: int
    uri: str = ""
    resume: bool = False


@dataclass(frozen=True, slots=True)
class EpochProgress:
    """After one step: what was done, the bonds now at stake (wei), and whether it is at rest."""

    done: str
    epoch: int | None
    bonds: int
    at_rest: bool


class _Urgency(IntEnum):
    CHALLENGE, SETTLE, REOPEN, FINALIZE, KEEP, PROPOSE, WITHDRAW = range(7)


class EpochKeeper:
    """Looks after every epoch of one deployment, in the thread that opened the store.

    ``reader`` and ``events`` are of one connection to the store; `read_from` gives it another one.

    ``private_key`` is of an account that nothing else sends from; without one the keeper computes
    and keeps epochs, tells of false roots, and sends nothing. ``max_ahead`` is how many seconds the
    chain may be ahead of ``clock`` (Unix time), None on a chain whose time anybody can move. Raises
    ConfigError for a limit under which a key could do nothing.
    """

    def __init__(
        self,
        roots: ReputationRoots,
        reader: EpochReader,
        files: EpochFiles,
        settler: Settler,
        private_key: bytes | None,
        policy: EpochPolicy,
        events: Events,
        max_ahead: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        bond, wanted = roots.rules.bond, 2 if policy.propose else 1
        if private_key is not None and policy.max_bonds < wanted * bond:
            raise ConfigError(
                f"Bonds of {policy.max_bonds} wei are allowed, and {wanted} of {bond} wei are"
                " needed: proposals leave one for a challenge.",
                "Allow more with --max-bonds.",
            )
        self.address = str(Account.from_key(private_key).address) if private_key else ""
        self.policy = policy
        self._roots = roots
        self._reader = reader
        self._files = files
        self._settler = settler
        self._key = private_key
        self._events = events
        self._max_ahead = max_ahead
        self._clock = clock
        self._purse = BondPurse(roots.client, self.address, bond) if private_key else None
        self._forgiven = head_number(roots.client) if policy.resume else -1
        self._lost: Sequence[int] = ()
        self._watch = EpochWatch(roots, files)
        self._told: set[tuple[int, str]] = set()

    def read_from(self, db: sqlite3.Connection, events: Events) -> None:
        """Go on, in the thread that opened it, with another connection to the same store."""
        self._reader.read_from(db)
        self._events = events

    def step(self) -> EpochProgress:
        """Look at some epochs, and do the most urgent thing that there is to do.

        Raises ChainUnreachable where no chain answers, and once nothing else is left to do the
        first ChainrepError that kept it from something; the chain's state then says what was done,
        and the next step goes on from there.
        """
        now = self._time()
        if self._purse is not None:
            self._watch.forget(self._purse.look())
        troubles: list[ChainrepError] = []
        if not self._watch.look(now, troubles):
            if troubles:
                raise troubles[0]
            return self._progress("", None, at_rest=False)
        self._lost = lost_bonds(self._events, self.address, self._forgiven) if self._key else ()
        dues = {epoch: self._due(found, now) for epoch, found in self._watch.known.items()}
        ordered = sorted((due, -epoch) for epoch, due in dues.items() if due is not None)
        for urgency, negative in ordered:  # of the same urgency, the latest first
            try:
                done = self._attempt(urgency, -negative, now)
            except ChainUnreachable:
                raise
            except ChainrepError as error:  # told once all else is done
                self._tell(-negative, str(error))
                troubles.append(error)
                continue
            if done:
                return self._progress(done, -negative, at_rest=False)
        if self._withdraw(troubles):
            return self._progress("withdrew what was owed", None, at_rest=False)
        if self._lost:
            troubles.append(self._bond_lost())
        if troubles:
            raise troubles[0]
        return self._progress("", None, at_rest=True)

    def _time(self) -> int:
        now = self._roots.client.now()
        ahead = now - int(self._clock())
        if self._max_ahead is not None and ahead > self._max_ahead:
            raise FalseAnswer(
                f"The chain at {self._roots.client.label} is {ahead:,} s ahead of this machine's"
                " clock.",
                "Set the clock, or give another URL with --rpc.",
            )
        return now

    def _attempt(self, urgency: _Urgency, epoch: int, now: int) -> str:
        """What was done about an epoch, if anything; what is known of it is then the newest."""
        try:
            done = self._act(urgency, epoch, self._watch.known[epoch], now)
        except CallRefused as refusal:
            if not overtaken(refusal):
                raise
            _log.info("epoch %d has moved on: %s", epoch, refusal.summary)
            self._watch.ask(epoch)
            return ""
        if done and urgency is _Urgency.KEEP:
            self._watch.finish(epoch)
        elif done:
            self._watch.ask(epoch)
        return done

    def _withdraw(self, troubles: list[ChainrepError]) -> bool:
        if self._key is None:
            return False
        try:
            if not self._roots.owed(self.address):
                return False
            self._sending(_Urgency.WITHDRAW).withdraw(self.address, self._key)
        except ChainUnreachable:
            raise
        except ChainrepError as error:
            troubles.append(error)
            return False
        return True

    def _act(self, urgency: _Urgency, epoch: int, found: EpochOnChain, now: int) -> str:
        """What was done about this epoch; nothing where something is missing for it."""
        if urgency is _Urgency.KEEP:
            return self._keep(epoch, found)
        if urgency is _Urgency.CHALLENGE:
            return self._challenge(epoch, found, now)
        return "" if self._key is None else self._send(urgency, epoch, found, now, self._key)

    def _send(
        self, urgency: _Urgency, epoch: int, found: EpochOnChain, now: int, key: bytes
    ) -> str:
        roots = self._sending(urgency, epoch, found.attempt)
        match urgency:
            case _Urgency.SETTLE:
                return self._settle(roots, epoch, found, key)
            case _Urgency.FINALIZE:
                return self._finalize(roots, epoch, found, now, key)
            case _Urgency.PROPOSE:
                return self._propose(roots, epoch, key)
        roots.reopen(epoch, key)
        return "opened again"

    def _sending(self, urgency: _Urgency, epoch: int = -1, attempt: int = 0) -> ReputationRoots:
        """The contract, whose calls our account then carries for this errand."""
        if self._purse is None:
            return self._roots
        return self._roots.via(partial(self._purse.send, Errand(urgency, epoch, attempt)))

    def _due(self, found: EpochOnChain, now: int) -> _Urgency | None:
        """What is to be done next about an epoch in this state, at this time."""
        window_end = found.proposed_at + self._roots.rules.window
        settle_end = window_end + self._roots.rules.settle_time
        if found.state is EpochState.PENDING:
            return _Urgency.CHALLENGE if now < window_end else _Urgency.FINALIZE
        if found.state is EpochState.CHALLENGED:
            return _Urgency.SETTLE if now < settle_end else _Urgency.REOPEN
        if found.state is EpochState.FINAL:
            return _Urgency.KEEP
        return _Urgency.PROPOSE if self.policy.propose else None

    def _judge(self, epoch: int, found: EpochOnChain, now: int) -> bool | None:
        """Whether a pending root is what this node computed; None while it cannot be known.

        Raises EpochUnjudged once half of the window is over without it.
        """
        computed = self._reader.digests(epoch)
        if computed is not None:
            right = computed == (found.root, found.snapshot_hash)
            if not right:
                shown = (found.root.hex(), found.snapshot_hash.hex(), *(d.hex() for d in computed))
                words = "its pending root 0x%s over 0x%s is not 0x%s over 0x%s, which this node has"
                self._tell(epoch, words % shown, logging.ERROR)
            return right
        if 2 * (now - found.proposed_at) >= self._roots.rules.window:
            raise EpochUnjudged(
                f"The root of epoch {epoch} is pending, half of its window is over, and the index"
                " is not far enough to judge it.",
                "See why the indexer is behind: nobody can challenge after the window.",
            )
        self._tell(epoch, "its root is pending, and the index is not far enough to judge it")
        return None

    def _challenge(self, epoch: int, found: EpochOnChain, now: int) -> str:
        if self._judge(epoch, found, now) is not False:
            return ""
        if self._key is None:
            raise BondMissing(
                f"A false root of epoch {epoch} is pending, and this node has no key to challenge"
                " it with.",
                "Start it with `--epochs watch` and a key, before the window is over.",
            )
        if self._lost:
            raise self._bond_lost(f"A false root of epoch {epoch} is pending.")
        if self._after_next() + self._roots.rules.bond > self.policy.max_bonds:
            raise BondMissing(
                f"A false root of epoch {epoch} is pending, and --max-bonds allows no challenge.",
                "Start the node again with more, before the window is over.",
            )
        roots = self._sending(_Urgency.CHALLENGE, epoch, found.attempt)
        roots.challenge(epoch, found.root, found.snapshot_hash, self._key)
        return "challenged"

    def _finalize(
        self, roots: ReputationRoots, epoch: int, found: EpochOnChain, now: int, key: bytes
    ) -> str:
        """Make final only what this node computed as well: for a false root nothing is paid."""
        if not self._judge(epoch, found, now):
            return ""
        roots.finalize(epoch, key)
        return "made final"

    def _settle(self, roots: ReputationRoots, epoch: int, found: EpochOnChain, key: bytes) -> str:
        if not self._settler.can_settle():
            return ""
        computed = self._reader.digests(epoch)
        if computed is None:
            return ""
        signed = self._settler.sign(epoch, found, *computed)
        roots.settle(signed, key)
        return "settled"

    def _propose(self, roots: ReputationRoots, epoch: int, key: bytes) -> str:
        if self._lost:
            return ""
        if self._after_next() + 2 * self._roots.rules.bond > self.policy.max_bonds:
            self._tell(epoch, "it has no root, and --max-bonds allows no proposal now")
            return ""
        computed = self._reader.compute(epoch)
        if computed is None:
            return ""
        self._files.keep_ratings(computed)
        uri = f"{self.policy.uri}/reputation/{epoch}/ratings" if self.policy.uri else ""
        roots.propose(epoch, computed.root, computed.snapshot_hash, uri, key)
        return "proposed"

    def _keep(self, epoch: int, found: EpochOnChain) -> str:
        """Write down a final epoch once no reorganisation is expected to open it again."""
        if self._roots.confirmed_epoch(epoch, self._reader.confirmations) != found:
            return ""
        computed = self._reader.compute(epoch)
        if computed is None:
            return ""
        right = _same(computed, found)
        if not right:
            _log.error(
                "epoch %d: the FINAL root 0x%s is not 0x%s, which this node computed: no proof of"
                " this node holds in it",
                epoch, found.root.hex(), computed.root.hex(),
            )  # fmt: skip
        self._files.keep(computed, found.root, found.snapshot_hash)
        return "kept" if right else "kept, although another root is final"

    def _at_stake(self) -> int:
        """What our bonds come to, in wei, those under way included."""
        return self._put_up() + (self._purse.at_stake() if self._purse else 0)

    def _after_next(self) -> int:
        """The same without what our next transaction replaces."""
        return self._put_up() + (self._purse.at_stake(beside_next=True) if self._purse else 0)

    def _put_up(self) -> int:
        return self._roots.rules.bond * self._watch.bonds_of(self.address) if self.address else 0

    def _bond_lost(self, before: str = "") -> BondMissing:
        lost = ", ".join(map(str, self._lost[-3:]))
        return BondMissing(
            f"{before} A bond of {self.address} was lost in epoch {lost}: this node puts up no more"
            " of them.".lstrip(),
            "Find out why (its --rpc, its index, its version), then start it with --resume-bonds.",
        )

    def _tell(self, epoch: int, what: str, level: int = logging.WARNING) -> None:
        """Say once what keeps us from acting, or what is wrong."""
        if (epoch, what) not in self._told:
            if len(self._told) >= MAX_TOLD:
                self._told.clear()
            self._told.add((epoch, what))
            _log.log(level, "epoch %d: %s", epoch, what)

    def _progress(self, done: str, epoch: int | None, at_rest: bool) -> EpochProgress:
        if done:
            _log.info("%s", done, extra={"part": "epochs", "epoch": epoch})
        return EpochProgress(done, epoch, self._at_stake(), at_rest)


def _same(computed: ComputedEpoch, found: EpochOnChain) -> bool:
    return computed.root == found.root and computed.snapshot_hash == found.snapshot_hash

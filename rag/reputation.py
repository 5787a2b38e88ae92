"""The bridge to chainrep: scores from the index of a chain, judgements put into the outbox."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from chainrep.chain.address_book import Deployment, only_deployment
from chainrep.config import Config, read_config
from chainrep.errors import ChainUnreachable, NotDeployed, StoreError
from chainrep.node.indexer import Indexer
from chainrep.protocol.evidence import query_digest
from chainrep.protocol.types import EVIDENCE_UNIT, Feedback, FeedbackKind
from chainrep.session import Session, open_session
from chainrep.store.db import open_store
from chainrep.store.outbox import Outbox
from chainrep.store.score_view import ScoreView
from rag.source.directory import reachable
from rag.source.receipts import SourceDomain
from rag.source.remote_source import RemoteSource
from rag.types import Judgement, Reliability

FRESH_SECONDS = 3_600.0
"""Scores younger than this are taken without a word."""


class ChainScores:
    """A ScoreSource over one ledger, read from the local store: no call to a chain per query.

    The store is kept up to date by a node beside it, or by ``refresh``. With ``sources`` only these
    are read, else every registered one; raises chainrep's UnknownSource for one that is not. Safe
    in any thread.
    """

    def __init__(
        self,
        view: ScoreView,
        deployment: Deployment,
        sources: Sequence[int] | None = None,
        refresh: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.time,
        *,
        cut_off: bool = False,
    ) -> None:
        self.view = view
        self.deployment = deployment
        self._sources = None if sources is None else tuple(sources)
        self._refresh = refresh
        self._clock = clock
        self._cut_off = cut_off
        self.reliabilities()

    @classmethod
    def connect(
        cls, rpc: str | None = None, home: str | None = None, half_life: float | None = None
    ) -> ChainScores:
        """Every registered source of the deployment that ``chainrep deploy`` noted in ``home``.

        Reads what is new on the chain once; where it does not answer, what the store in ``home``
        has of it is used, and ``caveat`` says how old that is. ``half_life`` (seconds) lets old
        evidence fade. Raises chainrep's ChainError, ConfigError or StoreError, each saying what to
        do next.
        """
        return cls.open(read_config(home, rpc), half_life=half_life)

    @classmethod
    def open(
        cls, config: Config, sources: Sequence[int] | None = None, half_life: float | None = None
    ) -> ChainScores:
        """As `connect`, from settings, and of these sources alone where they are named."""
        try:
            return cls.of(open_session(config), sources, half_life)
        except ChainUnreachable as error:
            try:
                return cls._kept(config, sources, half_life, cut_off=True)
            except (NotDeployed, StoreError):
                raise error from None  # nothing was read before: the chain is what is missing

    @classmethod
    def of(
        cls,
        session: Session,
        sources: Sequence[int] | None = None,
        half_life: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> ChainScores:
        """The same, of a connected session; ``clock`` gives Unix seconds."""

        def refresh() -> None:
            with closing(open_store(session.config.store)) as db:
                Indexer(session.client, session.deployment, db).catch_up()

        refresh()
        view = ScoreView(session.config.store, session.deployment.ledger_id, half_life, clock)
        return cls(view, session.deployment, sources, refresh, clock)

    @classmethod
    def local(
        cls,
        home: str | None = None,
        chain_id: int | None = None,
        half_life: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> ChainScores:
        """What the store in ``home`` holds, which ``chainrep node run`` keeps up to date.

        Asks no chain; ``chain_id`` is needed where ``home`` knows several. Errors as ``connect``.
        """
        return cls._kept(read_config(home, chain_id=chain_id), None, half_life, clock)

    @classmethod
    def _kept(
        cls,
        config: Config,
        sources: Sequence[int] | None,
        half_life: float | None,
        clock: Callable[[], float] = time.time,
        *,
        cut_off: bool = False,
    ) -> ChainScores:
        deployment = only_deployment(config.deployments, config.chain_id)
        view = ScoreView(config.store, deployment.ledger_id, half_life, clock)
        return cls(view, deployment, sources, clock=clock, cut_off=cut_off)

    @property
    def block(self) -> int:
        """The block up to which the chain has been read."""
        return self.view.block

    def remote_sources(self) -> tuple[RemoteSource, ...]:
        """The registered sources that can be asked over HTTP, as far as the chain has been read."""
        return reachable(self.view.sources())

    @property
    def domain(self) -> SourceDomain:
        """Where their receipts are good."""
        d = self.deployment
        return SourceDomain(d.chain_id, d.source_registry, d.score_ledger)

    def refresh(self) -> None:
        """Read what is new on the chain; without a connection, leave that to the node."""
        if self._refresh is not None:
            self._refresh()

    def caveat(self) -> str:
        """Say how old the scores are, if the chain did not answer, or nobody asks it and they are.

        That is, older than an hour.
        """
        age = max(0.0, self._clock() - self.view.as_of)
        if self._refresh is not None or (age < FRESH_SECONDS and not self._cut_off):
            return ""
        spent = f"{age / 60:,.0f} minutes" if age < FRESH_SECONDS else f"{age / 3600:,.1f} hours"
        told = f"The scores are of block {self.view.block}, {spent} old:"
        if self._cut_off:
            return f"{told} the chain does not answer."
        return f"{told} `chainrep node run` keeps them up to date while the chain answers."

    def reliabilities(self) -> Mapping[int, Reliability]:
        """Evidence by source id, as it weighs now."""
        if self._sources is None:
            known = self.view.standings()
        else:
            known = {source: self.view.standing(source) for source in self._sources}
        return {
            source: Reliability(s.supported, s.contradicted, s.used, s.asked)
            for source, s in known.items()
        }


class OutboxSink:
    """A FeedbackSink that keeps every judgement durably; ``clock`` gives Unix seconds."""

    def __init__(self, outbox: Outbox, clock: Callable[[], float] = time.time) -> None:
        self.outbox = outbox
        self._clock = clock

    def put(self, judgement: Judgement) -> None:
        """Keep one judgement; the question itself stays here, only a salted digest goes on."""
        salt = secrets.token_bytes(32)
        self.outbox.put(
            Feedback(
                key=judgement.key,
                source=judgement.source,
                kind=FeedbackKind[judgement.kind.upper()],
                query_digest=query_digest(judgement.question, salt),
                supported=round(judgement.supported * EVIDENCE_UNIT),
                contradicted=round(judgement.contradicted * EVIDENCE_UNIT),
                used=round(judgement.used * EVIDENCE_UNIT),
                asked=round(judgement.asked * EVIDENCE_UNIT),
                time=int(self._clock()),
            ),
            salt,
        )

"""The bridge to chainrep: scores from the index of a chain, judgements put into the outbox."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from chainrep.chain.address_book import only_deployment
from chainrep.config import read_config
from chainrep.node.indexer import Indexer
from chainrep.protocol.evidence import query_digest
from chainrep.protocol.types import EVIDENCE_UNIT, Feedback, FeedbackKind
from chainrep.session import Session, open_session
from chainrep.store.db import open_store
from chainrep.store.outbox import Outbox
from chainrep.store.score_view import ScoreView
from rag.types import Judgement, Reliability


class ChainScores:
    """A ScoreSource over one ledger, read from the local store: no call to a chain per query.

    The store is kept up to date by a node beside it, or by ``refresh``. With ``sources`` only these
    are read, else every registered one; raises chainrep's UnknownSource for one that is not. Safe
    in any thread.
    """

    def __init__(
        self,
        view: ScoreView,
        sources: Sequence[int] | None = None,
        refresh: Callable[[], object] | None = None,
    ) -> None:
        self.view = view
        self._sources = None if sources is None else tuple(sources)
        self._refresh = refresh
        self.reliabilities()

    @classmethod
    def connect(
        cls, rpc: str | None = None, home: str | None = None, half_life: float | None = None
    ) -> ChainScores:
        """Every registered source of the deployment that ``chainrep deploy`` noted in ``home``.

        Reads what is new on the chain once. ``half_life`` (seconds) lets old evidence fade. Raises
        chainrep's ChainError, ConfigError or StoreError, each saying what to do next.
        """
        return cls.of(open_session(read_config(home, rpc)), half_life=half_life)

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
        return cls(view, sources, refresh)

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
        config = read_config(home, chain_id=chain_id)
        deployment = only_deployment(config.deployments, config.chain_id)
        return cls(ScoreView(config.store, deployment.ledger_id, half_life, clock))

    @property
    def block(self) -> int:
        """The block up to which the chain has been read."""
        return self.view.block

    def refresh(self) -> None:
        """Read what is new on the chain; without a connection, leave that to the node."""
        if self._refresh is not None:
            self._refresh()

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

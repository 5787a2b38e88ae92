"""The bridge to chainrep: scores read from the chain, judgements put into the outbox."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from chainrep.chain.score_ledger import ScoreLedger
from chainrep.config import read_config
from chainrep.protocol.evidence import query_digest
from chainrep.protocol.types import EVIDENCE_UNIT, Feedback, FeedbackKind
from chainrep.session import open_session
from chainrep.store.outbox import Outbox
from rag.types import Judgement, Reliability


class ChainScores:
    """A ScoreSource over one ledger: the scores as of the last ``refresh``, no call per query."""

    def __init__(self, ledger: ScoreLedger, sources: Sequence[int]) -> None:
        self.ledger = ledger
        self.sources = tuple(sources)
        self._scores: Mapping[int, Reliability] = {}
        self.refresh()

    @classmethod
    def connect(cls, rpc: str | None = None, home: str | None = None) -> ChainScores:
        """Every registered source of the deployment that ``chainrep deploy`` noted in ``home``.

        Raises chainrep's ChainError or ConfigError, each saying what to do next.
        """
        session = open_session(read_config(home, rpc))
        return cls(session.ledger, range(1, session.registry.count() + 1))

    def refresh(self) -> None:
        """Read all scores from the chain again."""
        self._scores = {
            score.source: Reliability(
                supported=score.supported / EVIDENCE_UNIT,
                contradicted=score.contradicted / EVIDENCE_UNIT,
                used=score.used / EVIDENCE_UNIT,
                asked=score.asked / EVIDENCE_UNIT,
            )
            for score in self.ledger.scores(self.sources)
        }

    def reliabilities(self) -> Mapping[int, Reliability]:
        """Evidence by source id."""
        return self._scores


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

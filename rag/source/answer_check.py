"""What was asked, and whether what came is an answer to it that its source is bound to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from chainrep.errors import InputError
from chainrep.protocol.source_receipt import WORD_BYTES, SourceDomain
from rag.errors import ReceiptError
from rag.source.exchange import Unanswered
from rag.source.passage_room import PassageRoom, fit
from rag.source.receipts import check_receipt, query_digest
from rag.source.remote_source import RemoteSource
from rag.source.wire import Query, dump_query, load_answer
from rag.types import Found


@dataclass(frozen=True, slots=True)
class Asked:
    """One search as it goes to every source: at most ``k`` passages, salt, body, query's digest."""

    k: int
    salt: bytes
    body: bytes
    digest: bytes


def prepare(question: str, k: int) -> Asked:
    """A search with a salt of its own; raise InputError for one that no source could be asked."""
    salt = secrets.token_bytes(WORD_BYTES)
    digest = query_digest(salt, k, question)
    return Asked(k, salt, dump_query(Query(question, k, salt)), digest)


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """``domain`` is where receipts have to be good; their clocks may be off by ``tolerance`` s.

    Of an answer that is believed no more than ``room`` is taken.
    """

    domain: SourceDomain
    tolerance: float
    room: PassageRoom

    def read(
        self, content: bytes, asked: Asked, source: RemoteSource, now: float, seconds: float
    ) -> Found:
        """The passages, cleaned and cut to the room, and their receipt with all that proves it.

        ``now`` is in Unix seconds, ``seconds`` how long the answer took. Raises Unanswered.
        """
        try:
            passages, receipt = load_answer(content, asked.k)
        except InputError as error:
            raise Unanswered(f"sends what is no answer: {error.summary}", fault=True) from error
        try:
            check_receipt(
                receipt,
                source=source.id,
                owner=source.owner,
                query=asked.digest,
                passages=passages,
                domain=self.domain,
            )
        except ReceiptError as error:
            raise Unanswered(f"is no evidence: {error.summary}", fault=True) from error
        if abs(now - receipt.time) > self.tolerance:
            raise Unanswered(
                f"is no evidence: its clock is off by {abs(now - receipt.time):.0f} s, or its"
                " receipt is an old one"
            )
        fitting, shortened = fit(passages, self.room)  # after the check: all was signed
        proof = replace(receipt, salt=asked.salt, k=asked.k, signed=passages)
        return Found(fitting, proof, seconds, shortened)

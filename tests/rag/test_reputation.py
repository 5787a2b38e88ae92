from collections.abc import Mapping

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import UnknownSource
from rag.reputation import ChainScores, OutboxSink
from rag.types import Judgement

OWNER = dev_accounts(5)[4]


@pytest.fixture
def outbox(session):
    for name in ("a", "b"):
        session.registry.register(f"https://{name}.example", OWNER.private_key)
    return session.outbox()


def judgement(key="run/1/1", source=1, supported=1.0):
    return Judgement(key, source, "gold", "Who?", supported, 1.0 - supported, 1.0, 1.0)


def test_a_judgement_reaches_the_weights_by_way_of_the_chain(session, outbox):
    scores = ChainScores(session.ledger, [1, 2])
    OutboxSink(outbox).put(judgement())
    assert scores.reliabilities()[1].evidence == 0
    list(session.relayer(outbox).flush())
    assert scores.reliabilities()[1].evidence == 0, "read once, not per query"
    scores.refresh()
    known: Mapping = scores.reliabilities()
    assert (known[1].supported, known[1].used, known[1].asked) == (1.0, 1.0, 1.0)
    assert known[2].evidence == 0


def test_units_become_hundredths_and_the_question_stays_here(outbox):
    OutboxSink(outbox, clock=lambda: 1_700_000_000.9).put(judgement(supported=0.254))
    (record,) = outbox.pending(10)
    assert (record.supported, record.contradicted, record.used) == (25, 75, 100)
    assert record.time == 1_700_000_000
    assert b"Who?" not in record.query_digest
    rows = outbox.db.execute("SELECT * FROM feedback").fetchall()
    assert not any("Who?" in str(value) for row in rows for value in row)


def test_the_same_judgement_twice_is_kept_once(outbox):
    sink = OutboxSink(outbox)
    sink.put(judgement())
    sink.put(judgement())
    assert outbox.count().pending == 1


def test_scores_of_a_source_that_is_not_registered_cannot_be_had(session, outbox):
    with pytest.raises(UnknownSource, match="id 3"):
        ChainScores(session.ledger, [1, 3])

"""The relayer is killed at any statement or request, the chain turns back, and nothing is lost."""

from chainrep.chain.client import connect
from chainrep.node.flush_policy import FlushPolicy
from chainrep.protocol.evidence import feedback_id
from chainrep.protocol.evidence_file import parse_evidence
from chainrep.store.evidence import EvidenceStore
from chainrep.store.outbox import OutboxCount
from tests.node.anvil_chain import AnvilChain, judgement
from tests.node.mortal import NEVER, run_mortal
from tests.node.reading import seeded

KILLS = 90
DEPTH = 3
"""Blocks that the chain turns back at most, and fewer than the confirmations asked for."""
POINTS = 150
"""Statements and requests of a run over fresh feedback: a test sees that there are so many."""


def relay(chain, home):
    """Whatever a run does, with a connection and a store of its own, until nothing is left."""
    session = chain.session_in(home, connect(chain.url))
    outbox = session.outbox()
    policy = FlushPolicy(flush_at=1, max_age=0, max_updates=2)
    relayer = session.relayer(outbox, confirmations=DEPTH + 1, policy=policy)
    for _ in range(60):
        progress = relayer.step()
        if not progress.open and not progress.pending:
            break
        chain.mine()
    relayer.close()
    outbox.db.close()


def applied_feedback(chain, home):
    """The ids of all feedback that the ledger has applied, with repeats, as its evidence tells."""
    ledger, evidence = chain.session.ledger, EvidenceStore(home / "evidence")
    batches = (ledger.applied(nonce) for nonce in range(1, ledger.committee().next_nonce))
    return [record.id for root, _ in batches for record in parse_evidence(evidence.get(root))]


def test_a_kill_at_any_point_loses_nothing_and_sends_nothing_twice(anvil_url, tmp_path):
    chain, home, rng = AnvilChain(anvil_url, tmp_path / "home"), tmp_path / "road", seeded(21)
    chain.mine(2 * DEPTH)
    outbox = chain.session_in(home).outbox()
    given, kills, turned, at = [], 0, 0, NEVER
    while kills < KILLS:
        for source in (1, 2, 3):
            key = f"k{len(given)}"
            outbox.put(judgement(key, source))
            given.append(feedback_id(key))
        killed, points = run_mortal(lambda: relay(chain, home), at, after=bool(kills % 2))
        assert killed or points >= POINTS or at < NEVER
        at = rng.randint(1, POINTS)
        kills += killed
        if rng.random() < 0.3:
            turned += 1
            chain.ask("anvil_reorg", rng.randint(1, DEPTH), [])
    relay(chain, home)
    everything = OutboxCount(pending=0, in_flight=0, applied=len(given), refused=0)
    assert outbox.count() == everything
    assert sorted(applied_feedback(chain, home)) == sorted(given)
    assert chain.supported() == [100 * len(given) // 3] * 3
    assert turned > KILLS // 5

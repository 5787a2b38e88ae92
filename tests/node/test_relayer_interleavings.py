"""Whatever happens in any order to two relayers and their chain, each judgement counts once."""

from itertools import count

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chainrep.node.carrier import PATIENCE_BLOCKS, PATIENCE_SECONDS
from chainrep.node.flush_policy import FlushPolicy
from chainrep.protocol.evidence import feedback_id
from chainrep.protocol.evidence_file import parse_evidence
from chainrep.store.evidence import EvidenceStore
from tests.node.anvil_chain import ACCOUNTS, AnvilChain, judgement

DEPTH = 4
SIDE = st.sampled_from([0, 1])
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), SIDE, st.integers(1, 3)),
        st.tuples(st.just("step"), SIDE),
        st.tuples(st.just("restart"), SIDE),
        st.tuples(st.just("mine"), st.integers(1, 3)),
        st.tuples(st.just("forget")),
        st.tuples(st.just("stall")),
        st.tuples(st.just("reorg"), st.integers(1, DEPTH)),
    ),
    min_size=10,
    max_size=40,
)
_keys = count()


class Two:
    """Two outboxes of one ledger, each with a relayer and an account of its own."""

    def __init__(self, chain, folder):
        self.chain = chain
        self.homes = [folder / "left", folder / "right"]
        self.given = []
        self.relayers = [self.relayer(0), self.relayer(1)]

    def relayer(self, side):
        session = self.chain.session_in(self.homes[side])
        return session.relayer(
            session.outbox(),
            ACCOUNTS[8 + side].private_key,
            confirmations=DEPTH + 1,
            policy=FlushPolicy(flush_at=1, max_age=0, max_updates=2),
        )

    def add(self, side, source):
        key = f"k{next(_keys)}"
        assert self.relayers[side].outbox.put(judgement(key, source))
        self.given.append(feedback_id(key))

    def step(self, side):
        self.relayers[side].step()

    def restart(self, side):
        self.relayers[side].close()
        self.relayers[side].outbox.db.close()
        self.relayers[side] = self.relayer(side)

    def mine(self, blocks):
        self.chain.mine(blocks)

    def forget(self):
        for transaction in self.chain.waiting():
            self.chain.ask("anvil_dropTransaction", transaction["hash"])

    def stall(self):
        self.forget()
        self.chain.pass_time(PATIENCE_SECONDS)
        self.mine(PATIENCE_BLOCKS)

    def reorg(self, depth):
        self.chain.ask("anvil_reorg", depth, [])

    def finish(self):
        for _ in range(150):
            states = [relayer.step() for relayer in self.relayers]
            if not any(state.open or state.pending for state in states):
                break
            self.mine(1)
        for relayer in self.relayers:
            relayer.close()

    def applied(self, first_nonce):
        ledger, ids = self.chain.session.ledger, []
        for nonce in range(first_nonce, ledger.committee().next_nonce):
            root, _ = ledger.applied(nonce)
            kept = [e for home in self.homes if (e := _kept(home, root))]
            ids += [record.id for record in parse_evidence(kept[0])]
        return ids


def _kept(home, root):
    evidence = EvidenceStore(home / "evidence")
    return evidence.get(root) if evidence.find(root) else None


def test_any_interleaving_applies_every_judgement_exactly_once(anvil_url, tmp_path):
    chain, runs = AnvilChain(anvil_url, tmp_path / "home"), count()
    chain.ask("evm_setAutomine", False)

    @settings(
        max_examples=12,
        deadline=None,
        phases=[Phase.generate],  # shrinking on a chain would take hours; the example is printed
        suppress_health_check=list(HealthCheck),
    )
    @given(EVENTS)
    def holds(events):
        chain.mine(2 * DEPTH)
        first = chain.session.ledger.committee().next_nonce
        before = chain.supported()
        two = Two(chain, tmp_path / str(next(runs)))
        for name, *arguments in events:
            getattr(two, name)(*arguments)
        two.finish()
        assert sorted(two.applied(first)) == sorted(two.given)
        assert sum(chain.supported()) - sum(before) == 100 * len(two.given)
        counts = [relayer.outbox.count() for relayer in two.relayers]
        assert sum(c.applied for c in counts) == len(two.given)
        assert [(c.pending, c.in_flight, c.refused) for c in counts] == [(0, 0, 0)] * 2

    holds()

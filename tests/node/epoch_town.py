"""A small town on anvil whose reputations are computed: who speaks, its nodes, and a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from chainrep.chain.client import connect
from chainrep.chain.deploy import RootTerms
from chainrep.chain.devnet import DevAccount, dev_accounts, find_anvil, start_anvil
from chainrep.config import Config
from chainrep.node.epochs import EpochPolicy
from chainrep.node.indexer import Indexer
from chainrep.protocol.epoch import epoch_at
from chainrep.protocol.types import ScoreUpdate
from chainrep.session import Session, bind_session, deploy_new, published_committee
from chainrep.store.db import open_store
from tests.tools import ROOT, free_port, require_tool, wait_for_chain

ACCOUNTS = dev_accounts(10)
SEED, SOURCE_OWNER, READER, LIAR, KEEPER = (ACCOUNTS[i] for i in (1, 4, 6, 8, 9))
BOND = 10**17
TERMS = RootTerms(epoch_seconds=3_600, window=600, settle_time=1_200, bond=BOND)
FALSE_ROOT, FALSE_HASH = b"\x66" * 20, b"\x77" * 32

UNREACHABLE = {ACCOUNTS[1].address: "http://127.0.0.1:1"}
"""Members that are too few to settle anything."""


@contextmanager
def own_anvil() -> Iterator[str]:
    """The URL of an anvil that nobody else uses."""
    program = find_anvil(ROOT / "contracts")
    require_tool(program, "anvil")
    assert program is not None
    port = free_port()
    process = start_anvil(program, port)
    try:
        wait_for_chain(url := f"http://127.0.0.1:{port}")
        yield url
    finally:
        process.terminate()
        process.wait(60)


class Town:
    """A deployment with short epochs, one source, and people who speak in the open lane."""

    def __init__(self, url: str, home: Path) -> None:
        self.home = home
        self.client = connect(url)
        config = Config(home / "deployer", url, None)
        committee = published_committee(self.client)
        key = ACCOUNTS[0].private_key
        deployment = deploy_new(config, self.client, key, committee, terms=TERMS)
        self.session = bind_session(config, self.client, deployment)
        self.roots = self.session.roots()
        self.log = self.session.feedback_log()
        register = self.session.registry.register
        self.source, _ = register("https://a.example", SOURCE_OWNER.private_key)

    def speak(self) -> None:
        """A seed trusts the reader, who finds the source right three times."""
        self.log.vouch({READER.address: 900}, SEED.private_key)
        self.log.rate([ScoreUpdate(self.source, 300, 0, 300, 300)], READER.private_key)

    def ask(self, method: str, *parameters: object) -> object:
        """One of anvil's own methods."""
        answer = self.client.w3.provider.make_request(method, list(parameters))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    def pass_time(self, seconds: int) -> None:
        """Let the newest block be so much later."""
        self.ask("evm_increaseTime", seconds)
        self.ask("anvil_mine", 1)

    def end_epoch(self) -> int:
        """Let the present epoch end, and the next one just begin; its number."""
        now = self.client.now()
        epoch = epoch_at(now, TERMS.epoch_seconds)
        self.pass_time(epoch.end - now + 1)
        return epoch.number

    def lie(self, epoch: int, root: bytes = FALSE_ROOT, snapshot: bytes = FALSE_HASH) -> None:
        """Somebody proposes what is not so."""
        self.roots.propose(epoch, root, snapshot, "", LIAR.private_key)

    def node(
        self,
        name: str,
        account: DevAccount | None = KEEPER,
        propose: bool = False,
        bonds: int = 4,
        confirmations: int | None = None,
        members: Mapping[str, str] | None = None,
    ) -> Node:
        """A node with a home of its own; ``members`` settle, by address and URL."""
        config = Config(self.home / name, self.session.config.rpc, None)
        session = bind_session(config, self.client, self.session.deployment)
        policy = EpochPolicy(propose, bonds * BOND)
        return Node(session, account, policy, confirmations, members)


class Node:
    """Store, index and keeper of one operator; made again from the same home, it is restarted."""

    def __init__(
        self,
        session: Session,
        account: DevAccount | None,
        policy: EpochPolicy,
        confirmations: int | None,
        members: Mapping[str, str] | None,
    ) -> None:
        self.session = session
        self.db = open_store(session.config.store)
        self.files = session.epoch_files()
        key = account and account.private_key
        self.reader = session.epoch_reader(self.db, session.roots(), confirmations)
        self.keeper = session.epoch_keeper(self.db, key, policy, confirmations, members)

    def index(self) -> None:
        """Read the chain."""
        Indexer(self.session.client, self.session.deployment, self.db).catch_up()

    def work(self) -> Sequence[str]:
        """Read the chain, then step until the keeper is at rest; what it did."""
        self.index()
        return self.keep()

    def keep(self) -> Sequence[str]:
        """Step until the keeper is at rest; what it did."""
        done = []
        while not (progress := self.keeper.step()).at_rest:
            done.append(progress.done)
        return [each for each in done if each]

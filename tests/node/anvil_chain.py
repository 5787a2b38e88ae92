"""A relayer's session on anvil, and what a chain can do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chainrep.chain.client import Client, connect
from chainrep.chain.devnet import dev_accounts
from chainrep.config import Config
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.session import Session, bind_session, deploy_new, published_committee

ACCOUNTS = dev_accounts(10)
SOURCES = 3


class AnvilChain:
    """A deployment with three sources, and the test methods of anvil."""

    def __init__(self, url: str, home: Any) -> None:
        self.url = url
        self.client = connect(url)
        config = Config(home, url, None)
        committee = published_committee(self.client)
        deployment = deploy_new(config, self.client, ACCOUNTS[0].private_key, committee)
        self.session = bind_session(config, self.client, deployment)
        for i in range(SOURCES):
            self.session.registry.register(f"https://{i}.example", ACCOUNTS[4 + i].private_key)

    def ask(self, method: str, *parameters: Any) -> Any:
        """One of anvil's own methods."""
        answer = connect(self.url).w3.provider.make_request(method, list(parameters))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        """So many blocks, with what waits in the first."""
        for _ in range(blocks):
            self.ask("anvil_mine", 1)

    def pass_time(self, seconds: int) -> None:
        """Let the next block be so much later."""
        self.ask("evm_increaseTime", seconds)

    def height(self) -> int:
        """The newest block's number."""
        return int(self.client.w3.eth.block_number)

    def waiting(self) -> list[Any]:
        """The transactions that wait to be mined."""
        pool = self.ask("txpool_content")
        return [tx for by in pool["pending"].values() for tx in by.values()] + [
            tx for by in pool["queued"].values() for tx in by.values()
        ]

    def supported(self) -> list[int]:
        """What the ledger says of every source."""
        scores = self.session.ledger.scores(range(1, SOURCES + 1))
        return [score.supported for score in scores]

    def session_in(self, home: Any, client: Client | None = None) -> Session:
        """The same ledger with another home folder, or another connection."""
        config = replace(self.session.config, home=home)
        return bind_session(config, client or self.client, self.session.deployment)


def judgement(key: str, source: int = 1, supported: int = 100, age: int = 0) -> Feedback:
    """A judgement that was made in 2023."""
    return Feedback(
        key, source, FeedbackKind.GOLD, bytes(32), supported, 0, 0, 100, 1_700_000_000 - age
    )

"""A verdict ledger, and what batches of verdicts on receipts that were never seen before cost."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrep.chain.artifact import load_artifact
from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.protocol.typed_data import join_signatures
from chainrep.protocol.verdict import ReceiptVerdict, Verdict
from chainrep.protocol.verdict_batch import (
    VerdictDomain,
    VerdictReport,
    pack_verdicts,
    sign_verdicts,
)
from scripts.benchmarks.gas.chain import OWNER, member_keys
from scripts.benchmarks.gas.ledger import HOUR, NOBODY, deploy

SIZES = (1, 10, 100)
"""Verdicts per batch; the goal is stated for 10."""
MEMBERS, THRESHOLD = 3, 2


class VerdictsUnderTest:
    """A verdict ledger of 2 of 3 members, whose reports all have a quorum's signatures."""

    def __init__(self, client: Client, members: int = MEMBERS, threshold: int = THRESHOLD) -> None:
        self.client = client
        self.keys = member_keys(members)
        self.threshold = threshold
        artifact = load_artifact("VerdictLedger")
        places = (OWNER.address, list(self.keys), threshold, NOBODY)
        self.contract = deploy(client, artifact, *places)
        self.domain = VerdictDomain(client.chain_id, self.contract.address)
        self.rng = random.Random(0)  # noqa: S311 (repeatable, not secret)

    def fresh(
        self, count: int, providers: int, verdict: Verdict = Verdict.MATCH
    ) -> Sequence[ReceiptVerdict]:
        """Verdicts on receipts that nobody has seen, spread evenly over so many providers."""
        names = [self.rng.randbytes(20) for _ in range(providers)]
        return [
            ReceiptVerdict(
                names[i % providers], self.rng.randbytes(20), verdict, self.rng.randrange(1, 257)
            )
            for i in range(count)
        ]

    def apply(self, verdicts: Sequence[ReceiptVerdict]) -> int:
        """Gas of one batch with a quorum's signatures."""
        packed = pack_verdicts(verdicts)
        version, nonce, _, members = self.contract.functions.committee().call()
        deadline = self.client.now() + HOUR
        report = VerdictReport(version, nonce, deadline, self.rng.randbytes(32), packed)
        signed = {
            member: sign_verdicts(report, self.domain, self.keys[member])
            for member in members[: self.threshold]
        }
        mask, joined = join_signatures(members, signed)
        function = self.contract.functions.applyVerdicts(
            packed, report.evidence_root, nonce, deadline, mask, joined
        )
        return self.client.send(call_to(function), OWNER.private_key).gas_used


def figures(client: Client, rounds: int, tick: Callable[[], object]) -> Mapping[str, Any]:
    """`verdict_batched_gas` is per verdict of 10 on one provider's receipts, 2 of 3 signing; the
    table beside it has other sizes, a provider for each verdict, and 3 of 5 signing."""
    table = verdict_gas(client, rounds, tick)
    return {"verdict_batched_gas": table["one_provider"]["10"], "verdict_gas": table}


def verdict_gas(
    client: Client, rounds: int, tick: Callable[[], object], sizes: Sequence[int] = SIZES
) -> Mapping[str, Mapping[str, float]]:
    """Mean gas per verdict by batch size, whole transactions, every receipt a new one."""
    two_of_three, three_of_five = VerdictsUnderTest(client), VerdictsUnderTest(client, 5, 3)
    for ledger in (two_of_three, three_of_five):
        ledger.apply(ledger.fresh(1, 1))  # the first entry into the history
    found: dict[str, dict[str, float]] = {}
    for name, ledger, single in (
        ("one_provider", two_of_three, True),
        ("a_provider_each", two_of_three, False),
        ("one_provider_3_of_5", three_of_five, True),
    ):
        found[name] = {}
        for size in sizes:
            gas = 0
            for _ in range(rounds):
                gas += ledger.apply(ledger.fresh(size, 1 if single else size))
                tick()
            found[name][str(size)] = round(gas / rounds / size, 1)
    return found

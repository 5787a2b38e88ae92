"""Gas per score update, from real transactions in steady state.

Steady state: every slot touched before and every block later than the one before it; equal
timestamps would leave a word unchanged and fake a saving. Runs on anvil where it is found, else on
the embedded chain; both run Prague rules.
"""

from __future__ import annotations

import json
import platform
import random
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from chainrep.chain.client import Client, connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts, embedded_chain, find_anvil, start_anvil
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.chain.score_ledger import ScoreLedger
from chainrep.chain.source_registry import SourceRegistry
from chainrep.cli.output import print_table, progress
from chainrep.errors import ChainUnreachable
from chainrep.protocol.score_update import UPDATE_BYTES, pack_updates
from chainrep.protocol.typed_data import collect_signatures, sign_report
from chainrep.protocol.types import Report, ScoreUpdate

SIZES = (1, 2, 5, 10, 20, 100)
ROUNDS = 3
SOURCES = 100
SEED_SYSTEM = {"10": 29_228, "20": 27_915, "100": 26_901}
"""Reliable-dRAG's own contract in steady state, gas per update (our research notes, 2026)."""


@contextmanager
def chain() -> Iterator[tuple[Client, str]]:
    """A fresh chain whose timestamps advance with every block."""
    program = find_anvil(Path(__file__).parents[2] / "contracts")
    if program is None:
        yield Client(EmbeddedProvider(embedded_chain()), "embedded"), "py-evm (eth-tester)"
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start_anvil(program, port)
    try:
        client = _await(f"http://127.0.0.1:{port}")
        client.w3.provider.make_request("anvil_setBlockTimestampInterval", [12])  # type: ignore[arg-type]
        yield client, "anvil"
    finally:
        process.terminate()
        process.wait()


def _await(url: str) -> Client:
    for _ in range(100):
        try:
            return connect(url)
        except ChainUnreachable:
            time.sleep(0.05)
    return connect(url)


def measure(client: Client, threshold: int, sizes: Sequence[int], tick: Any) -> dict[str, float]:
    """Mean gas per update by batch size, signed by ``threshold`` of 3 members."""
    owner, *members, source_owner = dev_accounts(5)
    keys = {member.address: member.private_key for member in members}
    deployment = deploy_contracts(client, owner.private_key, list(keys), threshold)
    registry, ledger = SourceRegistry(client, deployment), ScoreLedger(client, deployment)
    for i in range(SOURCES):
        registry.register(f"https://source{i}.example", source_owner.private_key)
        tick()
    rng = random.Random(0)  # noqa: S311 (repeatable, not secret)

    def batch(count: int) -> int:
        sources = sorted(rng.sample(range(1, SOURCES + 1), count))
        updates = [ScoreUpdate(s, *(rng.randrange(1, 2**16) for _ in range(4))) for s in sources]
        committee = ledger.committee()
        report = Report(
            committee.version,
            committee.next_nonce,
            client.now() + 3_600,
            rng.randbytes(32),
            pack_updates(updates),
        )
        signatures = {
            member: sign_report(report, ledger.domain, keys[member])
            for member in committee.members[:threshold]
        }
        signed = collect_signatures(report, ledger.domain, committee.members, signatures)
        tick()
        return client.send(ledger.batch_call(signed), owner.private_key).gas_used

    batch(SOURCES)  # first touches, not counted
    return {str(n): round(sum(batch(n) for _ in range(ROUNDS)) / ROUNDS / n, 1) for n in sizes}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
def gas(as_json: bool) -> None:
    """Gas per score update at several batch sizes, for 1 and 2 signatures of 3 members."""
    with chain() as (client, name), progress() as bar:
        task = bar.add_task("Transactions", total=2 * (SOURCES + 1 + ROUNDS * len(SIZES)))
        one = measure(client, 1, SIZES, lambda: bar.advance(task))
        two = measure(client, 2, SIZES, lambda: bar.advance(task))
    result = {
        "update_gas": one,
        "update_gas_two_signatures": two,
        "saving_20_vs_1": round(1 - one["20"] / one["1"], 4),
        "calldata_bytes_per_update": UPDATE_BYTES,
        "seed_system": {"update_gas": SEED_SYSTEM, "saving_20_vs_1": 0.56},
        "chain": name,
        "rounds": ROUNDS,
        "seed": 0,
        "machine": platform.platform(),
        "versions": {"python": platform.python_version(), "web3": version("web3")},
    }
    if as_json:
        click.echo(json.dumps(result))
        return
    print_table(
        ["updates per batch", "1 signature", "2 signatures", "seed system"],
        [[int(n), round(one[n]), round(two[n]), SEED_SYSTEM.get(n, "")] for n in one],
        title=f"Gas per update ({name})",
    )
    click.echo(f"Saving at 20 against 1: {result['saving_20_vs_1']:.1%} (seed system: 56 %).")


if __name__ == "__main__":
    gas()

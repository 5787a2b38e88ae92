"""Gas of everything the contracts do, from real transactions in steady state.

Steady state: every slot touched before and every block later than the one before it. Runs on anvil
where it is found, else on the embedded chain; both run Prague rules.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from web3.contract import Contract

from chainrep.chain.artifact import load_artifact
from chainrep.chain.client import Client
from chainrep.cli.output import print_table, progress
from chainrep.errors import ChainrepError
from chainrep.protocol.score_update import UPDATE_BYTES
from scripts.benchmarks.gas import jobs, proof, updates, verdicts
from scripts.benchmarks.gas.chain import ROOT, fresh_chain
from scripts.benchmarks.gas.entry_points import entry_point_gas
from scripts.benchmarks.gas.ledger import NOBODY, LedgerUnderTest, deploy, register_sources
from scripts.benchmarks.gas.peer import peer_update_gas

SIZES = (1, 2, 5, 10, 20, 100)
ROUNDS = 3
SOURCES = 100
MANY_SOURCES = 3_200
TREES = (1_024, 16_384, 1_048_576)
SNAPSHOT = ROOT / "contracts" / "gas.json"


def measure(client: Client, peer: Path | None, tick: Callable[[], object]) -> dict[str, Any]:
    """Every figure, on one fresh chain."""
    registry = deploy(client, load_artifact("SourceRegistry"), NOBODY, NOBODY)
    register_sources(client, registry, SOURCES, tick)
    found = _batches(client, registry, tick)
    if peer is not None:
        name, gas = peer_update_gas(client, registry, peer, SIZES, SOURCES, ROUNDS, tick)
        found["peer"] = {"contract": name, "update_gas": gas, "saving_20_vs_1": _saving(gas)}
    roots = proof.deploy_roots(client)
    first = roots.functions.firstEpoch().call()
    found["prove_tx_gas"] = {
        str(leaves): proof.prove_gas(client, roots, leaves, first + i, tick)
        for i, leaves in enumerate(TREES)
    }
    found |= verdicts.figures(client, ROUNDS, tick)
    found |= jobs.figures(client, ROUNDS, tick)
    register_sources(client, registry, MANY_SOURCES - SOURCES, tick)
    found["max_batch_under_tx_cap"] = updates.max_batch(
        LedgerUnderTest(client, registry), MANY_SOURCES, tick
    )
    return found


def _batches(client: Client, registry: Contract, tick: Callable[[], object]) -> dict[str, Any]:
    ledger = LedgerUnderTest(client, registry)
    ledger.touch(SOURCES)
    one = updates.update_gas(ledger, SIZES, SOURCES, 1, ROUNDS, tick)
    two = updates.update_gas(ledger, SIZES, SOURCES, 2, ROUNDS, tick)
    large = LedgerUnderTest(client, registry, members=updates.COMMITTEE)
    large.touch(SOURCES)
    by_signatures = updates.batch_by_signatures(large, ROUNDS, tick)
    archive = LedgerUnderTest(client, registry, archive=True)
    in_archive = updates.archive_gas(archive, ROUNDS, tick)
    return {
        "update_gas": one,
        "update_gas_two_signatures": two,
        "saving_20_vs_1": _saving(one),
        "batch_k_of_n": updates.per_extra_signature(by_signatures),
        "batch_gas_by_signatures": by_signatures,
        "archive_update_gas": in_archive["whole"],
        "archive_update_gas_full_deltas": in_archive["full"],
        "calldata_bytes_per_update": UPDATE_BYTES,
    }


def _saving(gas: Mapping[str, float]) -> float:
    return round(1 - gas["20"] / gas["1"], 4)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option(
    "--peer",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A checkout of another ledger contract, measured in the same run.",
)
@click.option("--snapshot", is_flag=True, help="Write contracts/gas.json, and measure no more.")
def gas(as_json: bool, peer: Path | None, snapshot: bool) -> None:
    """Gas per score update, per signature, per proof, and of every entry point."""
    try:
        with fresh_chain() as (client, chain):
            entry_points = entry_point_gas(client)
        if snapshot:
            SNAPSHOT.write_text(json.dumps(entry_points, indent=1) + "\n")
            return
        with fresh_chain() as (client, chain), progress() as bar:
            task = bar.add_task("Transactions", total=None)
            result = measure(client, peer, lambda: bar.advance(task))
    except ChainrepError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    result |= {
        "register_gas": entry_points["register"],
        "propose_root_gas": entry_points["propose"],
        "entry_points": entry_points,
        "chain": chain,
        "rounds": ROUNDS,
        "seed": 0,
        "machine": platform.platform(),
        "versions": {"python": platform.python_version(), "web3": version("web3")},
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        show(result)


def show(result: Mapping[str, Any]) -> None:
    """The same as tables."""
    columns = {"1 signature": result["update_gas"], "2": result["update_gas_two_signatures"]}
    if "peer" in result:
        columns[result["peer"]["contract"]] = result["peer"]["update_gas"]
    print_table(
        ["updates per batch", *columns],
        [[int(n), *(round(found[n]) for found in columns.values())] for n in result["update_gas"]],
        title=f"Gas per update ({result['chain']})",
    )
    proofs = {f"prove 1 of {int(n):,}": gas for n, gas in result["prove_tx_gas"].items()}
    print_table(
        ["what", "gas"],
        [[name, round(found)] for name, found in (result["entry_points"] | proofs).items()],
        title="Gas of a whole transaction",
    )
    print_table(
        ["verdicts per batch", *result["verdict_gas"]],
        [
            [int(n), *(round(found[n]) for found in result["verdict_gas"].values())]
            for n in result["verdict_gas"]["one_provider"]
        ],
        title="Gas per verdict on a new receipt, with a quorum's signatures",
    )
    print_table(
        ["a job of 3 verifiers", *result["job_gas"]],
        [
            [step, *(found[step] for found in result["job_gas"].values())]
            for step in result["job_gas"]["one_round"]
        ],
        title=f"Gas of each transaction, {result['job_3_verifiers_gas']:,} in one round",
    )
    click.echo(f"A Hamming distance of 256 bits: {result['hamming_256_gas']} gas.")
    click.echo(f"Saving per update at 20 against 1: {result['saving_20_vs_1']:.1%}.")
    click.echo(f"An extra signature: {result['batch_k_of_n']:,.0f} gas.")
    click.echo(f"An update in an archive: {result['archive_update_gas']:,.0f} gas.")
    click.echo(f"Largest batch under 2^24 gas: {result['max_batch_under_tx_cap']:,} updates.")


if __name__ == "__main__":
    gas()

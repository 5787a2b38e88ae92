"""What a batch costs: per update, per signature, in an archive, and how large one may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scripts.benchmarks.gas.ledger import LedgerUnderTest, full_deltas, whole_judgements

TX_GAS_CAP = 2**24
"""The most gas that one transaction may have since EIP-7825."""

ARCHIVE_SIZE = 100
COMMITTEE = 32
SIGNERS = (1, 2, 3, 5, 9, 17)
K_OF_N_SIZE = 10

Tick = Callable[[], object]


def update_gas(
    ledger: LedgerUnderTest,
    sizes: Sequence[int],
    sources: int,
    signatures: int,
    rounds: int,
    tick: Tick,
) -> Mapping[str, float]:
    """Mean gas per update by batch size; the sources have been touched before."""
    found = {}
    for size in sizes:
        total = 0
        for _ in range(rounds):
            total += ledger.apply_random(size, sources, signatures)
            tick()
        found[str(size)] = round(total / rounds / size, 1)
    return found


def batch_by_signatures(ledger: LedgerUnderTest, rounds: int, tick: Tick) -> Mapping[str, float]:
    """Mean gas of a batch of 10 by the number of signatures, of a committee of 32."""
    found = {}
    for signatures in SIGNERS:
        total = 0
        for _ in range(rounds):
            total += ledger.apply(range(1, K_OF_N_SIZE + 1), signatures)
            tick()
        found[str(signatures)] = round(total / rounds, 1)
    return found


def per_extra_signature(by_signatures: Mapping[str, float]) -> float:
    """Gas that one more signature costs, from one signature to the most that were measured."""
    most = max(by_signatures, key=int)
    return round((by_signatures[most] - by_signatures["1"]) / (int(most) - 1), 1)


def archive_gas(archive: LedgerUnderTest, rounds: int, tick: Tick) -> Mapping[str, float]:
    """Mean gas per update of 100, where deltas are whole judgements, and at their worst."""
    sources = range(1, ARCHIVE_SIZE + 1)
    archive.apply(sources)  # the first entry into the history
    found = {}
    for name, deltas in {"whole": whole_judgements, "full": full_deltas}.items():
        total = 0
        for _ in range(rounds):
            total += archive.apply(sources, deltas=deltas)
            tick()
        found[name] = round(total / rounds / ARCHIVE_SIZE, 1)
    return found


def max_batch(ledger: LedgerUnderTest, sources: int, tick: Tick) -> int:
    """The largest batch over touched sources that a transaction may hold: one more runs out."""
    ledger.set_update_limit(sources)
    ledger.touch(sources)
    fits, fails = 1, sources + 1
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if ledger.apply(range(1, middle + 1), gas=TX_GAS_CAP):
            fits = middle
        else:
            fails = middle
        tick()
    return fits

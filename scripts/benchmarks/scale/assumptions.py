"""What is taken for granted about chains and use: none of it is measured, all of it can be set."""

from __future__ import annotations

from dataclasses import dataclass

from chainrep.node.batching import SAFE_UPDATES

DAY = 86_400
BLOB_BYTES = 131_072
"""Of one blob (EIP-4844); each costs one blob gas."""

BLOB_ROOM = 126_976
"""Bytes of content in a blob: 31 of every 32."""

POINT_EVALUATION = 50_000
"""Gas of checking one blob's content against its commitment (EIP-4844)."""

RESERVE_SHARE = 16
"""Blob gas costs at least 8,192 / 131,072 of the execution base fee (EIP-7918)."""

MEANINGS = {
    "l1_gwei": "gwei per gas on L1",
    "l2_gwei": "gwei per gas on the L2",
    "blob_gwei": "gwei per blob gas; 0: the least that EIP-7918 allows, 1/16 of L1's gas price",
    "l1_block_seconds": "seconds between two blocks of L1",
    "l2_block_seconds": "the same on the L2",
    "l1_block_gas": "gas in a block of L1 (EIP-7935)",
    "l2_block_gas": "the same on the L2; every L2 has another",
    "blobs_target": "blobs in a block of L1 above which they get dearer (BPO2, EIP-8135)",
    "signatures": "signatures on a report",
    "zipf": "the i-th source is asked in proportion to 1 / i^this; 0: all alike",
    "batches_per_block": "of one ledger; the relayer waits for one before it sends the next",
    "flush_seconds": "after so long, what has come is sent",
    "max_updates": "in a batch",
    "disk_tb": "10^12 bytes of disk that a node may fill in 30 days",
    "outage_seconds": "without a chain, in which no feedback may be refused",
    "eth_usd": "price of one ETH in USD; 0: none is assumed",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A chain on which the ledger may stand: prices in gwei per gas."""

    name: str
    gwei: float
    block_seconds: float
    block_gas: float


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What `MEANINGS` says; docs/scale.md is printed with the defaults."""

    l1_gwei: float = 5.0
    l2_gwei: float = 0.005
    blob_gwei: float = 0.0
    l1_block_seconds: float = 12.0
    l2_block_seconds: float = 2.0
    l1_block_gas: float = 60e6
    l2_block_gas: float = 60e6
    blobs_target: float = 14.0
    signatures: int = 2
    zipf: float = 1.0
    batches_per_block: int = 1
    flush_seconds: float = 3_600.0
    max_updates: int = SAFE_UPDATES
    disk_tb: float = 1.0
    outage_seconds: float = 3_600.0
    eth_usd: float = 0.0

    @property
    def l1(self) -> Place:
        """Ethereum itself."""
        return Place("L1", self.l1_gwei, self.l1_block_seconds, self.l1_block_gas)

    @property
    def l2(self) -> Place:
        """A rollup that posts its transactions in blobs."""
        return Place("L2", self.l2_gwei, self.l2_block_seconds, self.l2_block_gas)

    @property
    def blob_price(self) -> float:
        """Gwei per blob gas."""
        return self.blob_gwei or self.l1_gwei / RESERVE_SHARE

    @property
    def byte_gwei(self) -> float:
        """Gwei per byte of content in a full blob."""
        return self.blob_price * BLOB_BYTES / BLOB_ROOM

    @property
    def blobs_a_day(self) -> float:
        """Blobs that all users of L1 together may use before their price rises."""
        return self.blobs_target * DAY / self.l1_block_seconds

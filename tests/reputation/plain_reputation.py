"""A whole snapshot in plain Python, from ratings to scores; writes the golden vectors.

``python -m tests.reputation.plain_reputation > tests/vectors/reputation.json``
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any

import sha3

from tests.reputation.plain_bottleneck import plain_discount
from tests.reputation.plain_score import flowed, less_warnings

Pairs = dict[tuple[int, int], int]


def weights(ratings: Sequence[Sequence[int]], end: int, half_life: int) -> tuple[Pairs, Pairs]:
    net: Pairs = {}
    for rater, ratee, amount, time in ratings:
        if time < end:
            faded = (abs(amount) << 16) >> min(63, (end - 1 - time) // half_life)
            net[rater, ratee] = net.get((rater, ratee), 0) + (faded if amount > 0 else -faded)
    trusted, warned = {}, {}
    for pair, found in sorted(net.items()):
        weight = isqrt(min(abs(found), 10_000 << 16) * 100 >> 16)
        if weight:
            (trusted if found > 0 else warned)[pair] = weight
    return trusted, warned


def snapshot(accounts: Sequence[str], trusted: Pairs, warned: Pairs) -> str:
    text = b"chainrep snapshot 1\n" + len(accounts).to_bytes(8)
    for account in accounts:
        text += len(account.encode()).to_bytes(2) + account.encode()
    for pairs in (trusted, warned):
        text += len(pairs).to_bytes(8)
        ends = [sum(u <= row for u, _ in pairs) for row in range(len(accounts))]
        text += b"".join(end.to_bytes(8) for end in ends)
        text += b"".join(v.to_bytes(4) for _, v in sorted(pairs))
        text += b"".join(pairs[pair].to_bytes(4) for pair in sorted(pairs))
    return hashlib.sha256(text).hexdigest()


def outcome(given: Mapping[str, Any]) -> dict[str, Any]:
    accounts, formula = given["accounts"], json.loads(given["formula"])
    trusted, warned = weights(given["ratings"], given["end"], formula["half_life"])
    seeds = [accounts.index(seed) for seed in formula["seeds"]]
    flow = flowed(len(accounts), trusted, seeds, formula["stop"])
    bounded, width = plain_discount(len(accounts), trusted, seeds, flow, formula["caps"])
    scores = less_warnings(trusted, warned, bounded)
    return {
        "formula_hash": sha3.keccak_256(given["formula"].encode()).hexdigest(),
        "trusted": [[*pair, w] for pair, w in trusted.items()],
        "warned": [[*pair, w] for pair, w in warned.items()],
        "snapshot_hash": snapshot(accounts, trusted, warned),
        "flowed": flow,
        "width": width,
        "bounded": bounded,
        "scores": scores,
        "digest": hashlib.sha256(b"".join(score.to_bytes(8) for score in scores)).hexdigest(),
    }


def drawn(seed: int, size: int, stop: int, caps: list[int], sybils: int) -> dict[str, Any]:
    """Honest accounts that rate each other at random, and an attacker with a ring of Sybils."""
    rng = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    accounts = sorted(f"0x{rng.getrandbits(160):040x}" for _ in range(size))
    honest = size - sybils
    ratings = []
    for _ in range(honest * 4):
        rater, ratee = rng.sample(range(honest), 2)
        amount = rng.choice([1, 100, 250, 3_000, 32_767, -100, -700])
        ratings.append([rater, ratee, amount, rng.randrange(1_000, 9_000)])
    ring = [honest - 1, *range(honest, size)]
    for i, rater in enumerate(ring):
        ratings.append([rater, ring[(i + 1) % len(ring)], 32_767, 8_000])
        if i:
            ratings += [[ring[0], rater, 32_767, 8_000], [rater, 0, -32_767, 8_999]]
    formula = {
        "caps": caps, "half_life": 2_000, "name": "chainrep public score 1",
        "seeds": accounts[:3], "stop": stop,
    }  # fmt: skip
    text = json.dumps(formula, sort_keys=True, separators=(",", ":"))
    return {"accounts": accounts, "end": 8_500, "formula": text, "ratings": ratings}


def main() -> None:
    cases = [
        drawn(1, 12, 57_344, [5_406], 4),
        drawn(2, 30, 57_344, [5_406], 9),
        drawn(3, 40, 32_768, [6_553, 16_384, 16_384, 32_768, 32_768], 12),
        drawn(4, 9, 65_535, [0], 2),
    ]
    print(json.dumps([{"given": given, "outcome": outcome(given)} for given in cases], indent=1))  # noqa: T201


if __name__ == "__main__":
    main()

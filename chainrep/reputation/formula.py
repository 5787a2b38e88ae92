"""What a deployment's reputations are computed by: the constants and the seeds, and their hash.

The contract is bound to the hash for good. Two nodes that agree on it, and on the edges, agree on
every bit of every score.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from chainrep.errors import InputError
from chainrep.protocol.keccak import keccak
from chainrep.reputation.units import MAX_NAME_BYTES, WHOLE, is_name

NAME = "chainrep public score 1"
MAX_SEEDS = 10_000
MAX_BYTES = 2**20
MAX_CUT = 5
DAY = 24 * 3_600


@dataclass(frozen=True, slots=True)
class Formula:
    """The numbers that docs/protocol.md leaves open.

    ``seeds`` are where trust starts, ascending. ``stop`` / 2^16 is the chance that trust stays at a
    step; ``half_life`` in seconds. ``caps[g - 1]`` / 2^16 is how much of the scores of g accounts
    may stand behind them, where every path leads through these g; rising, for 1 to 5 accounts.

    As they are, an eighth of all trust travels on at each step. Then accounts behind one of
    somebody's own add at most a tenth to it, those behind however many have together with them at
    most 8/7 of what reached them, and an account may give newcomers two thirds of its trust before
    the cap is felt: docs/protocol.md has the reasons, `scripts/bench sybil` what other values cost.
    """

    seeds: Sequence[str]
    stop: int = 57_344
    half_life: int = 180 * DAY
    caps: Sequence[int] = (5_406,)
    name: str = NAME

    def __post_init__(self) -> None:
        seeds = list(self.seeds)
        if not 0 < len(seeds) <= MAX_SEEDS:
            raise InputError(
                f"A formula has 1 to {MAX_SEEDS:,} seeds.",
                "Name the accounts from which trust starts.",
            )
        if any(type(seed) is not str or not is_name(seed) for seed in seeds):
            raise InputError(f"A seed is a name of 1 to {MAX_NAME_BYTES} bytes in UTF-8.")
        if seeds != sorted(set(seeds)):
            raise InputError("Seeds are different names in ascending order.")
        numbers = (self.stop, self.half_life, *self.caps)
        if any(type(number) is not int for number in numbers):
            raise InputError("The numbers of a formula are whole ones.")
        in_range = 0 < self.stop < WHOLE and 0 < self.half_life <= 10_000 * DAY
        if not in_range or not 0 < len(self.caps) <= MAX_CUT:
            raise InputError("A number of the formula is out of its range.")
        if any(a > b for a, b in pairwise((0, *self.caps, WHOLE))):
            raise InputError(f"Caps rise from 0 to at most {WHOLE}.")
        if self.name != NAME:
            raise InputError(f"The formula {self.name!r} is not one that this version computes.")


def write_formula(formula: Formula) -> bytes:
    """The one JSON text of a formula: sorted keys, no spaces, UTF-8."""
    fields = asdict(formula) | {"seeds": list(formula.seeds), "caps": list(formula.caps)}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_formula(content: bytes) -> Formula:
    """A formula from whoever wrote it; raise InputError unless it is the one text of one."""
    try:
        if len(content) > MAX_BYTES:
            raise ValueError("it is too long")
        fields: Any = json.loads(content)
        formula = Formula(
            tuple(fields["seeds"]),
            fields["stop"],
            fields["half_life"],
            tuple(fields["caps"]),
            fields["name"],
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"This is no formula ({error}).") from error
    if write_formula(formula) != content:
        raise InputError("A formula is not in its one form of writing.")
    return formula


def formula_hash(formula: Formula) -> bytes:
    """The 32 bytes that ReputationRoots is bound to: keccak-256 of the formula's text."""
    return keccak(write_formula(formula))

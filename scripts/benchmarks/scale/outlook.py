"""The days that are looked at, and what follows for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from scripts.benchmarks.scale.assumptions import Assumptions, Place
from scripts.benchmarks.scale.capacity import ledgers_needed, limits
from scripts.benchmarks.scale.day import (
    Batching,
    Cost,
    full_batch,
    grouped,
    in_blobs,
    in_order,
    on_l1,
    on_l2,
)
from scripts.benchmarks.scale.figures import Figures
from scripts.benchmarks.scale.popularity import Popularity, popularity
from scripts.benchmarks.scale.wording import short

SOURCES = (10**3, 10**4, 10**5, 10**6)
FEEDBACK = (10**4, 10**5, 10**6, 10**7, 10**8, 10**9)


@dataclass(frozen=True)
class Outlook:
    """What follows from the figures under the assumptions, for every number of sources."""

    figures: Figures
    assumed: Assumptions

    @cached_property
    def asked(self) -> Mapping[int, Popularity]:
        """How sources are asked, by their number."""
        return {n: popularity(n, self.assumed.zipf) for n in SOURCES}

    @cached_property
    def full(self) -> Mapping[int, Batching]:
        """A full batch, by the number of sources."""
        return {n: full_batch(asked, self.assumed) for n, asked in self.asked.items()}

    def batches(self, sources: int, feedback: float, **other: float) -> Batching:
        """A day as the relayer cuts it, some assumptions being others."""
        assumed = replace(self.assumed, **other)  # type: ignore[arg-type]
        return in_order(self.asked[sources], self.full[sources], feedback, assumed)

    def grouped(self, sources: int, feedback: float, **other: float) -> Batching:
        """A day as it could be cut."""
        return grouped(self.asked[sources], feedback, replace(self.assumed, **other))  # type: ignore[arg-type]

    def limits(self, sources: int, place: Place) -> Mapping[str, float]:
        """Judgements a day at which each part is full."""
        return limits(self.full[sources], self.figures, self.assumed, place)

    def ledgers(self, sources: int, feedback: float, place: Place) -> int | None:
        """Ledgers over which the sources have to be spread."""
        return ledgers_needed(self.asked[sources], feedback, self.figures, self.assumed, place)

    def ether(self, cost: Cost) -> str:
        """An amount within a sentence."""
        dollars = cost.eth * self.assumed.eth_usd
        return f"{short(cost.eth)} ETH" + (f" (${short(dollars)})" if dollars else "")

    def money(self, cost: Cost, most: float = float("inf")) -> str:
        """ETH of a day, marked where it takes more gas than the chain has."""
        amount = short(cost.eth)
        if self.assumed.eth_usd:
            amount += f" (${short(cost.eth * self.assumed.eth_usd)})"
        return amount + (" †" if cost.gas > most else "")


def cells(outlook: Outlook) -> Sequence[Mapping[str, object]]:
    """The same for machines: one object for every number of sources and of judgements."""
    f, a, found = outlook.figures, outlook.assumed, []
    for sources in SOURCES:
        for feedback in FEEDBACK:
            cut = outlook.batches(sources, feedback)
            cell: dict[str, object] = {"sources": sources, "feedback": feedback}
            cell |= {"batches": cut.batches, "updates": cut.updates}
            for name, cost in {"l1": on_l1, "l2": on_l2}.items():
                cell[f"{name}_eth"] = cost(cut, f, a).eth
                cell[f"{name}_archive_eth"] = cost(cut, f, a, archive=True).eth
            cell["blobs_eth"] = in_blobs(outlook.asked[sources], feedback, f, a).eth
            for place in (a.l1, a.l2):
                most = outlook.limits(sources, place)
                broken = sorted((m, part) for part, m in most.items() if m < feedback)
                cell[f"{place.name.lower()}_breaks"] = [part for _, part in broken]
            found.append(cell)
    return found

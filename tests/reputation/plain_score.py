"""The public score once more, in plain Python from docs/protocol.md: no numpy, no code of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

UNIT = 2**50


def flowed(
    size: int,
    trusted: Mapping[tuple[int, int], int],
    seeds: Sequence[int],
    stop: int,
    passing: Sequence[int] | None = None,
) -> list[int]:
    steps, power = 4, 1
    while power < size:
        steps, power = steps + 1, power * 2
    total = [sum(w for (a, _), w in trusted.items() if a == u) for u in range(size)]
    held = [UNIT // len(seeds) if u in seeds else 0 for u in range(size)]
    score = [0] * size
    for _ in range(steps):
        share = [0] * size
        for u in range(size):
            stays = held[u] * stop // 2**16
            score[u] += stays
            goes = held[u] - stays
            if passing is not None:
                goes = goes * passing[u] // 2**16
            share[u] = goes * 2**14 // total[u] if total[u] else 0
        held = [0] * size
        for (u, v), w in trusted.items():
            held[v] += share[u] * w // 2**14
    return [s + h for s, h in zip(score, held, strict=True)]


def less_warnings(
    trusted: Mapping[tuple[int, int], int],
    warned: Mapping[tuple[int, int], int],
    score: Sequence[int],
) -> list[int]:
    said = [0] * len(score)
    for (u, _), w in [*trusted.items(), *warned.items()]:
        said[u] += w
    lost = [0] * len(score)
    for (u, v), w in warned.items():
        lost[v] += score[u] * 2**14 // said[u] * w // 2**14
    return [max(0, s - x) for s, x in zip(score, lost, strict=True)]

"""The near-copies once more, in plain Python and straight from the words of the specification."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

MASK = 2**64 - 1


def mixed(word):
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & MASK
    word = (word ^ word >> 27) * 0x94D049BB133111EB & MASK
    return word ^ word >> 31


def opinions_of(rows):
    """Opinion -> {holder: time} of (rater, ratee, amount, time) rows."""
    said = defaultdict(list)
    for rater, ratee, amount, time in rows:
        said[rater, ratee].append((amount, time))
    opinions = defaultdict(dict)
    for (rater, ratee), words in said.items():
        total = sum(amount for amount, _ in words)
        if total:
            times = [time for amount, time in words if amount * total > 0]
            opinions[ratee, total > 0][rater] = min(times)
    return opinions


def earlier_copies(size, rows, salt=0, of=None):
    """How many near-copies came before each account, or each of some accounts."""
    opinions = opinions_of(rows)
    held = {i: {o for o, by in opinions.items() if i in by} for i in range(size)}
    witnesses = {o: sorted(by, key=lambda i: mixed(i ^ salt))[:256] for o, by in opinions.items()}

    first = sorted(min(opinions[o][i] for o in held[i]) for i in range(size) if held[i])

    def bits(i, opinion):
        by = opinions[opinion]
        present = bisect_left(first, by[i])
        agreed = sum((time, j) < (by[i], i) for j, time in by.items())
        found = (present // (agreed + 1)).bit_length() - 1
        return found if found >= 3 else 0

    told = {(i, o): bits(i, o) for i in range(size) for o in held[i]}

    def alike(i, j, shared):
        most = max(len(held[i]), len(held[j]))
        surprise = sum(told[i, o] for o in shared)
        return len(shared) >= 3 and most <= 7 * len(shared) + 7 and surprise >= 14

    def near_copies(i):
        seen = defaultdict(set)
        for opinion in held[i]:
            for j in set(witnesses[opinion]) - {i}:
                seen[j].add(opinion)
        copies = {j for j in seen if alike(i, j, seen[j])}
        close = set()
        for _ in range(3):
            close = set()
            for opinion in held[i]:
                by = opinions[opinion]
                before = {j for j in witnesses[opinion] if (by[j], j) < (by[i], i)}
                if before & copies and 4 * len(before & copies) >= len(before):
                    close.add(opinion)
            copies = {j for j in copies if alike(i, j, seen[j] & close)}
        return {j: seen[j] & close for j in copies}

    def came_before(j, i, shared):
        lead = sum(1 if (opinions[o][j], j) < (opinions[o][i], i) else -1 for o in shared)
        return lead > 0 or (lead == 0 and j < i)

    return [
        sum(came_before(j, i, shared) for j, shared in near_copies(i).items())
        for i in (range(size) if of is None else of)
    ]

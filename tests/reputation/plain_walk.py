"""Walks once more, in plain Python from the words of docs and docstrings, and graphs to walk on."""

import hashlib

import numpy as np
from hypothesis import strategies as st

from chainrep.reputation.graph import build_graph, make_links

KEY = bytes(range(32))
WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15
LIMIT = 64


def names(size):
    return [f"account-{i:06d}" for i in range(size)]


def graph_of(size, edges):
    """A graph from {(rater, ratee): weight}."""
    columns = [
        np.array(column, np.int64)
        for column in zip(*((u, v, w) for (u, v), w in edges.items()), strict=True)
    ] or [np.empty(0, np.int64)] * 3
    return build_graph(names(size), make_links(*columns))


def plain_mix(word):
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB % WORD
    return word ^ word >> 31


def plain_word(key, account, index, step):
    digest = hashlib.sha256(b"chainrep walk stream 1\n" + key + account.encode()).digest()
    high, low = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16])
    state = plain_mix((plain_mix((high + index * GOLDEN) % WORD) + low) % WORD)
    return plain_mix((state + (step + 1) * GOLDEN) % WORD)


def plain_records(weights):
    """(threshold, other) of each record, by the pairing that `alias` documents."""
    degree, total = len(weights), sum(weights)
    has = [weight * degree for weight in weights]
    records = [(2**32 - 1, i) for i in range(degree)]
    rich = [i for i in range(degree) if has[i] >= total]
    poor = [i for i in range(degree) if has[i] < total]
    while poor:
        i, lender = poor[0], rich[0]
        records[i] = (has[i] * 2**32 // total, lender)
        has[lender] -= total - has[i]
        poor.pop(0)
        if has[lender] < total:
            poor.insert(0, rich.pop(0))
    return records


def plain_path(size, edges, source, index, stop, key=KEY):
    """One walk on {(rater, ratee): weight}."""
    path = [source]
    for step in range(LIMIT):
        row = sorted((v, w) for (u, v), w in edges.items() if u == path[-1])
        word = plain_word(key, names(size)[source], index, step)
        if not row or word % 2**16 < stop:
            break
        slot, fraction = divmod((word >> 32) * len(row), 2**32)
        threshold, other = plain_records([w for _, w in row])[slot]
        path.append(row[slot if fraction < threshold else other][0])
    return path


@st.composite
def small_graphs(draw, most=7, heaviest=65_535):
    """A size, and {(rater, ratee): weight} on so many accounts."""
    size = draw(st.integers(2, most))
    pair = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(
        lambda pair: pair[0] != pair[1]
    )
    weight = st.integers(1, 9) | st.integers(1, heaviest)
    return size, draw(st.dictionaries(pair, weight, max_size=3 * size))

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.chain.bounded_json import MAX_DEPTH, MAX_PARTS, parse_json

TEXTS = st.text(st.sampled_from('[]{}"\\,: aé'), max_size=8)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_whatever_is_of_the_usual_depth_is_read_as_json_reads_it(value, escaped):
    many = [value, [[]] * 600]  # enough to be looked through
    assert parse_json(json.dumps(many, ensure_ascii=escaped).encode()) == many


@pytest.mark.parametrize(
    "deep",
    [
        b"[" * 1_000_000,
        b'{"":' * 1_000_000,
        b'["]",' * 100_000,
        b'["\\"]",' * 100_000,
        b'["\\\\",' * 100_000,
        b"[[],[]," * 100_000,
        b'"' + b"[" * 2_000 + b'",' + b"[" * 2_000,
    ],
    ids=range(7),
)
def test_what_is_deep_is_refused_before_the_stack_overruns(deep):
    import eth  # noqa: F401 (py-evm lifts Python's recursion limit)

    with pytest.raises(ValueError, match=r"nested more than|Extra data"):
        parse_json(deep)


def test_the_bounds_are_where_they_are_said_to_be():
    def nested(depth):
        return b"[" * (depth - 1) + b"[" + b"[]," * 1_000 + b"0" + b"]" * depth

    assert parse_json(nested(MAX_DEPTH - 1))
    with pytest.raises(ValueError, match="64 deep"):
        parse_json(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match="objects and arrays"):
        parse_json(b"[" + b"{}," * MAX_PARTS + b"0]")
    with pytest.raises(ValueError, match="decode"):
        parse_json('"é"'.encode("latin-1"))

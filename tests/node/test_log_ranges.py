import pytest

from chainrep.node.log_ranges import MANY_LOGS, MAX_BLOCKS, PATIENCE, RangeSize


@pytest.mark.parametrize(
    ("refusal", "blocks"),
    [
        ("query returned more than 10000 results. Try with this block range [0x64, 0x95].", 50),
        ("Log response size exceeded. this block range should work: [0x0, 0x1f3]", 500),
        ("exceed maximum block range: 1000", 1_000),
        ("eth_getLogs is limited to a 1,024 range", 1_024),
        ("block range is too wide (maximum 800 blocks)", 800),
        ("query exceeds max results 20000, retry with the range 10-20", 1_000),
        ("query timeout exceeded", 1_000),
        ("Try with this block range [0x95, 0x64].", 1_000),
        ("limit 0,0", 1_000),
        ("response too big", 1_000),
        ("", 1_000),
    ],
)
def test_a_refusal_halves_the_range_or_says_how_long_it_may_be(refusal, blocks):
    assert RangeSize(2_000).shrunk(2_000, refusal).blocks == blocks


def test_a_range_never_ends_beyond_what_is_wanted_and_has_a_block_at_least():
    assert RangeSize(10).range_from(5, 100) == (5, 14)
    assert RangeSize(10).range_from(95, 100) == (95, 100)
    assert RangeSize(1).shrunk(1).blocks == 1


@pytest.mark.parametrize("limit", [1, 2, 7, 100, 999, 2_000, 3_500, 60_000])
def test_the_size_settles_just_below_a_providers_limit(limit):
    size, refused, read = RangeSize(), 0, 0
    for _ in range(200):
        if size.blocks > limit:
            size, refused = size.shrunk(size.blocks), refused + 1
        else:
            read += size.blocks
            size = size.after(0)
    assert refused < 40
    assert read > 0.5 * limit * (200 - refused)


def test_without_a_limit_it_grows_to_its_own():
    size = RangeSize()
    for _ in range(40):
        size = size.after(0)
    assert size.blocks == MAX_BLOCKS


def test_a_limit_that_was_lifted_is_noticed():
    size = RangeSize(100, ceiling=100)
    for _ in range(PATIENCE + 1):
        size = size.after(0)
    assert size.blocks > 100


def test_very_many_logs_make_the_next_range_shorter():
    assert RangeSize(1_000).after(MANY_LOGS + 1).blocks == 500
    assert RangeSize(1_000).after(MANY_LOGS).blocks == 1_000

"""The words that decide where walks go."""

import numpy as np
import pytest

from chainrep.errors import InputError
from chainrep.reputation.keyed_random import step_word, streams_of, walk_state
from tests.reputation.plain_walk import KEY, names, plain_word


def word(key, account, index, step):
    high, low = streams_of(key, [account])[0]
    state = np.uint64(walk_state(high, low, np.uint64(index)))
    return int(step_word(state, np.uint64(step)))


def some_words():
    found = []
    for high, low in streams_of(KEY, names(16)):
        for index in range(32):
            state = np.uint64(walk_state(high, low, np.uint64(index)))
            found += [int(step_word(state, np.uint64(step))) for step in range(16)]
    return np.array(found, np.uint64)


def test_words_are_those_of_plain_python():
    for account, index, step in (("a", 0, 0), ("é", 1, 63), ("account", 2**31, 5)):
        assert word(KEY, account, index, step) == plain_word(KEY, account, index, step)


def test_every_bit_and_every_byte_of_the_words_looks_uniform():
    words = some_words()
    bits = np.unpackbits(words.view(np.uint8).reshape(len(words), 8), axis=1)
    by_bit = ((bits.sum(0) - len(words) / 2) ** 2 / (len(words) / 4)).sum()
    assert by_bit < 64 + 5 * np.sqrt(2 * 64)  # 64 degrees of freedom, five standard deviations
    for place in range(8):
        counts = np.bincount(words.view(np.uint8)[place::8], minlength=256)
        expected = len(words) / 256
        assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * np.sqrt(2 * 255)


def test_consecutive_words_look_independent():
    words = some_words()
    pairs = np.bincount((words[:-1] >> 60) * 16 + (words[1:] >> 60), minlength=256)
    expected = (len(words) - 1) / 256
    assert ((pairs - expected) ** 2 / expected).sum() < 255 + 5 * np.sqrt(2 * 255)


def test_no_word_comes_twice():
    assert len(np.unique(some_words())) == 16 * 32 * 16


@pytest.mark.parametrize(
    "other",
    [
        (bytes(31) + b"\x01", "a", 3, 5),
        (bytes(32), "b", 3, 5),
        (bytes(32), "a", 4, 5),
        (bytes(32), "a", 3, 6),
    ],
    ids=["key", "account", "index", "step"],
)
def test_a_change_of_any_input_changes_about_half_of_the_bits(other):
    assert 16 <= (word(bytes(32), "a", 3, 5) ^ word(*other)).bit_count() <= 48


def test_an_account_keeps_its_words_when_others_join():
    assert (streams_of(KEY, ["a", "b", "c"])[2] == streams_of(KEY, ["c"])[0]).all()


def test_a_key_of_another_length_is_refused():
    with pytest.raises(InputError, match="32 bytes"):
        streams_of(b"short", ["a"])

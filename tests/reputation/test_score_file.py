import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError, StoreError
from chainrep.protocol.reputation_tree import MAX_SCORE, TreeDomain
from chainrep.reputation import score_file
from chainrep.reputation.score_file import (
    HEAD_BYTES,
    MAGIC,
    dump_scores,
    parse_scores,
    read_scores,
    write_scores,
)
from chainrep.reputation.score_tree import build_score_tree

CONTRACT = "0x472349307AB13aDe8fe6942A0C555e0DB0d3cb53"
DOMAIN = TreeDomain(31337, CONTRACT, 7, bytes(range(32)))
score_maps = st.dictionaries(
    st.binary(min_size=20, max_size=20).filter(any), st.integers(1, MAX_SCORE), max_size=8
)


def build(scores, domain=DOMAIN):
    ordered = sorted(scores)
    rows = np.frombuffer(b"".join(ordered), np.uint8).reshape(-1, 20)
    return build_score_tree(rows, np.array([scores[a] for a in ordered], np.uint64), domain)


CONTENT = b"".join(
    (
        b"chainrep scores 1\n",
        *(word.to_bytes(32) for word in (31337, int(CONTRACT, 16), 7)),
        bytes(range(32)),
        (3).to_bytes(8),
        *(bytes([digit]) * 20 for digit in (0x11, 0x22, 0x33)),
        *(score.to_bytes(8) for score in (1, 2**64 - 1, 3)),
    )
)
shorter = st.integers(0, len(CONTENT) - 1).map(lambda length: CONTENT[:length])
longer = st.binary(min_size=1).map(lambda more: CONTENT + more)
strange = st.binary(max_size=300).filter(lambda content: content != CONTENT)


@pytest.fixture(scope="module")
def tree():
    return build({b"\x11" * 20: 1, b"\x22" * 20: 2**64 - 1, b"\x33" * 20: 3})


@settings(deadline=None)
@given(score_maps, st.integers(0, 2**256 - 1), st.integers(0, 2**40 - 1))
def test_a_tree_comes_back_from_its_file_bit_for_bit(scores, chain_id, epoch):
    tree = build(scores, replace(DOMAIN, chain_id=chain_id, epoch=epoch))
    content = dump_scores(tree)
    back = parse_scores(content, tree.root)
    assert (back.domain, back.nodes.tobytes()) == (tree.domain, tree.nodes.tobytes())
    assert dump_scores(back) == content
    assert len(content) == HEAD_BYTES + 28 * len(scores)


def test_a_file_has_one_form(tree):
    assert dump_scores(tree) == CONTENT


@settings(deadline=None)
@given(bit=st.integers(0, len(CONTENT) * 8 - 1))
def test_a_file_with_one_bit_changed_is_refused(tree, bit):
    changed = (int.from_bytes(CONTENT) ^ 1 << bit).to_bytes(len(CONTENT))
    with pytest.raises(InputError):
        parse_scores(changed, tree.root)


@settings(deadline=None)
@given(content=st.one_of(strange, shorter, longer))
def test_anything_cut_off_lengthened_or_strange_is_refused(tree, content):
    with pytest.raises(InputError):
        parse_scores(content, tree.root)


def test_a_count_that_the_file_does_not_have_costs_nothing_and_is_refused(tree):
    lying = CONTENT[: HEAD_BYTES - 8] + (2**63).to_bytes(8) + CONTENT[HEAD_BYTES:]
    with pytest.raises(InputError, match="cut off"):
        parse_scores(lying, tree.root)


def test_a_sound_file_of_another_epoch_is_refused(tree):
    other = build({b"\x11" * 20: 1}, replace(DOMAIN, epoch=8))
    with pytest.raises(InputError, match=f"has the root 0x{other.root.hex()}"):
        parse_scores(dump_scores(other), tree.root)


def test_a_written_file_proves_after_a_restart_and_leaves_no_draft(tree, tmp_path):
    path = tmp_path / "7.scores"
    write_scores(tree, path)
    write_scores(tree, path)
    back = read_scores(path, tree.root)
    assert back.prove("0x" + "22" * 20) == tree.prove("0x" + "22" * 20)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_no_traceback_and_leaves_nothing(tree, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        write_scores(tree, taken)
    with pytest.raises(StoreError, match="cannot be written"):
        write_scores(tree, tmp_path / "missing" / "file")
    assert list(tmp_path.iterdir()) == [taken]


def test_what_is_no_file_or_too_large_is_refused_before_it_is_read(tree, tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    large = tmp_path / "large"
    large.write_bytes(CONTENT)
    monkeypatch.setattr(score_file, "MAX_FILE_BYTES", len(CONTENT) - 1)
    for path in (pipe, tmp_path, large):
        with pytest.raises(InputError, match="no score file"):
            read_scores(path, tree.root)
    with pytest.raises(StoreError, match="cannot be read"):
        read_scores(tmp_path / "missing", tree.root)


def test_a_contract_of_more_than_twenty_bytes_is_refused(tree):
    at = len(MAGIC) + 32
    with pytest.raises(InputError, match="names no contract"):
        parse_scores(CONTENT[:at] + b"\x01" + CONTENT[at + 1 :], tree.root)

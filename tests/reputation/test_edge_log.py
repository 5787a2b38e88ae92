"""The log of edges: every past graph, and what survives a kill or an alteration."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError, StoreBusy, StoreError
from chainrep.reputation.edge_change import (
    GENESIS,
    EdgeChange,
    change_bytes,
    change_from,
    graph_after,
)
from chainrep.reputation.edge_log import EdgeLog, changes_by, changes_to, read_entries
from chainrep.reputation.graph import snapshot_hash
from tests.tools import ROOT

NAMES = ["ann", "bob", "cid", "dée"]
A = EdgeChange("ann", "bob", 5, 10)
B = EdgeChange("bob", "cid", 7, 20)
C = EdgeChange("ann", "bob", 0, 30)
D = EdgeChange("cid", "ann", -9, 30)

pairs = st.sampled_from([(a, b) for a in NAMES for b in NAMES if a != b])
histories = st.lists(
    st.builds(
        lambda pair, weight: (*pair, weight), pairs, st.integers(-65_535, 65_535) | st.just(0)
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: [EdgeChange(*row, time) for time, row in enumerate(rows)])


def write(path, *changes):
    with EdgeLog(path) as log:
        log.append(changes)
        return log.head


def edges(graph):
    """Every weight in a graph, by the two names; warnings below zero."""
    return {
        (graph.accounts[u], graph.accounts[int(rows.node[i])]): sign * int(rows.weight[i])
        for rows, sign in ((graph.out, 1), (graph.warned, -1))
        for u in range(graph.size)
        for i in range(rows.start[u], rows.start[u + 1])
    }


def test_every_past_graph_can_be_had_by_its_head_and_by_its_time(tmp_path):
    path = tmp_path / "edges"
    first = write(path, A)
    second = write(path, B)
    last = write(path, C, D)
    assert edges(graph_after(changes_to(path, first))) == {("ann", "bob"): 5}
    assert edges(graph_after(changes_to(path, second))) == {("ann", "bob"): 5, ("bob", "cid"): 7}
    assert edges(graph_after(changes_to(path, last))) == {("bob", "cid"): 7, ("cid", "ann"): -9}
    assert list(changes_by(path, 29)) == [A, B]
    assert list(changes_by(path, 30)) == [A, B, C, D]
    assert list(changes_by(path, 9)) == []
    assert list(changes_to(path, GENESIS)) == []
    with pytest.raises(InputError, match="never had the head"):
        list(changes_to(path, bytes(range(32))))


@given(histories)
def test_a_graph_from_the_log_is_the_graph_of_the_last_word_on_every_pair(history):
    last = {(change.rater, change.ratee): change.weight for change in history}
    graph = graph_after(history)
    assert edges(graph) == {pair: weight for pair, weight in last.items() if weight}
    assert list(graph.accounts) == sorted({name for pair in last for name in pair})
    turned = graph_after([EdgeChange(*pair, weight, 0) for pair, weight in [*last.items()][::-1]])
    assert snapshot_hash(turned) == snapshot_hash(graph)


@given(histories)
def test_a_change_is_read_as_it_was_written(history):
    for change in history:
        content = change_bytes(change)
        assert change_from(content) == change
        for bad in (content + b"x", content[:-1], b"", content[:8]):
            with pytest.raises(InputError):
                change_from(bad)


def test_the_head_depends_on_the_changes_alone_and_not_on_how_they_came(tmp_path):
    together = write(tmp_path / "one", A, B, C)
    for change in (A, B, C):
        apart = write(tmp_path / "two", change)
    assert together == apart
    assert write(tmp_path / "other", A, C, EdgeChange("bob", "cid", 7, 30)) != together
    entries = list(read_entries(tmp_path / "one"))
    assert [entry.count for entry in entries] == [1, 2, 3]
    assert entries[-1].head == together


def test_a_tail_torn_off_anywhere_is_cut_and_writing_goes_on(tmp_path):
    path = tmp_path / "edges"
    head = write(path, A, B)
    size = path.stat().st_size
    whole = write(path, C)
    content = path.read_bytes()
    for end in range(size, len(content)):
        for tail in (b"", bytes(len(content) - end), bytes(9_000)):
            path.write_bytes(content[:end] + tail)
            assert [entry.change for entry in read_entries(path)] == [A, B]
            with EdgeLog(path) as log:
                assert (log.count, log.head) == (2, head)
                assert path.stat().st_size == size
    assert write(path, C) == whole
    assert path.read_bytes() == content


def test_a_log_torn_before_its_first_change_begins_anew(tmp_path):
    for end in range(18):
        path = tmp_path / str(end)
        path.write_bytes(b"chainrep edges 1\n"[:end])
        head = write(path, A)
        assert [entry.head for entry in read_entries(path)] == [head]


def test_a_log_that_was_altered_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "edges"
    write(path, A, B, C)
    content = path.read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(InputError, match="edges"):
            list(read_entries(path))
        with pytest.raises(InputError, match="edges"):
            EdgeLog(path)
        assert path.read_bytes() == changed


def test_a_log_killed_while_it_is_written_keeps_every_change_that_was_acknowledged(tmp_path):
    path = tmp_path / "edges"
    writer = (
        "import sys\nfrom pathlib import Path\n"
        "from chainrep.reputation.edge_change import EdgeChange\n"
        "from chainrep.reputation.edge_log import EdgeLog\n"
        "with EdgeLog(Path(sys.argv[1])) as log:\n"
        "    for i in range(10**9):\n"
        "        log.append([EdgeChange('ann', f'a{i}', 1, i)])\n"
        "        print(log.count, log.head.hex(), flush=True)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", writer, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    told = [run.stdout.readline().split() for _ in range(50)]
    run.kill()
    told += [line.split() for line in run.stdout]
    run.wait()
    run.stdout.close()
    heads = {str(entry.count): entry.head.hex() for entry in read_entries(path)}
    whole = [row for row in told if len(row) == 2 and len(row[1]) == 64]
    assert len(whole) >= 50
    assert all(heads[count] == head for count, head in whole)
    with EdgeLog(path) as log:
        assert log.count in {len(whole), len(whole) + 1}


def test_there_is_one_writer_and_readers_beside_it(tmp_path):
    path = tmp_path / "edges"
    with EdgeLog(path) as log:
        log.append([A])
        with pytest.raises(StoreBusy, match="edges"):
            EdgeLog(path)
        assert [entry.change for entry in read_entries(path)] == [A]
    write(path, B)
    assert len(list(read_entries(path))) == 2
    assert path.stat().st_mode & 0o077 == 0


def test_changes_are_logged_in_the_order_of_their_times(tmp_path):
    path = tmp_path / "edges"
    write(path, B)
    with EdgeLog(path) as log:
        for changes in ([A], [C, A]):
            with pytest.raises(InputError, match="order of their times"):
                log.append(changes)
        assert log.append([]) == log.head
    assert [entry.change for entry in read_entries(path)] == [B]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("ann", "ann", 1, 0), "rates itself"),
        (("", "bob", 1, 0), "no account's name"),
        (("ann", "b" * 257, 1, 0), "no account's name"),
        (("ann", "b\n", 1, 0), "no account's name"),
        (("ann", "bob", 65_536, 0), "65,535"),
        (("ann", "bob", -65_536, 0), "65,535"),
        (("ann", "bob", 1, -1), "no Unix time"),
        (("ann", "bob", 1, 2**40), "no Unix time"),
    ],
)
def test_what_no_graph_could_hold_is_no_change(values, expected):
    with pytest.raises(InputError, match=expected):
        EdgeChange(*values)


def test_files_that_are_no_log_are_refused(tmp_path):
    (tmp_path / "other").write_text("rater,ratee\n")
    for use in (EdgeLog, lambda path: list(read_entries(path))):
        with pytest.raises(InputError, match="no log of edges"):
            use(tmp_path / "other")
    with pytest.raises(InputError, match="cannot be read"):
        list(read_entries(tmp_path / "gone"))
    with pytest.raises(StoreError, match="cannot be opened"):
        EdgeLog(tmp_path / "no" / "folder")

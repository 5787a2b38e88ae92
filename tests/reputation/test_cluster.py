"""Ray, really running: the bytes of a single process, whatever the shards, and nothing left."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import ConfigError, InputError
from chainrep.reputation.alias import build_alias
from chainrep.reputation.cluster import open_cluster, ranges
from chainrep.reputation.fingerprints import build_fingerprints
from chainrep.reputation.graph import build_graph, make_links
from chainrep.reputation.pagerank import public_scores_of_many
from chainrep.reputation.shards import build_fingerprints_on, public_scores_on, walk_on
from chainrep.reputation.walks import digest, walk_from

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
SHARDS = [1, 2, 3, 7]


def some_graph():
    rng = np.random.default_rng(7)
    pairs = np.unique(rng.integers(0, 300, (2000, 2)), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    weight = rng.integers(1, 1000, len(pairs))
    names = sorted(f"{'é' * (i % 3)}account {i}" for i in range(300))
    return build_graph(names, make_links(pairs[:, 0], pairs[:, 1], weight))


GRAPH = some_graph()
SEEDS = list(range(0, 300, 13))
SEED_SETS = [[i, 2 * i + 1] for i in range(1, 20)]


@dataclass
class Home:
    folder: Path
    temporary: Path
    environment: dict[str, str]
    family: set[int]


def environment():
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


@pytest.fixture(scope="module")
def home():
    with (
        # Not pytest's own folders: the paths of Ray's sockets have to be short.
        tempfile.TemporaryDirectory(prefix="c-") as folder,
        tempfile.TemporaryDirectory(prefix="c-") as temporary,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("HOME", folder)
        patch.setattr(tempfile, "tempdir", temporary)
        yield Home(Path(folder), Path(temporary), environment(), family())


@pytest.fixture(scope="module")
def opened(home):
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def cluster(opened):
    return opened.enter_context(open_cluster(workers=2))


@pytest.fixture(scope="module")
def shared(cluster):
    return cluster.share(GRAPH)


@pytest.mark.parametrize("shards", SHARDS)
def test_public_scores_do_not_depend_on_the_shards(shared, shards):
    passing = np.arange(300, dtype=np.uint32) * 200
    alone = public_scores_of_many(GRAPH, SEED_SETS, 9830, passing)
    assert np.array_equal(public_scores_on(shared, SEED_SETS, 9830, passing, shards), alone)


@pytest.mark.parametrize("shards", SHARDS)
def test_walks_do_not_depend_on_the_shards(shared, shards):
    alone = walk_from(GRAPH, build_alias(GRAPH), SEEDS, 50, KEY)
    assert digest(walk_on(shared, SEEDS[::-1], 50, KEY, shards=shards)) == digest(alone)


@pytest.mark.parametrize("shards", SHARDS)
def test_fingerprints_do_not_depend_on_the_shards(shared, shards):
    alone = build_fingerprints(GRAPH, 20, KEY, 9830)
    found = build_fingerprints_on(shared, 20, KEY, 9830, shards)
    for name in ("start", "node", "count"):
        assert getattr(found, name).tobytes() == getattr(alone, name).tobytes()


def test_what_is_wrong_with_the_input_is_said_as_by_a_single_process(shared):
    with pytest.raises(InputError, match="empty"):
        public_scores_on(shared, [[1], []])
    with pytest.raises(InputError, match="chance to stop"):
        walk_on(shared, SEEDS, 10, KEY, stop=0)
    with pytest.raises(InputError, match="walks"):
        build_fingerprints_on(shared, 0, KEY, 9830)
    with pytest.raises(InputError, match="at least one shard"):
        walk_on(shared, SEEDS, 10, KEY, shards=0)


def pid_of_worker(graph, alias, wait):
    time.sleep(wait)  # long enough that both workers take part
    return os.getpid()


def slow_walks(graph, alias, seed, wait):
    time.sleep(wait)  # long enough to be killed in
    return walk_from(graph, alias, [seed], 500, KEY).node


def test_killed_workers_do_not_change_the_result_and_nothing_is_printed(shared, capfd):
    seeds = SEEDS[:4]
    alone = [slow_walks(GRAPH, build_alias(GRAPH), seed, 0) for seed in seeds]
    pids = set(shared.run(pid_of_worker, [(0.3,)] * 2))
    found = []
    work = threading.Thread(
        target=lambda: found.append(shared.run(slow_walks, [(seed, 2.0) for seed in seeds]))
    )
    work.start()
    time.sleep(0.5)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert not found
    work.join()
    assert [node.tobytes() for node in found[0]] == [node.tobytes() for node in alone]
    assert set(shared.run(pid_of_worker, [(0.3,)] * 2)).isdisjoint(pids)
    assert capfd.readouterr().out == ""


def family():
    """This process and all that descend from it."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rsplit(")")[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(pids):
    """Local addresses, in the kernel's hex, on which these processes wait for connections."""
    sockets = set()
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                sockets.add(str(fd.readlink()))
    lines = [line.split() for kind in ("tcp", "tcp6") for line in net(kind)]
    return {
        line[1].split(":")[0]
        for line in lines
        if line[3] == "0A" and f"socket:[{line[9]}]" in sockets
    }


def net(kind):
    return Path(f"/proc/net/{kind}").read_text().splitlines()[1:]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's tables of sockets")
def test_a_cluster_of_ones_own_listens_on_this_machine_alone(cluster):
    assert listening(family()) == {"0100007F", "0000000000000000FFFF00000100007F"}


def test_a_second_connection_is_refused(cluster):
    with pytest.raises(ConfigError, match="already"), open_cluster():
        pass


def test_a_cluster_that_runs_already_is_joined_by_its_address(shared):
    address = shared.cluster.ray.get_runtime_context().gcs_address
    program = f"""
from chainrep.reputation.alias import build_alias
from chainrep.reputation.cluster import open_cluster
from chainrep.reputation.shards import walk_on
from chainrep.reputation.walks import digest
from tests.reputation.test_cluster import GRAPH, KEY, SEEDS
with open_cluster({address!r}) as cluster:
    print(cluster.workers, digest(walk_on(cluster.share(GRAPH), SEEDS, 50, KEY, shards=1)).hex())
"""
    joined = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT
    )
    alone = digest(walk_from(GRAPH, build_alias(GRAPH), SEEDS, 50, KEY)).hex()
    assert joined.stdout == f"2 {alone}\n", joined.stderr


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:", ":6379", "127.0.0.1:99999"])
def test_an_address_at_which_nobody_can_answer_is_named(address):
    with pytest.raises(ConfigError, match=address), open_cluster(address):
        pass


def test_an_address_at_which_nobody_answers_is_named_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        says = f"Nothing answers at {address}"
        with pytest.raises(ConfigError, match=says), open_cluster(address):
            pass


def test_without_ray_the_extra_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'chainrep\[scale\]'"), open_cluster():
        pass


@given(st.integers(0, 200), st.integers(1, 12), st.integers(1, 9))
def test_ranges_cover_everything_once_and_in_order(count, shards, block):
    found = ranges(count, shards, block)
    assert [i for a, b in found for i in range(a, b)] == list(range(count))
    assert len(found) <= shards
    assert all(a % block == 0 for a, _ in found)


def test_a_closed_cluster_leaves_nothing_behind_and_another_can_be_opened(home, opened, cluster):
    """The last test here: it closes the others' cluster."""
    opened.close()
    assert environment() == home.environment
    assert family() <= home.family  # other tests have children of their own
    assert not [*home.folder.iterdir(), *home.temporary.iterdir()]
    with open_cluster(workers=1) as another:
        assert another.workers == 1
    assert not [*home.folder.iterdir(), *home.temporary.iterdir()]

"""Several processes, on one machine or many, that compute with one graph: Ray (extra `scale`).

A graph goes into shared memory once per machine, and every worker reads it where it lies. Work is
cut into shards, and a result is a function of the input alone, so that neither the number of shards
nor a worker that dies shows in it: Ray runs a lost shard again, elsewhere, up to three times.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import ChainrepError, ConfigError, InputError
from chainrep.reputation.alias import Alias, build_alias
from chainrep.reputation.graph import Graph, Rows

ATTEMPTS_AFTER_A_CRASH = 3
_LOOPBACK = ("127.0.0.1", "::1")
_CLOSED = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on Linux too this means: stay on the loopback
}
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray would print what it says about workers among the results, to standard output.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
}
_SET_BY_RAY = ("PYTHONBREAKPOINT", "RAY_CLIENT_MODE")


@dataclass(frozen=True, slots=True)
class Cluster:
    """An open connection to Ray; ``workers`` shards run at the same time."""

    ray: ModuleType
    workers: int

    def share(self, graph: Graph) -> SharedGraph:
        """Put the graph and its alias tables where all workers find them, while the result lives.

        That takes 32 bytes per edge and about 70 per account, on each machine.
        """
        return SharedGraph(self, graph, self.ray.put(_columns(graph)))


@dataclass(frozen=True, slots=True)
class SharedGraph:
    """A graph, and where the workers of ``cluster`` find it."""

    cluster: Cluster
    graph: Graph
    place: Any

    def run(self, work: Callable[..., Any], shards: Iterable[tuple[Any, ...]]) -> list[Any]:
        """``work(graph, alias, *shard)`` for each shard; results are in the shards' order.

        ``work`` is a function of this package: workers import it by its name. Raises what ``work``
        raises, and ChainrepError when workers keep dying of one shard.
        """
        ray = self.cluster.ray
        task = ray.remote(num_cpus=1, max_retries=ATTEMPTS_AFTER_A_CRASH)(_work)
        waiting = [task.remote(work, self.place, *shard) for shard in shards]
        try:
            return list(ray.get(waiting))
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            raise ChainrepError(
                f"Workers died {ATTEMPTS_AFTER_A_CRASH + 1} times of the same part of the work.",
                "Most often memory ran out: take fewer workers, or more shards.",
            ) from error


def ranges(count: int, shards: int, block: int = 1) -> list[tuple[int, int]]:
    """``count`` things in at most ``shards`` ranges, cut at multiples of ``block``, none empty.

    Raises InputError for less than one shard.
    """
    if shards < 1:
        raise InputError("Work is cut into at least one shard.")
    blocks = -(-count // block)
    cuts = [min(count, blocks * i // shards * block) for i in range(shards + 1)]
    return [(a, b) for a, b in pairwise(cuts) if a < b]


@contextmanager
def open_cluster(address: str | None = None, workers: int | None = None) -> Iterator[Cluster]:
    """Join the Ray cluster at ``address`` (``host:port``); None: start one here, for this block.

    A cluster of one's own listens on this machine alone, asks for a token that only this user can
    read, reports to nobody, shows no web page, and is gone with all its files at the end of the
    block. ``workers`` is for it: how many processes, by default one per core. Whoever can reach a
    Ray cluster can run any program there: never give one an address that strangers reach.

    Raises ConfigError where Ray is missing, does not start, or does not answer.
    """
    if address is None:
        with (
            tempfile.TemporaryDirectory(prefix="chainrep-") as folder,
            _environment(_QUIET | _own_rules(folder)),
            _connected(own=True, address="local", num_cpus=workers, _temp_dir=folder) as cluster,
        ):
            yield cluster
    elif workers is not None:
        raise ConfigError("A cluster that runs already has its own number of workers.")
    else:
        _knock(address)
        with _environment(_QUIET), _connected(own=False, address=address) as cluster:
            yield cluster


def _knock(address: str) -> None:
    """Ray itself asks for minutes before it gives up."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ConfigError(f"{address!r} is no address of a cluster.", "Write it as host:port.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"Nothing answers at {address} ({_first_line(error)}).",
            "Start Ray there: ray start --head --port=PORT.",
        ) from error


@contextmanager
def _connected(own: bool, **options: Any) -> Iterator[Cluster]:
    ray = _ray()
    if ray.is_initialized():
        raise ConfigError(
            "This process is connected to Ray already.", "Close that connection first."
        )
    if own:
        _forget_token()
        if ray.util.get_node_ip_address() not in _LOOPBACK:
            raise ConfigError(
                "Ray was imported before, with settings that open it to the network.",
                "Open the cluster first, or set "
                + " ".join(f"{name}={value}" for name, value in _CLOSED.items())
                + " before Ray is imported.",
            )
    try:
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False, **options)
    except (ValueError, OSError, RuntimeError, ray.exceptions.RayError) as error:
        ray.shutdown()
        raise ConfigError(
            f"Ray does not start or does not answer ({_first_line(error)}).",
            "Look at the address; for a cluster of your own, set TMPDIR to a short writable path.",
        ) from error
    try:
        yield Cluster(ray, int(ray.cluster_resources()["CPU"]))
    finally:
        ray.shutdown()
        if own:
            _forget_token()


def _own_rules(folder: str) -> dict[str, str]:
    """A fresh token in the folder; Ray would write one to ``~/.ray`` and keep it there."""
    token = Path(folder, "token")
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    return _CLOSED | {"RAY_AUTH_TOKEN_PATH": str(token)}


@contextmanager
def _environment(rules: Mapping[str, str]) -> Iterator[None]:
    """The environment that Ray and its programs find, for as long as they run."""
    names = [*rules, *_SET_BY_RAY]
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(rules)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


def _forget_token() -> None:
    """Ray keeps the first token that it read until the process ends, and ours change."""
    from ray import _raylet

    raylet: Any = _raylet
    raylet.AuthenticationTokenLoader.instance().reset_cache()


def _ray() -> ModuleType:
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "A cluster needs the package ray, which is not installed.",
            "Install it: pip install 'chainrep[scale]'.",
        ) from error
    return ray


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


@dataclass(frozen=True, slots=True)
class _Names(Sequence[str]):
    """Accounts' names as bytes, one after the other: nothing is decoded before somebody asks."""

    text: NDArray[np.uint8]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.end)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        last = int(self.end[i])
        at = range(len(self))[i]
        return self.text[int(self.end[at - 1]) if at else 0 : last].tobytes().decode()


def _columns(graph: Graph) -> tuple[NDArray[Any], ...]:
    """The graph as arrays and nothing else: only numbers are written to shared memory."""
    names = [account.encode() for account in graph.accounts]
    end = np.cumsum([len(name) for name in names], dtype=np.int64)
    text = np.frombuffer(b"".join(names), np.uint8)
    rows = [(r.start, r.node, r.weight, r.total) for r in (graph.out, graph.into, graph.warned)]
    alias = build_alias(graph)
    return (text, end, alias.row, alias.table, *rows[0], *rows[1], *rows[2])


def _work(work: Callable[..., Any], columns: tuple[NDArray[Any], ...], *shard: Any) -> Any:
    text, end, row, table, *rest = columns
    out, into, warned = (Rows(*rest[i : i + 4]) for i in (0, 4, 8))
    return work(Graph(_Names(text, end), out, into, warned), Alias(row, table), *shard)

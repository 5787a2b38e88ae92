"""Pictures of a graph of trust, with who attacks it, and of what an attack changed.

Needs the extra `plot`. Floating point is for the eye only; the same input gives the same picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrep.errors import ConfigError, InputError
from chainrep.reputation.graph import Graph
from chainrep.reputation.pagerank import Scores
from chainrep.reputation.units import UNIT

FORMATS = (".png", ".svg", ".pdf")
MAX_NODES = 150
_MAX_LINKS = 500
_MAX_NAMED = 16
_LAYOUT_SEED = 1


class Mark(StrEnum):
    """What an account is in a picture, and how the legend calls it."""

    ACCOUNT = "account"
    SEED = "seed"
    ATTACKER = "attacker"
    SYBIL = "Sybil"


_COLOURS = {
    Mark.ACCOUNT: "#9db4c0",
    Mark.SYBIL: "#d1495b",
    Mark.ATTACKER: "#edae49",
    Mark.SEED: "#2e7d32",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A graph, its scores in 2^-50 of all trust, and the marks of accounts that have one.

    ``found`` are the accounts that an analysis holds for attackers, rightly or not.
    """

    graph: Graph
    scores: Scores
    marks: Mapping[int, Mark]
    found: frozenset[int] = frozenset()


def check_plot(path: Path) -> None:
    """Raise InputError, before any work, where a picture could not be written there."""
    if path.suffix not in FORMATS:
        raise InputError(f"{path} must end in one of {', '.join(FORMATS)}.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"The folder of {path} does not exist.")
    _figure(1)


def draw_graph(scene: Scene, title: str, path: Path) -> None:
    """Draw the best accounts and the marked ones, at most 150; the ending chooses the format."""
    figure, (axes,) = _figure(1)
    _draw_graph(axes, scene, title)
    _save(figure, path)


def draw_attack(scene: Scene, before: Scores, title: str, path: Path) -> None:
    """Draw the attacked graph, and beside it every account's score after against ``before``."""
    figure, (left, right) = _figure(2)
    _draw_graph(left, scene, title)
    _draw_change(right, scene, before)
    _save(figure, path)


def shown_accounts(scene: Scene, most: int = MAX_NODES) -> Sequence[int]:
    """Whom a picture shows, ascending: of each mark the best, and the best of all accounts.

    Accounts without a mark get at least half of the room, as far as they have a score.
    """
    order = np.argsort(-scene.scores.astype(np.float64), kind="stable").tolist()
    plain = [v for v in order if v not in scene.marks and scene.scores[v] > 0]
    room = max(most // 2, most - len(plain))
    chosen: list[int] = []
    kinds = (Mark.SEED, Mark.ATTACKER, Mark.SYBIL)
    for i, kind in enumerate(kinds):
        fair = (room - len(chosen)) // (len(kinds) - i)
        chosen += [v for v in order if scene.marks.get(v) is kind][:fair]
    return sorted(chosen + plain[: most - len(chosen)])


def shown_links(graph: Graph, accounts: Sequence[int]) -> NDArray[np.int64]:
    """The heaviest links among these accounts, each one's own heaviest first: (links, 2)."""
    place = np.full(graph.size, -1, np.int64)
    place[list(accounts)] = np.arange(len(accounts))
    rater = np.repeat(np.arange(graph.size), np.diff(graph.out.start))
    kept = (place[rater] >= 0) & (place[graph.out.node] >= 0)
    pairs = np.stack([place[rater[kept]], place[graph.out.node[kept]]], axis=1)
    weight = graph.out.weight[kept].astype(np.int64)
    order = np.lexsort((pairs[:, 0], -weight, pairs[:, 1]))
    pairs, weight = pairs[order], weight[order]
    # Nobody is left without the link that carries most to it.
    first = np.diff(pairs[:, 1], prepend=-1) > 0
    return pairs[np.lexsort((-weight, ~first))][:_MAX_LINKS]


def _draw_graph(axes: Any, scene: Scene, title: str) -> None:
    from matplotlib.collections import LineCollection

    accounts = _linked(scene, shown_accounts(scene))
    links = shown_links(scene.graph, accounts)
    place = _layout(len(accounts), links)
    lines = LineCollection(place[links].tolist(), colors="#00000022", linewidths=0.7, zorder=1)
    axes.add_collection(lines)
    share = scene.scores[list(accounts)].astype(np.float64) / UNIT
    size = 14 + 900 * np.sqrt(share / max(share.max(), 1e-9)) / 3
    for mark, colour in _COLOURS.items():
        rows = [i for i, v in enumerate(accounts) if scene.marks.get(v, Mark.ACCOUNT) is mark]
        if rows:
            shown = f"{len(rows):,} of {_count(scene, mark):,}"
            axes.scatter(
                *place[rows].T, s=size[rows], c=colour, label=f"{mark} ({shown})",
                edgecolors="white", linewidths=0.6, zorder=2,
            )  # fmt: skip
    rows = [i for i, v in enumerate(accounts) if v in scene.found]
    if rows:
        shown = f"{len(rows):,} of {len(scene.found):,}"
        axes.scatter(
            *place[rows].T, s=size[rows] + 60, facecolors="none", edgecolors="black",
            linewidths=1.2, label=f"found at a bottleneck ({shown})", zorder=3,
        )  # fmt: skip
    _name(axes, scene, accounts, place)
    # A name that somebody chose is text, whatever dollar signs it has.
    axes.set_title(f"{title}\nLarger: higher score", loc="left", parse_math=False)
    _legend(axes)
    axes.set_axis_off()


def _count(scene: Scene, mark: Mark) -> int:
    if mark is Mark.ACCOUNT:
        return scene.graph.size - len(scene.marks)
    return sum(found is mark for found in scene.marks.values())


def _linked(scene: Scene, accounts: Sequence[int]) -> Sequence[int]:
    """Those that hang together, and the seeds."""
    import networkx as nx

    links = nx.Graph(shown_links(scene.graph, accounts).tolist())
    largest: set[int] = max(nx.connected_components(links), key=len, default=set())
    seeds = {v for v, mark in scene.marks.items() if mark is Mark.SEED}
    return [v for i, v in enumerate(accounts) if i in largest or v in seeds]


def _draw_change(axes: Any, scene: Scene, before: Scores) -> None:
    size = scene.graph.size
    old = np.zeros(size)
    old[: len(before)] = before / UNIT
    new = scene.scores / UNIT
    least = min((part[part > 0].min() for part in (old, new) if (part > 0).any()), default=1e-9)
    floor = max(least / 3, 1e-12)
    for mark, colour in _COLOURS.items():
        kind = np.array([scene.marks.get(v, Mark.ACCOUNT) is mark for v in range(size)])
        kind &= (old > 0) | (new > 0)
        if kind.any():
            axes.scatter(
                np.maximum(old[kind], floor), np.maximum(new[kind], floor), s=16, c=colour,
                label=f"{mark} ({int(kind.sum()):,})", linewidths=0,
                alpha=0.5 if mark is Mark.ACCOUNT else 0.9,
            )  # fmt: skip
    high = max(old.max(), new.max(), floor * 10) * 1.5
    axes.plot([floor, high], [floor, high], color="black", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", yscale="log", xlim=(floor / 1.5, high), ylim=(floor / 1.5, high))
    axes.set_xlabel("share of all trust before (new accounts at the left edge)")
    axes.set_ylabel("share of all trust after")
    axes.set_title("Above the dotted line: gained by the attack", loc="left")
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    _legend(axes)


def _layout(count: int, links: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where each account stands: the same for the same links."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(links.tolist())
    spread = 2.2 / np.sqrt(max(count, 1))
    found = nx.spring_layout(graph, k=spread, iterations=120, seed=_LAYOUT_SEED)
    return np.array([found[i] for i in range(count)])


def _name(axes: Any, scene: Scene, accounts: Sequence[int], place: NDArray[np.float64]) -> None:
    """Write names at the best accounts, those with a mark first."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2, foreground="white")]
    marked = (Mark.SEED, Mark.ATTACKER)
    order = sorted(
        range(len(accounts)),
        key=lambda i: (scene.marks.get(accounts[i]) not in marked, -int(scene.scores[accounts[i]])),
    )
    for i in order[:_MAX_NAMED]:
        axes.annotate(
            short_name(scene.graph.accounts[accounts[i]]), tuple(place[i]), fontsize=7,
            xytext=(4, 4), textcoords="offset points", zorder=4, path_effects=halo,
            parse_math=False,
        )  # fmt: skip


def short_name(account: str) -> str:
    """A name that fits: the two ends of a long one."""
    return account if len(account) <= 14 else f"{account[:6]}…{account[-4:]}"


def _legend(axes: Any) -> None:
    legend = axes.legend(loc="best", fontsize=8, framealpha=0.9)
    for handle in legend.legend_handles:
        handle.set_sizes([40])


def _figure(panels: int) -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ConfigError(
            "Pictures need the package matplotlib.", "pip install 'chainrep[plot]'"
        ) from None
    figure = Figure(figsize=(8.5 * panels, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _save(figure: Any, path: Path) -> None:
    from matplotlib import rc_context

    try:
        with rc_context({"svg.hashsalt": "chainrep", "svg.fonttype": "none"}):
            figure.savefig(path, dpi=130, metadata=_UNDATED.get(path.suffix))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None


_UNDATED: Mapping[str, Mapping[str, None]] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}

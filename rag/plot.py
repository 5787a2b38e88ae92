"""The picture of a demo run: every source's reliability on the chain, batch after batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

_LABEL_GAP = 0.045  # of the axis: about one line of text


class Curve(Protocol):
    """One source's history."""

    @property
    def id(self) -> int:
        """Source id."""

    @property
    def pollution(self) -> float:
        """The true share of wrong answers, 0..1."""

    @property
    def history(self) -> Sequence[float]:
        """Reliability 0..1 before the first batch and after each one."""


def draw_reliabilities(curves: Sequence[Curve], title: str, path: Path) -> None:
    """Write the picture; the file's ending (.png, .svg, .pdf) chooses the format."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8.0, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = colormaps["viridis_r"]
    label_height = -1.0
    for curve in sorted(curves, key=lambda curve: curve.history[-1]):
        colour = colours(0.1 + 0.9 * curve.pollution)
        label_height = max(curve.history[-1], label_height + _LABEL_GAP)
        axes.plot(range(len(curve.history)), curve.history, color=colour, linewidth=2)
        axes.annotate(
            f"source {curve.id}: {curve.pollution:.0%} wrong",
            (len(curve.history) - 1, label_height),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            annotation_clip=False,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("batches on the chain")
    axes.set_ylabel("reliability read from the chain")
    axes.set_title(title, loc="left")
    axes.set_ylim(0, 1)
    axes.set_xlim(0, max(len(curve.history) for curve in curves) - 1)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)

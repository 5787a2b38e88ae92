"""Was each token the one that model, seed and sampler choose? Judged by margins of logits.

With the seed of the noise known, an honest token is the largest of logit / T + noise. Rounding
moves logits a little, so an honest token may lose by a little; a token that another model chose
loses by more (Token-DiFR, arXiv 2511.20621).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError, SketchError
from rag.lsh.gumbel import gumbel_noise, scaled, seed_keys

if TYPE_CHECKING:
    from torch import Tensor

    from rag.lsh.decode_spec import DecodeSpec

_ROWS = 64


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """The mean of margins clipped at ``clip`` may be at most ``threshold``, both in logits / T, and
    no single margin may reach the clip: in the mean of a long answer one token could hide.

    Both numbers come from a calibration; the clip is twice the worst honest margin there.
    """

    threshold: float
    clip: float

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < self.clip < float("inf"):
            raise SketchError(
                f"A token check with threshold {self.threshold} and clip {self.clip} decides "
                "nothing.",
                "Take both from a calibration: 0 ≤ threshold < clip.",
            )

    def score(self, margins: NDArray[np.float64]) -> float:
        """Return the mean clipped margin; raises SketchError without any margin."""
        return token_score(margins, self.clip)

    def accepts(self, margins: NDArray[np.float64]) -> bool:
        """Say whether the tokens are those that the model chooses."""
        return self.score(margins) <= self.threshold and float(margins.max()) < self.clip


def token_score(margins: NDArray[np.float64], clip: float) -> float:
    """Return the mean of the margins clipped at ``clip``."""
    if margins.size == 0:
        raise SketchError("There are no tokens to check.", "Give an answer of at least one token.")
    return float(np.minimum(margins, clip).mean())


def token_margins(
    logits: Tensor,
    tokens: Sequence[int],
    seed: bytes,
    spec: DecodeSpec,
    first_position: int = 0,
) -> NDArray[np.float64]:
    """Return by how much each token falls short of the best, float64 (m,), 0 where it is chosen.

    ``logits`` (m, vocabulary) of the positions that choose ``tokens``; ``first_position`` counts
    generated tokens from 0. The best is looked for among the tokens that top-k and top-p leave. A
    token that they cut off has, on top, the distance of its logit / T to the cutoff. Computed in
    rows of 64, in float64. Raises SketchError on a token outside the vocabulary, ModelError on
    logits that are not numbers.
    """
    import torch

    rows, vocabulary = logits.shape
    if len(tokens) != rows or not all(0 <= token < vocabulary for token in tokens):
        raise SketchError(
            f"{len(tokens)} tokens do not fit logits of {rows} positions and {vocabulary:,} ids.",
            "Give the answer's own tokens, in the ids of this model's tokenizer.",
        )
    keys = seed_keys([seed]).to(logits.device)
    chosen = torch.tensor(list(tokens), dtype=torch.int64, device=logits.device)[:, None]
    parts = []
    for start in range(0, rows, _ROWS):
        part = slice(start, min(start + _ROWS, rows))
        values, cutoff = scaled(logits[part], spec)
        own = values.gather(1, chosen[part])
        outside = (cutoff - own).clamp_(min=0)
        total = values
        if not spec.greedy:
            positions = torch.arange(part.start, part.stop, device=logits.device) + first_position
            total = values + gumbel_noise(keys, positions, vocabulary)
        best = total.masked_fill(values < cutoff, -torch.inf).amax(dim=1, keepdim=True)
        parts.append((best - total.gather(1, chosen[part])).clamp_(min=0) + outside)
    margins = torch.cat(parts)[:, 0].cpu().numpy() if parts else np.zeros(0)
    if not np.isfinite(margins).all():
        raise ModelError(
            "The model's logits are not finite numbers.",
            "Load it in bfloat16 or float32: float16 overflows in some models.",
        )
    return margins

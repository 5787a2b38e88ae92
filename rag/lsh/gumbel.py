"""Seed-synchronised sampling: noise that provider and verifier compute alike.

Gumbel-max (Gumbel 1954; Maddison et al. 2014): if g are independent standard Gumbel values, then
argmax(logits / T + g) is a draw from softmax(logits / T). Here g is a function of a 32-byte seed,
the position of the generated token (from 0) and the token id, so that who knows the seed can
repeat the draw (as in Token-DiFR, arXiv 2511.20621):

- the seed's four big-endian 64-bit words fold into k0 = mix(w0 + G) xor w2 and
  k1 = mix(w1 + G) xor w3, with G and mix as below;
- position p starts the SplitMix64 stream (Steele et al. 2014) s = mix(k0 + G (p + 1)) + k1,
  and token t takes its output z = mix(s + G (t + 1)), everything modulo 2^64,
  with G = 0x9E3779B97F4A7C15 and mix the finalizer x ^= x >> 30; x *= 0xBF58476D1CE4E5B9;
  x ^= x >> 27; x *= 0x94D049BB133111EB; x ^= x >> 31;
- u = (2 (z >> 12) + 1) / 2^53, exact in float64 and strictly inside (0, 1);
- g = -log(-log u) in float64.

Integers wrap the same on a CPU and on a GPU; only the last bit of a logarithm may differ.
The mix is a statistical one: the seed must be fixed before anything of the answer is known, for a
seed that could be tried out would choose the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from rag.lsh.decode_spec import DecodeSpec

SEED_BYTES = 32


def _signed(word: int) -> int:
    return word - 2**64 if word >= 2**63 else word


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)


def seed_keys(seeds: Sequence[bytes]) -> Tensor:
    """Return each 32-byte seed's words k0 and k1 as int64, shape (len(seeds), 2), on the CPU."""
    import torch

    rows = []
    for seed in seeds:
        if len(seed) != SEED_BYTES:
            raise ModelError(
                f"A sampling seed has {len(seed)} bytes instead of {SEED_BYTES}.",
                "Give the 32 bytes that the receipt's seed commitment stands for.",
            )
        words = [int.from_bytes(seed[i : i + 8], "big") for i in range(0, SEED_BYTES, 8)]
        rows.append([_signed(word) for word in words])
    folded = torch.tensor(rows, dtype=torch.int64).reshape(-1, 4)
    return _mix(folded[:, :2] + _GOLDEN) ^ folded[:, 2:]


def gumbel_noise(keys: Tensor, positions: Tensor, vocabulary: int) -> Tensor:
    """Return the noise of every token, float64, shape (n, vocabulary), on the keys' device.

    ``keys`` int64 (n, 2) from ``seed_keys``, or (1, 2) for all rows; ``positions`` int64 (n,).
    """
    import torch

    start = _mix(keys[:, 0] + _GOLDEN * (positions + 1)) + keys[:, 1]
    tokens = torch.arange(1, vocabulary + 1, dtype=torch.int64, device=keys.device)
    words = _mix(start[:, None] + _GOLDEN * tokens)
    uniform = (2 * _shifted(words, 12) + 1).to(torch.float64).mul_(2.0**-53)
    return uniform.log_().neg_().log_().neg_()


def scaled(logits: Tensor, spec: DecodeSpec) -> tuple[Tensor, Tensor]:
    """Return logits / T in float64, shape (n, vocabulary), and each row's cutoff, shape (n, 1).

    A token may be chosen when its value is not below the cutoff. The cutoff is the ``top_k``-th
    largest value, or the smallest of those values that make up ``top_p`` of the probability that
    is left, whichever is larger; -inf without a filter. Tokens of equal value stay or go together.
    """
    import torch

    values = logits.to(torch.float64)
    if not spec.greedy:
        values = values * (1000.0 / spec.temperature_milli)
    rows, vocabulary = values.shape
    cutoff = torch.full((rows, 1), -torch.inf, dtype=torch.float64, device=values.device)
    if spec.greedy:
        return values, cutoff
    if 0 < spec.top_k < vocabulary:
        cutoff = values.topk(spec.top_k, dim=1).values[:, -1:]
    if spec.top_p_milli < 1000:
        kept = values.masked_fill(values < cutoff, -torch.inf)
        ordered = kept.sort(dim=1, descending=True).values
        shares = ordered.softmax(dim=1)
        before = shares.cumsum(dim=1) - shares
        count = (before < spec.top_p_milli / 1000).sum(dim=1, keepdim=True)
        cutoff = ordered.gather(1, (count - 1).clamp_(min=0))
    return values, cutoff


class GumbelChoice:
    """A logits processor for ``generate(do_sample=False)``: its largest score is the draw.

    ``seeds`` has one 32-byte seed per row of the batch, ``prompt_length`` is the padded length of
    the prompts: position 0 is the first token after it.
    """

    def __init__(self, spec: DecodeSpec, seeds: Sequence[bytes], prompt_length: int) -> None:
        self._spec = spec
        self._keys = seed_keys(seeds)
        self._prompt_length = prompt_length

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return scores (batch, vocabulary) whose row maxima are the chosen tokens."""
        import torch

        if self._spec.greedy:
            return scores
        self._keys = self._keys.to(scores.device)
        position = input_ids.shape[1] - self._prompt_length
        positions = torch.full((1,), position, dtype=torch.int64, device=scores.device)
        values, cutoff = scaled(scores, self._spec)
        noise = gumbel_noise(self._keys, positions, scores.shape[1])
        return (values + noise).masked_fill_(values < cutoff, -torch.inf)


def _mix(words: Tensor) -> Tensor:
    words = (words ^ _shifted(words, 30)) * _FIRST
    words = (words ^ _shifted(words, 27)) * _SECOND
    return words ^ _shifted(words, 31)


def _shifted(words: Tensor, bits: int) -> Tensor:
    """Shift to the right as if unsigned: torch fills int64 with the sign."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)

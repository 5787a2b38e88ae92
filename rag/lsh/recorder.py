"""A hook that keeps the hidden states which choose tokens, while a model generates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor


class StateRecorder:
    """Collects the input of a network's output layer at the last position of every forward pass.

    ``with StateRecorder(network) as recorder: network.generate(…)`` needs no change of the engine.
    Rows of a batch are padded on the left, as ``generate`` wants them, so the last position is
    each row's newest. States stay on their device in the model's dtype and nothing waits for the
    device: per token and row they take 2 to 4 bytes a dimension, 1/16 of the key-value cache of an
    8B Llama, so that one sketch at the end is affordable.

    Beams and speculative decoding are not supported: they choose tokens from other rows and
    positions.
    """

    def __init__(self, network: Any) -> None:
        self._layer = network.get_output_embeddings()
        self._steps: list[Tensor] = []
        self._hook: Any = None
        if self._layer is None:
            raise ModelError(
                "This model has no output layer whose input could be recorded.",
                "Use a causal language model.",
            )

    def __enter__(self) -> StateRecorder:
        self._steps.clear()
        self._hook = self._layer.register_forward_pre_hook(self._record)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def _record(self, _: Any, inputs: tuple[Any, ...]) -> None:
        states = inputs[0].detach()
        if self._steps and states.shape[1] != 1:
            raise ModelError(
                f"The model looked at {states.shape[1]} positions in one step.",
                "Generate without speculative decoding and with a key-value cache.",
            )
        # A copy, because a view would keep the states of the whole prompt alive.
        self._steps.append(states[:, -1].clone())

    def states(self, tokens: int) -> Tensor:
        """Return the states that chose the first ``tokens`` tokens, shape (batch, tokens, d).

        An engine may have run a step further than it kept. Raises ModelError when steps are
        missing.
        """
        import torch

        if not 0 < tokens <= len(self._steps):
            raise ModelError(
                f"{len(self._steps)} steps were recorded for {tokens} generated tokens.",
                "Record exactly one call of generate, without beams, which returned the tokens.",
            )
        return torch.stack(self._steps[:tokens], dim=1)

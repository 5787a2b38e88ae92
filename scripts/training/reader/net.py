"""The network that is trained: MiniLM's upper layers under a linear layer; its loss."""

from __future__ import annotations

from concurrent.futures import Executor

import torch
from torch import nn

from rag.encoder import load_minilm, offline_folder
from scripts.training.reader.stream import Batch

FROZEN_LAYERS = 2
_NEVER = -1e4


class SpanNet(nn.Module):
    """Scores each token as the first and as the last of the answer.

    The embeddings and the lowest ``FROZEN_LAYERS`` layers stay MiniLM's, so that what changes
    fits into a small file. There is no dropout: most texts are seen twice, in other windows.
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        _, self.base = load_minilm(offline_folder())
        self.head = nn.Linear(self.base.config.hidden_size, 2)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        self.base.requires_grad_(False)
        for layer in self.base.encoder.layer[FROZEN_LAYERS:]:
            layer.requires_grad_(True)
        self.to(device)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return float32 logits (2, b, t): of firsts and of lasts; what is not allowed is low."""
        states = self.base(
            input_ids=batch["ids"],
            attention_mask=batch["mask"],
            token_type_ids=batch["segments"],
        ).last_hidden_state
        logits: torch.Tensor = self.head(states).permute(2, 0, 1)
        return logits.float().masked_fill(~batch["allowed"], _NEVER)

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by name."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}


def learn(net: SpanNet, batch: Batch, pool: Executor, parts: int, device: str) -> float:
    """Set the gradients of the batch's loss and return the loss.

    The batch is cut into ``parts`` that the pool's threads work on whole: threads that meet in
    every matrix product wait for each other, and on a busy machine two were no faster than one.
    """
    trained = list(net.trained().values())

    def part(offset: int) -> tuple[int, float, tuple[torch.Tensor, ...]]:
        mine = _tensors(batch, slice(offset, None, parts), device)
        loss = _loss(net(mine), mine)
        return len(mine["ids"]), loss.item(), torch.autograd.grad(loss, trained)

    done = list(pool.map(part, range(min(parts, len(batch.ids)))))
    for i, parameter in enumerate(trained):
        parameter.grad = torch.stack([n / len(batch.ids) * g[i] for n, _, g in done]).sum(dim=0)
    return sum(n * loss for n, loss, _ in done) / len(batch.ids)


def _loss(logits: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the mean of -ln(probability of the right firsts) and -ln(that of the lasts)."""
    right = torch.stack([batch["starts"], batch["ends"]])
    wanted = logits.masked_fill(~right, -torch.inf).logsumexp(dim=-1)
    return (logits.logsumexp(dim=-1) - wanted).mean()


def _tensors(batch: Batch, rows: slice, device: str) -> dict[str, torch.Tensor]:
    """Put rows of a batch on a device, by the names of its fields."""
    return {n: torch.from_numpy(getattr(batch, n)[rows]).to(device) for n in Batch.__slots__}

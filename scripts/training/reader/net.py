"""The network that is trained: MiniLM's layers under a linear layer; its loss."""

from __future__ import annotations

import torch
from torch import nn

from rag.encoder import load_minilm, offline_folder
from scripts.training.reader.stream import Batch

_NEVER = -1e4


class SpanNet(nn.Module):
    """Scores each token as the first and as the last of the answer.

    The embeddings and the ``frozen`` lowest of six layers stay MiniLM's: the embeddings alone are
    half of its parameters, and what changes is to fit into a small file. Dropout is MiniLM's own.
    """

    def __init__(self, device: str, frozen: int, dropout: bool) -> None:
        super().__init__()
        _, self.base = load_minilm(offline_folder())
        self.head = nn.Linear(self.base.config.hidden_size, 2)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.base.requires_grad_(False)
        for layer in self.base.encoder.layer[frozen:]:
            layer.requires_grad_(True)
        self.train(dropout)
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


def learn(net: SpanNet, batch: Batch, device: str) -> float:
    """Set the gradients of the batch's loss and return the loss."""
    mine = {n: torch.from_numpy(getattr(batch, n)).to(device) for n in Batch.__slots__}
    net.zero_grad()
    loss = _loss(net(mine), mine)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.item()


def _loss(logits: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the mean of -ln(probability of the right firsts) and -ln(that of the lasts)."""
    right = torch.stack([batch["starts"], batch["ends"]])
    wanted = logits.masked_fill(~right, -torch.inf).logsumexp(dim=-1)
    return (logits.logsumexp(dim=-1) - wanted).mean()

"""The extractive reader: of each source the span that answers best, or none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.context import Context, context_of
from rag.span_model import SpanModel, Tokens
from rag.text import normalised
from rag.types import Evidence, Span

ROOM = 256
"""Tokens of context per source.

On 300 held-out questions of SQuADShifts each, F1 with 128 and 256 tokens is .366 and .414 on what
BM25 finds; with 128, 192, 256 and 400 it is .711, .741, .751 and .740 on 200 gold paragraphs. Time
grows with them.
"""

BESIDE = 1
"""Sentences before and behind each chosen one that are read with it."""

ABSTAIN = 0.0
"""How far "no answer" must be above the best span, in nats, for the reader to abstain.

On 200 held-out gold paragraphs this loses 2 % of the right answers and 16 % of the wrong ones, and
on what BM25 finds without the answer nothing is said for 46 % (2: 1 %, 3 % and 35 %).
"""

MAX_SPAN_TOKENS = 30
CACHE_SIZE = 4_096

# Far above the noise of a float32 model, far below any difference that means something.
_SCORE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class _Reading:
    """The best span of a context: piece, [start, end) in its characters, probability."""

    piece: int
    start: int
    end: int
    confidence: float


class ExtractiveReader:
    """Reads each source's best sentences with a MiniLM that was trained to point at answers.

    A span lies within one sentence. Its confidence is its probability among all spans and "no
    answer" (Devlin et al., 2019, section 4.3): the softmax of the sums of the logits of first and
    last token. Contexts that are equal are read once, and the last ``CACHE_SIZE`` are kept.
    """

    def __init__(
        self,
        model: SpanModel | None = None,
        *,
        room: int = ROOM,
        beside: int = BESIDE,
        abstain: float = ABSTAIN,
    ) -> None:
        self._model = model or SpanModel()
        self._room = room
        self._beside = beside
        self._abstain = abstain
        self._tokens: OrderedDict[str, Tokens] = OrderedDict()
        self._read: OrderedDict[tuple[str, ...], _Reading | None] = OrderedDict()

    def read(self, question: str, sets: Sequence[Sequence[Evidence]]) -> list[Span | None]:
        """Return for each set, best evidence first, its most probable span.

        None: there is no evidence, or "no answer" is more probable. Equal scores are decided by
        the alphabet.
        """
        contexts = [
            context_of(evidence, self._room, self._length, beside=self._beside) for evidence in sets
        ]
        keys = [(question, *context.sentences) for context in contexts]
        missing = sorted({key for key in keys if len(key) > 1 and key not in self._read})
        fresh = dict(zip(missing, self._readings(question, missing), strict=True))
        spans = [
            _span(context, fresh[key] if key in fresh else self._read.get(key))
            for key, context in zip(keys, contexts, strict=True)
        ]
        self._read.update(fresh)
        _shrink(self._read)
        _shrink(self._tokens)
        return spans

    def _readings(self, question: str, keys: Sequence[tuple[str, ...]]) -> list[_Reading | None]:
        pieces = [[self._seen(sentence) for sentence in key[1:]] for key in keys]
        ids = [np.concatenate([p.ids for p in some]) for some in pieces]
        logits = self._model.scores(question, ids)
        return [
            best_span(key[1:], some, found, self._abstain)
            for key, some, found in zip(keys, pieces, logits, strict=True)
        ]

    def _length(self, sentence: str) -> int:
        return len(self._seen(sentence).ids)

    def _seen(self, sentence: str) -> Tokens:
        if sentence not in self._tokens:
            (self._tokens[sentence],) = self._model.tokens([sentence])
        return self._tokens[sentence]


def best_span(
    sentences: Sequence[str],
    pieces: Sequence[Tokens],
    logits: NDArray[np.float32],
    abstain: float,
) -> _Reading | None:
    """Return the span of the highest score within one sentence, or None for "no answer".

    ``logits`` (2, 1 + n) are those of ``SpanModel.scores`` for the pieces' tokens in a row.
    """
    n = logits.shape[1] - 1
    piece = np.repeat(np.arange(len(pieces)), [len(p.ids) for p in pieces])[:n]
    offsets = np.concatenate([p.offsets for p in pieces])[:n]
    begins = np.concatenate([p.begins for p in pieces])[:n]
    # A word's last token is followed by a token that begins one, or by nothing.
    closes = np.append(begins[1:], True)
    null = float(logits[0, 0] + logits[1, 0])
    firsts, lasts, scores = [], [], []
    for extra in range(min(MAX_SPAN_TOKENS, n)):
        first = np.arange(n - extra)
        last = first + extra
        whole = first[(piece[first] == piece[last]) & begins[first] & closes[last]]
        firsts.append(whole)
        lasts.append(whole + extra)
        scores.append(logits[0, 1 + whole] + logits[1, 1 + whole + extra])
    score = np.concatenate(scores, dtype=np.float64) if scores else np.zeros(0)
    if not len(score):
        return None
    first, last = np.concatenate(firsts), np.concatenate(lasts)
    rounded = np.round(score, _SCORE_DIGITS)
    best = np.flatnonzero(rounded == rounded.max()).tolist()

    def text(i: int) -> str:
        sentence = sentences[int(piece[first[i]])]
        return sentence[int(offsets[first[i], 0]) : int(offsets[last[i], 1])]

    chosen = min(best, key=lambda i: (text(i), i))
    if null - score[chosen] > abstain or not normalised(text(chosen)):
        return None
    top = max(float(score.max()), null)
    everything = np.exp(score - top).sum() + np.exp(null - top)
    return _Reading(
        int(piece[first[chosen]]),
        int(offsets[first[chosen], 0]),
        int(offsets[last[chosen], 1]),
        round(float(np.exp(score[chosen] - top) / everything), _SCORE_DIGITS),
    )


def _span(context: Context, reading: _Reading | None) -> Span | None:
    if reading is None:
        return None
    item = context.pieces[reading.piece]
    return Span(item.sentence[reading.start : reading.end], item, reading.confidence)


def _shrink(cache: OrderedDict[Any, Any]) -> None:
    while len(cache) > CACHE_SIZE:
        cache.popitem(last=False)

"""A question as numbers: what it means, and the form in which it is asked."""

from __future__ import annotations

import math

import numpy as np

from rag.ports import Encoder
from rag.state.arrays import Floats

FORM_WEIGHT = 0.5
FORMS = 10
_ASKING = frozenset("what who whom whose when where which why how".split())
_YES_NO = frozenset("is are was were do does did can could should will would has have".split())


class QueryFeatures:
    """The encoder's unit vector of ``dimensions``, with the question's form behind it.

    The form's ten numbers are scaled by ``form_weight``; ``self.dimensions`` counts them all.

    Sources differ in what they know and in how their users write: a headline, a claim, keywords
    and a full question about one thing are answered best by different sources.
    """

    def __init__(
        self, encoder: Encoder, form_weight: float = FORM_WEIGHT, dimensions: int = 384
    ) -> None:
        self._encoder = encoder
        self._form_weight = form_weight
        self.dimensions = dimensions + FORMS

    def of(self, question: str) -> Floats:
        """Return the features, float64 (dimensions,)."""
        meaning = self._encoder.encode([question])[0].astype(np.float64)
        return np.concatenate([meaning, self._form_weight * question_form(question)])


def question_form(question: str) -> Floats:
    """Return ten numbers in 0..1: length, letter case, punctuation, how it begins.

    The scales are set by hand, not fitted to anything, and lengths count up to 40 words.
    """
    words = question.split() or [""]
    lower = [word.lower() for word in words]
    capital = [word[:1].isupper() for word in words]
    marks = sum(character in ",;:()'\"-" for character in question)
    return np.array(
        [
            min(math.log(len(words)) / math.log(40.0), 1.0),
            min(len(question) / len(words) / 12.0, 1.0),
            sum(capital) / len(words),
            float(capital[0]),
            float(question.rstrip().endswith("?")),
            float(question.rstrip().endswith(".")),
            float(any(character.isdigit() for character in question)),
            min(2.0 * marks / len(words), 1.0),
            float(lower[0] in _ASKING or lower[0] in _YES_NO),
            float(any(word in _ASKING for word in lower)),
        ]
    )

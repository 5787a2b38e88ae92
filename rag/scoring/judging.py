"""What each source is credited with for one answer that was judged against gold."""

from __future__ import annotations

from collections.abc import Sequence

from rag.scoring.gold_match import is_right_beside
from rag.types import Answer, Judgement


def judge(answer: Answer, gold: Sequence[str]) -> list[Judgement]:
    """Return one judgement per source that was asked, in ascending order of ids.

    Every source gets ``asked``, those in the winning cluster ``used``. Right answers are
    supported and wrong ones contradicted only when at least one source was right: otherwise the
    reader failed, which would be held against honest sources most, and estimates of a source's
    reliability can turn upside down. A silent source is neither, and so is one whose answer cannot
    be decided (``is_right_beside``).
    """
    said = {vote.text for vote in answer.votes}
    right = {vote.source: is_right_beside(vote.text, gold, said) for vote in answer.votes}
    decidable = any(right.values())
    used = set(answer.sources)
    asked = sorted([*right, *(silence.source for silence in answer.silent)])
    return [
        Judgement(
            key=f"{answer.key}/{source}",
            source=source,
            kind="gold",
            question=answer.question,
            supported=float(decidable and right.get(source) is True),
            contradicted=float(decidable and right.get(source) is False),
            used=float(source in used),
            asked=1.0,
        )
        for source in asked
    ]


def judge_by_user(answer: Answer, right: bool) -> list[Judgement]:
    """Return what a user's word on the whole answer says of each source that was asked.

    A right answer supports who gave it and contradicts who gave another; a wrong one contradicts
    who gave it, and of others it says nothing.
    """
    won = {vote.source: vote.won for vote in answer.votes}
    asked = sorted([*won, *(silence.source for silence in answer.silent)])
    return [
        Judgement(
            key=f"{answer.key}/{source}/user",
            source=source,
            kind="user",
            question=answer.question,
            supported=float(right and won.get(source, False)),
            contradicted=float(source in won and won[source] != right),
            used=float(won.get(source, False)),
            asked=1.0,
        )
        for source in asked
    ]

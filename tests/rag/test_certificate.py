from itertools import combinations, product

import pytest

from rag.answering import ClosedBook, vote
from rag.certificate import certified
from rag.scoring.ballots import Ballot
from rag.scoring.ledgers import OWN, LedgerEstimator
from rag.types import Evidence, Passage, SourceAnswer, Span


def taught(estimator, answers, times=1):
    for _ in range(times):
        estimator.learn(Ballot(answers), {v: a == "truth" for v, a in answers.items()})


def outcome(estimator, said, asked, owners=None):
    """The text of the vote, and how many liars are certified."""
    ballot = Ballot(said, unheard=frozenset(asked) - said.keys())
    weights = estimator.weights(ballot)
    answers = [
        SourceAnswer(v, Span(a, Evidence(a, Passage(a), 1.0), 0.5))
        for v, a in said.items()
        if v != OWN
    ]
    book = ClosedBook(said[OWN], weights[OWN]) if OWN in said else None
    verdict = vote(answers, weights, closed_book=book, owners=owners)
    least, most = estimator.bounds(ballot)
    both = (least[OWN], most[OWN]) if OWN in said else None
    sources = {v: most[v] for v in asked if v != OWN}
    return verdict.text, certified(verdict, sources, owners, least=least, book=both)


def test_a_liar_who_lowers_the_answer_that_it_joins_is_counted():
    copied, copies, honest = 100, (101, 102, 103, 104), range(1, 40)
    estimator = LedgerEstimator()
    for number in range(8):
        for copy in copies:
            taught(estimator, dict.fromkeys((copied, *copies), "truth"), 3)
            lie = f"lie {number} {copy}"
            taught(estimator, {copied: lie, copy: lie, 50: "truth"})
    taught(estimator, {copied: "truth", 50: "truth"}, 400)
    taught(estimator, dict.fromkeys(honest, "truth"))
    changed = 0
    for many in range(8, 30):
        said = dict.fromkeys(honest[:many], "Paris") | dict.fromkeys((copied, *copies), "Lyon")
        text, borne = outcome(estimator, said, said)
        alone, _ = outcome(estimator, {v: a for v, a in said.items() if v != copied}, said)
        changed += text != alone
        assert text == alone or borne == 0
    assert changed, "who joined an answer lowered it"


@pytest.mark.parametrize("owners", [None, {1: "one", 2: "one", 4: "two", 5: "two"}])
def test_no_lies_of_as_many_as_certified_change_an_answer_weighed_by_an_estimator(owners):
    estimator = LedgerEstimator()
    asked = (1, 2, 3, 4, 5, 6, OWN)
    for number in range(24):
        answers = dict.fromkeys(asked, "truth")
        if number % 4 == 0:
            answers |= dict.fromkeys((1, 2, 3), f"lie {number}")
        if number % 6 == 0:
            answers[5] = answers[OWN] = f"slip {number}"
        taught(estimator, answers)
    tried = 0
    for told in ("aaaaaaa", "aaaaaba", "baaaaaa", "abaaaaa", "aaaabaa", "aaaaaab"):
        said = dict(zip(asked, told, strict=True))
        text, borne = outcome(estimator, said, asked, owners)
        units = sorted({(owners or {}).get(s, s) for s in asked if s != OWN}, key=str)
        for liars in combinations(units, min(borne, 2)):
            lying = [s for s in asked if s != OWN and (owners or {}).get(s, s) in liars]
            for lies in product(("a", "b", "c", None), repeat=min(len(lying), 3)):
                after = said | dict(zip(lying, lies, strict=False))
                after = {v: a for v, a in after.items() if a is not None}
                assert outcome(estimator, after, asked, owners)[0] == text
                tried += borne > 0
    assert tried > 40

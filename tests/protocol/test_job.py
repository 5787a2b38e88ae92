"""A job told by its events: what fits together, and what does not."""

from dataclasses import replace

import pytest

from chainrep.errors import InputError
from chainrep.protocol.ballot import Reveal, commitment_of
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.job import follow
from chainrep.protocol.job_terms import Claim, condition_words, job_id
from chainrep.protocol.job_trail import NOBODY, JobVerdict, Phase, Vote
from chainrep.protocol.receipt_tree import leaf_hash, prove_leaf, tree_root
from tests.protocol.job_vectors import DOMAIN, VECTORS, read_terms

TERMS = read_terms(VECTORS["terms"][0])
TERMS = replace(TERMS, conditions=replace(TERMS.conditions, rounds=1, threshold=2))
JOB = job_id(TERMS, DOMAIN)
PROVIDER, APPELLANT = VECTORS["terms"][1]["requester"], VECTORS["terms"][1]["provider"]
CODE, CONTENT, SEED = b"\x0f" * 32, b"\x01" * 32, b"\x02" * 32
HEADER, PLACE = b"\x04" * 32, 3
LEAVES = [leaf_hash(HEADER, place, CONTENT, CODE) for place in range(4)]
SIBLINGS = prove_leaf(LEAVES, PLACE)
CLAIM = Claim(tree_root(LEAVES), HEADER, 4)
AWAITING, SEALING, APPEALS = 1_000, 2_000, 3_000
PANEL, LEAF = (11, 22), PLACE
DRAWN = 22 << 96 | 11 << 72 | LEAF << 40 | SEALING
OWN = [Reveal(CODE, b"\x05" * 32), Reveal(b"\xf0" + CODE[1:], b"\x06" * 32)]
"""The first seat's code is the provider's, the second's is 8 bits off."""
COMMITMENTS = [commitment_of(JOB, 0, seat, own) for seat, own in zip(PANEL, OWN, strict=True)]
ENDED = DRAWN >> 40 << 40 | Vote.MISMATCH << 2 | Vote.MATCH


def event(name, **values):
    return ChainEvent("VerificationJobs", name, 7, 0, bytes(32), b"", b"", {"jobId": JOB} | values)


def ballots(*opened):
    """What an `open` brings: the places that are opened with code and salt, the other sealed."""
    return [
        (place, OWN[place].code, OWN[place].salt)
        if place in opened
        else (place, COMMITMENTS[place], bytes(32))
        for place in (0, 1)
    ]


def leaf_opened(*opened):
    return event("LeafOpened", opening=(CONTENT, CODE, SIBLINGS), ballots=ballots(*opened))


REQUESTED = event(
    "JobRequested",
    requester=TERMS.conditions.requester,
    terms=(condition_words(TERMS.conditions), TERMS.commit_by, TERMS.spec, TERMS.prompt_digest,
           TERMS.seed_commit),
)  # fmt: skip
COMMITTED = event(
    "JobCommitted", provider=PROVIDER, claim=(CLAIM.root, CLAIM.header, 4), turn=AWAITING
)
PANEL_DRAWN = event("PanelDrawn", turn=DRAWN, seed=SEED)
SEALED = [event("BallotsSealed", places=i, commitments=(COMMITMENTS[i],)) for i in (0, 1)]
FIRST_OPENED, ALL_OPENED = leaf_opened(0), leaf_opened(0, 1)
ROUND_ENDED = event("RoundEnded", round=ENDED, phase=Phase.JUDGED, turn=APPEALS)
CLOSED = event(
    "JobClosed", provider=PROVIDER, verdict=JobVerdict.INCONCLUSIVE, toProvider=1, toRequester=2,
    toAppellant=0,
)  # fmt: skip
WHOLE = [
    REQUESTED, COMMITTED, PANEL_DRAWN, *SEALED, FIRST_OPENED, ALL_OPENED, ROUND_ENDED, CLOSED,
]  # fmt: skip


def test_a_job_is_told_step_by_step():
    phases = [follow(WHOLE[:count], DOMAIN).phase for count in range(1, len(WHOLE) + 1)]
    assert phases == [Phase.REQUESTED, Phase.COMMITTED, *[Phase.DRAWN] * 5, Phase.JUDGED,
                      Phase.CLOSED]  # fmt: skip
    job = follow(WHOLE, DOMAIN)
    assert (job.id, job.terms, job.block, job.claim) == (JOB, TERMS, 7, CLAIM)
    assert job.deal.conditions.provider == PROVIDER
    assert job.outcome is not None
    assert (job.outcome.verdict, job.outcome.to_requester) == (JobVerdict.INCONCLUSIVE, 2)
    assert (job.past[0].panel, job.past[0].leaf) == (PANEL, LEAF)


def test_the_present_round_is_told_ballot_by_ballot():
    job = follow(WHOLE[:6], DOMAIN)
    assert (job.drawn.panel, job.drawn.leaf, job.seed) == (PANEL, LEAF, SEED)
    assert [entry.commitment for entry in job.sealed] == COMMITMENTS
    assert job.leaf is not None
    assert (job.leaf.code, [b.vote for b in job.opened]) == (CODE, [Vote.MATCH])
    again = follow([*WHOLE[:6], FIRST_OPENED, ALL_OPENED], DOMAIN)
    assert [(b.place, b.distance, b.vote) for b in again.opened] == [
        (0, 0, Vote.MATCH), (1, 8, Vote.MISMATCH),
    ]  # fmt: skip
    assert follow(WHOLE[:8], DOMAIN).sealed == ()


def test_ballots_that_were_sealed_at_once_stand_in_their_order():
    swapped = event("BallotsSealed", places=0x0001, commitments=tuple(COMMITMENTS[::-1]))
    job = follow([*WHOLE[:3], swapped], DOMAIN)
    assert [entry.place for entry in job.sealed] == [1, 0]
    assert [entry.commitment for entry in job.sealed] == COMMITMENTS[::-1]


def test_an_appeal_awaits_another_draw_and_is_heard_once():
    appealed = event("JobAppealed", appellant=APPELLANT, turn=AWAITING)
    job = follow([*WHOLE[:8], appealed], DOMAIN)
    assert (job.phase, job.trail.appellant) == (Phase.COMMITTED, APPELLANT)
    empty = event("RoundEnded", round=0, phase=Phase.JUDGED, turn=APPEALS)
    with pytest.raises(InputError, match="twice"):
        follow([*WHOLE[:8], appealed, empty, appealed], DOMAIN)


def test_a_withheld_leaf_counts_against_the_provider():
    votes = Vote.MISMATCH << 2 | Vote.MISMATCH
    withheld = DRAWN >> 40 << 40 | 1 << 6 | votes
    ended = event("RoundEnded", round=withheld, phase=Phase.JUDGED, turn=APPEALS)
    assert follow([*WHOLE[:5], ended], DOMAIN).standing is JobVerdict.WITHHELD
    with pytest.raises(InputError, match="vote, so"):
        follow([*WHOLE[:7], ended], DOMAIN)


def test_a_reclaimed_job_is_closed_without_verdict():
    job = follow([REQUESTED, event("JobReclaimed")], DOMAIN)
    assert (job.phase, job.provider) == (Phase.CLOSED, NOBODY)
    assert job.outcome is not None
    assert job.outcome.verdict is JobVerdict.NONE
    for ask in (lambda: job.deal, lambda: job.trail, lambda: job.frame):
        with pytest.raises(InputError, match="Nobody has committed"):
            ask()


@pytest.mark.parametrize("count", range(len(WHOLE)))
def test_no_event_but_one_that_changed_nothing_can_be_left_out(count):
    events = [*WHOLE[:count], *WHOLE[count + 1 :]]
    if WHOLE[count] is FIRST_OPENED:
        assert follow(events, DOMAIN) == follow(WHOLE, DOMAIN)
    elif count == len(WHOLE) - 1:
        assert follow(events, DOMAIN).phase is Phase.JUDGED
    else:
        with pytest.raises(InputError):
            follow(events, DOMAIN)


@pytest.mark.parametrize(
    ("place", "values"),
    [
        (0, {"terms": (*REQUESTED.values["terms"][:4], bytes(32))}),
        (1, {"claim": (CLAIM.root, CLAIM.header, 0)}),
        (1, {"jobId": JOB + 1}),
        (2, {"turn": DRAWN | 1 << 144}),
        (2, {"turn": SEALING}),
        (2, {"turn": DRAWN | 33 << 120}),
        (3, {"places": 2}),
        (3, {"places": 1}),
        (3, {"commitments": (COMMITMENTS[0], COMMITMENTS[1])}),
        (4, {"commitments": (bytes(32),)}),
        (5, {"ballots": ballots(0)[:1]}),
        (5, {"ballots": ballots(0)[::-1]}),
        (5, {"opening": (CONTENT, bytes(32), SIBLINGS)}),
        (6, {"opening": (bytes(32), CODE, SIBLINGS)}),
        (6, {"opening": (CONTENT, CODE, (bytes(32),))}),
        (6, {"ballots": ballots(0)}),
        (7, {"round": ENDED ^ 1}),
        (7, {"round": ENDED ^ 1 << 40}),
        (7, {"round": ENDED | 1 << 6}),
        (7, {"round": 0}),
        (7, {"phase": Phase.DRAWN}),
        (8, {"verdict": JobVerdict.ACCEPTED}),
        (8, {"provider": APPELLANT}),
    ],
)
def test_no_word_of_an_event_can_be_another(place, values):
    known = WHOLE[place]
    changed = replace(known, values=dict(known.values) | values)
    with pytest.raises(InputError):
        follow([*WHOLE[:place], changed, *WHOLE[place + 1 :]], DOMAIN)


def test_no_events_are_no_job():
    with pytest.raises(InputError, match="begins with"):
        follow([], DOMAIN)

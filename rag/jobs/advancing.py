"""Steps of a job that anybody may take once their time has come, so that no party can stall it."""

from __future__ import annotations

import time
from collections.abc import Callable

from chainrep.chain.client import Client
from chainrep.chain.devnet import DEVNET_CHAIN_IDS
from chainrep.chain.verification_jobs import VerificationJobs, overtaken
from chainrep.errors import CallRefused
from chainrep.protocol.job import Job
from chainrep.protocol.job_trail import Phase

NOT_YET = frozenset({"RoundNotReached", "NobodyToSit"})
"""Refusals of a draw that a later block may take."""
_TICK_SECONDS = 1.0


def advance(jobs: VerificationJobs, job: Job, private_key: bytes, patience: int = 0) -> bool:
    """Draw, time out or finalize if that could be done ``patience`` seconds ago; whether it was.

    Patience leaves it to whoever is paid for the job, and spends nothing on being second. Raises
    ChainError as of the calls; that somebody else did it first is no error.
    """
    now = jobs.client.now() - patience
    step: Callable[[Job, bytes], object] | None = None
    if job.phase is Phase.COMMITTED:
        if now >= job.drawn.end:
            step = jobs.time_out
        elif now >= job.drawn.end - jobs.rules.draw_time and jobs.beacon_ready(job.drawn):
            step = jobs.draw
    elif job.phase is Phase.DRAWN and now >= job.open_end(jobs.rules.open_time):
        step = jobs.time_out
    elif job.phase is Phase.JUDGED and now >= job.drawn.end:
        step = jobs.finalize
    return step is not None and taken(lambda: step(job, private_key))


def taken(step: Callable[[], object]) -> bool:
    """Take a step; False where the contract refused because the job has moved on."""
    try:
        step()
    except CallRefused as refusal:
        if not overtaken(refusal) and refusal.name not in NOT_YET:
            raise
        return False
    return True


def can_open(job: Job, now: int) -> bool:
    """Whether leaf and ballots of a drawn job may be opened: all sealed, or no time to seal."""
    return len(job.sealed) == len(job.drawn.panel) or now >= job.drawn.end


def tick(client: Client, private_key: bytes) -> None:
    """Make a block on a local test chain, whose time stands still while nothing is sent."""
    from eth_account import Account

    if client.chain_id in DEVNET_CHAIN_IDS and client.now() + _TICK_SECONDS <= time.time():
        client.send({"to": Account.from_key(private_key).address, "value": 0}, private_key)

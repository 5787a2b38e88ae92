"""What a drawn seat says of a leaf: its own code, or that it cannot tell, or that it disagrees."""

from __future__ import annotations

from dataclasses import dataclass

from chainrep.protocol.ballot import DISAGREE, NO_CODE
from chainrep.protocol.job import Job
from chainrep.protocol.job_terms import job_word, keeps_terms
from rag.jobs.disclosure import Disclosure
from rag.jobs.runner import Runner, same_model
from rag.lsh.receipts import header_flaws, length_flaw, promise_of, sampling_seed
from rag.lsh.verifier import Limits, Recomputed, recompute, sign_flaws, token_flaws


@dataclass(frozen=True, slots=True)
class Opinion:
    """The code to seal (NO_CODE abstains, DISAGREE is a mismatch anyhow), and why, in a word."""

    code: bytes
    why: str


def abstain(why: str) -> Opinion:
    """An opinion that is none."""
    return Opinion(NO_CODE, why)


def form_opinion(runner: Runner, shown: Disclosure, job: Job) -> Opinion:
    """Run what was shown of a job that was drawn, and say what to seal of its leaf.

    What was shown counts only as far as its digests stand on the chain: whoever answers at the
    provider's URL, or in between, could otherwise make an honest provider lose.
    """
    if reason := _unfit(runner, shown, job):
        return abstain(reason)
    if flaws := _broken_terms(runner, shown, job):
        return Opinion(DISAGREE, flaws[0])
    limits = runner.limits(shown.setting)
    if limits is None:
        return abstain(f"no calibration for {shown.setting} beside {runner.setting}")
    own = _recompute(runner, shown, job)
    if flaws := _wrong(shown, own, limits):
        return Opinion(DISAGREE, flaws[0])
    return Opinion(own.codes[job.drawn.leaf].tobytes(), "recomputed")


def _recompute(runner: Runner, shown: Disclosure, job: Job) -> Recomputed:
    words = shown.transcript
    seed = sampling_seed(words.salt, job_word(job.id))
    return recompute(runner.model, words.prompt, words.output, seed, shown.decode, runner.sketcher)


def _broken_terms(runner: Runner, shown: Disclosure, job: Job) -> list[str]:
    """What the provider bound itself to and should not have."""
    flaws = length_flaw(shown.transcript.output, shown.decode)
    if not keeps_terms(shown.header, job.id, job.terms):
        flaws.append("The receipt's header is not what the terms ask for.")
    if max(*shown.transcript.prompt, *shown.transcript.output) >= runner.model.vocabulary:
        flaws.append("A token is outside the model's vocabulary.")
    return flaws


def _wrong(shown: Disclosure, own: Recomputed, limits: Limits) -> list[str]:
    return [*sign_flaws(shown.header.sign_word, own.sign_word), *token_flaws(own, limits)]


def _unfit(runner: Runner, shown: Disclosure, job: Job) -> str:
    """Why nothing can be recomputed from what was shown; empty where it can."""
    header, claim = shown.header, job.deal.claim
    promise = promise_of(shown.model, shown.decode, runner.calibration)
    length = len(shown.transcript.prompt) + header.items
    device_parts = f"/{shown.model.dtype}/{shown.model.attention}"
    reasons = {
        "what the provider shows is not what it committed to": (
            header.digest == claim.header and header.leaf_count == claim.leaf_count
        ),
        "the receipt names another calibration than ours": (
            promise.calibration_id == header.calibration_id
        ),
        "the words shown are not those of the receipt": (
            not header_flaws(header, shown.transcript, promise, header.job)
        ),
        "the receipt is of another model than ours": same_model(runner.spec, shown.model),
        "the provider's setting is not its model's": shown.setting.endswith(device_parts),
        "prompt and answer are too long for our model": length <= runner.model.context,
        "its codes have another size than ours": (
            header.code_bytes * 8 == runner.sketcher.planes.bits
        ),
    }
    return next((reason for reason, fine in reasons.items() if not fine), "")

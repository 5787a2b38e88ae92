"""The drawn leaf once its provider opened it, with its proof, which seats need to open ballots."""

from __future__ import annotations

from hexbytes import HexBytes

from chainrep.chain.verification_jobs import VerificationJobs
from chainrep.errors import InputError
from chainrep.node.job_reader import JobReader
from chainrep.protocol.inference_receipt import LeafOpening
from chainrep.protocol.job import Job
from chainrep.protocol.receipt_tree import leaf_hash, leaf_proven, tree_depth
from rag.jobs.wire import bytes_in, dump_object, load_object

_MAX_BYTES = 16 * 1024


def dump_opening(opening: LeafOpening) -> bytes:
    """JSON; the siblings are joined."""
    return dump_object(
        {
            "content": opening.content,
            "code": opening.code.ljust(32, b"\0"),
            "siblings": b"".join(opening.siblings),
        }
    )


def load_opening(content: bytes, job: Job) -> LeafOpening:
    """Read an opening of the leaf that is drawn; raise InputError for anything else."""
    fields = load_object(content, _MAX_BYTES)
    joined = bytes_in(fields, "siblings", 32 * tree_depth(job.deal.claim.leaf_count))
    found = LeafOpening(
        job.drawn.leaf,
        bytes_in(fields, "content", 32),
        bytes_in(fields, "code", 32),
        tuple(joined[i : i + 32] for i in range(0, len(joined), 32)),
    )
    if not is_proven(found, job):
        raise InputError("What the provider shows is not the leaf that was drawn.")
    return found


def is_proven(opening: LeafOpening, job: Job) -> bool:
    """Whether it is the drawn leaf of what the provider committed to."""
    claim = job.deal.claim
    leaf = leaf_hash(claim.header, job.drawn.leaf, opening.content, opening.code)
    return leaf_proven(claim.root, leaf, job.drawn.leaf, claim.leaf_count, opening.siblings)


def opening_on_chain(jobs: VerificationJobs, reader: JobReader, job: Job) -> LeafOpening | None:
    """The opening as the transaction that showed the leaf brought it to the contract.

    None where a contract in between brought it: then only the provider can show the proof.
    """
    events = reader.news(job.block, reader.head())
    shown = [e for e in events if e.name == "LeafOpened" and e.values["jobId"] == job.id]
    for transaction in dict.fromkeys(event.transaction for event in reversed(shown)):
        found = _brought_by(jobs, transaction, job)
        if found is not None and is_proven(found, job):
            return found
    return None


def _brought_by(jobs: VerificationJobs, transaction: bytes, job: Job) -> LeafOpening | None:
    client = jobs.client
    sent = client.ask(lambda: client.w3.eth.get_transaction(HexBytes(transaction)))
    if sent.get("to") != jobs.contract.address:
        return None
    try:
        function, brought = jobs.contract.decode_function_input(sent["input"])
    except ValueError:
        return None
    if function.fn_name != "open":
        return None
    leaf = brought["opening"]
    siblings = tuple(bytes(sibling) for sibling in leaf["proof"])
    return LeafOpening(job.drawn.leaf, bytes(leaf["content"]), bytes(leaf["code"]), siblings)

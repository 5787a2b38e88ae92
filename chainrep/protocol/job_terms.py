"""A verification job's terms: what is asked for, what a provider binds itself to, and the job's id.

A job's id is the hash of its terms, the chain and the contract, so that a receipt whose header
names the job belongs to no other. Everything here is encoded as Solidity's ``abi.encode`` does it.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import is_checksum_address, to_checksum_address

from chainrep.errors import InputError
from chainrep.protocol.inference_receipt import InferenceReceipt, ReceiptHeader
from chainrep.protocol.keccak import keccak
from chainrep.protocol.receipt_tree import MAX_LEAVES, WORD_BYTES

ANYONE = "0x" + "00" * 20
"""The provider in terms to which anyone may commit."""
MAX_WEI = 2**96 - 1
MAX_THRESHOLD = 255
PLACES = 3
MAX_ROUNDS = 7
_MAX_UINT8, _MAX_TIME = 2**8 - 1, 2**40 - 1


@dataclass(frozen=True, slots=True)
class JobDomain:
    """The one VerificationJobs, on the one chain, that an id or a ballot is good for."""

    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """On what conditions a job is done; addresses with checksum, money in wei.

    An accepted job is paid ``price``; ``bond`` is what the provider puts up, at least the price,
    ``fee`` what a seat gets for a vote. Codes that differ in at most ``threshold`` bits match. A
    round has ``panel`` seats (1 to 3), and there are at most ``rounds`` (1 to 7) before an appeal.
    Matches must lead by ``accept_lead`` votes, of which there must be so many, mismatches by
    ``reject_lead``, which is 2 or more, and no more than there can be votes, an appeal included.
    Raises InputError for anything else.
    """

    requester: str
    provider: str
    price: int
    bond: int
    fee: int
    threshold: int
    panel: int
    rounds: int
    accept_lead: int
    reject_lead: int

    def __post_init__(self) -> None:
        for who in (self.requester, self.provider):
            if not isinstance(who, str) or not (who == ANYONE or is_checksum_address(who)):
                raise InputError("Requester and provider of a job are addresses with checksum.")
        if self.requester in {ANYONE, self.provider}:
            raise InputError("A job has a requester, who is not its provider too.")
        _check("price", self.price, 0, MAX_WEI)
        _check("bond", self.bond, self.price, MAX_WEI)
        _check("fee", self.fee, 0, MAX_WEI)
        _check("threshold", self.threshold, 0, MAX_THRESHOLD)
        _check("panel", self.panel, 1, PLACES)
        _check("number of rounds", self.rounds, 1, MAX_ROUNDS)
        _check("accept lead", self.accept_lead, 1, self.panel * self.rounds)
        _check("reject lead", self.reject_lead, 2, self.panel * (self.rounds + 1))

    @property
    def cost(self) -> int:
        """What a requester pays in, in wei: the price, and the fees of all rounds."""
        return self.price + self.fee * self.panel * self.rounds

    @property
    def appeal_cost(self) -> int:
        """What an appellant pays in, in wei: as much as the bond, and the fees of one round."""
        return self.bond + self.fee * self.panel


@dataclass(frozen=True, slots=True)
class Terms:
    """What a requester asks for; words have 32 bytes, ``commit_by`` is in Unix seconds.

    ``spec`` is as of `spec_digest`, ``prompt_digest`` and ``seed_commit`` as in the receipt's
    header. Raises InputError for anything else.
    """

    conditions: Conditions
    commit_by: int
    spec: bytes
    prompt_digest: bytes
    seed_commit: bytes

    def __post_init__(self) -> None:
        _check("time to commit by", self.commit_by, 0, _MAX_TIME)
        _check_words(self.spec, self.prompt_digest, self.seed_commit)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a provider binds itself to: its receipt's root, header digest and number of leaves."""

    root: bytes
    header: bytes
    leaf_count: int

    def __post_init__(self) -> None:
        _check_words(self.root, self.header)
        _check("number of leaves", self.leaf_count, 1, MAX_LEAVES)


@dataclass(frozen=True, slots=True)
class Deal:
    """What stands once a provider committed: conditions with that provider in them, its claim."""

    conditions: Conditions
    claim: Claim


def claim_of(receipt: InferenceReceipt) -> Claim:
    """What a provider commits to by a receipt."""
    return Claim(receipt.root, receipt.header.digest, receipt.header.leaf_count)


def spec_digest(model_spec: bytes, decode_spec: bytes, calibration_id: bytes) -> bytes:
    """keccak256(model_spec || decode_spec || calibration_id), of 32 bytes each."""
    _check_words(model_spec, decode_spec, calibration_id)
    return keccak(model_spec + decode_spec + calibration_id)


def keeps_terms(header: ReceiptHeader, job: int, terms: Terms) -> bool:
    """Whether a receipt's header is of this job, and says what its terms ask for."""
    spec = spec_digest(header.model_spec, header.decode_spec, header.calibration_id)
    return (header.job, spec, header.prompt_digest, header.seed_commit) == (
        job_word(job), terms.spec, terms.prompt_digest, terms.seed_commit,
    )  # fmt: skip


def job_id(terms: Terms, domain: JobDomain) -> int:
    """keccak256(abi.encode(chain id, contract, terms)) as a number."""
    words = (domain.chain_id, domain.contract, *condition_words(terms.conditions), terms.commit_by)
    digests = (terms.spec, terms.prompt_digest, terms.seed_commit)
    return int.from_bytes(keccak(encode_words(*words, *digests)))


def job_word(job: int) -> bytes:
    """A job's id as the 32 bytes that stand in a receipt's header."""
    if not 0 < job < 1 << 256:
        raise InputError("A job's id is a number of 256 bits, and not zero.")
    return job.to_bytes(WORD_BYTES)


def condition_words(conditions: Conditions) -> tuple[int, int, int]:
    """The conditions as the contract has them: requester, provider and votes, a word each.

    The first two are an address (160 bits) above what it puts up (96). The third holds, from high
    to low, fee (96), threshold (16), panel, rounds and the two leads (8 each).
    """
    votes = 0
    for size, value in (
        (96, conditions.fee), (16, conditions.threshold), (8, conditions.panel),
        (8, conditions.rounds), (8, conditions.accept_lead), (8, conditions.reject_lead),
    ):  # fmt: skip
        votes = votes << size | value
    return (
        int(conditions.requester, 16) << 96 | conditions.price,
        int(conditions.provider, 16) << 96 | conditions.bond,
        votes,
    )


def read_conditions(requester: int, provider: int, votes: int) -> Conditions:
    """Read the three words back; raise InputError for what no contract takes."""
    parts = (0xFFFF & votes >> 32, *(0xFF & votes >> low for low in (24, 16, 8, 0)))
    return Conditions(
        to_checksum_address((requester >> 96).to_bytes(20)),
        to_checksum_address((provider >> 96).to_bytes(20)),
        requester & MAX_WEI,
        provider & MAX_WEI,
        votes >> 48,
        *parts,
    )


def deal_words(deal: Deal) -> tuple[int | str | bytes, ...]:
    """The deal's fields in the contract's order."""
    claim = deal.claim
    return (*condition_words(deal.conditions), claim.root, claim.header, claim.leaf_count)


def encode_words(*values: int | str | bytes) -> bytes:
    """``abi.encode`` of numbers, addresses and words: 32 bytes each."""
    return b"".join(map(_word, values))


def _word(value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(WORD_BYTES)
    return value if isinstance(value, bytes) else bytes.fromhex(value[2:]).rjust(WORD_BYTES, b"\0")


def _check(name: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise InputError(f"A job's {name} lies in {low}..{high}, not at {value!r:.80}.")


def _check_words(*words: bytes) -> None:
    if not all(isinstance(word, bytes) and len(word) == WORD_BYTES for word in words):
        raise InputError("A digest in a job's terms or claim has 32 bytes.")

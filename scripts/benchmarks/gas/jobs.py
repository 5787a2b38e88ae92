"""What a job costs, from the request to the terminal verdict: a panel of three that all match."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from eth_account import Account
from hexbytes import HexBytes
from web3.contract import Contract
from web3.logs import DISCARD

from chainrep.chain.artifact import load_artifact
from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.errors import ChainrepError
from chainrep.protocol.receipt_tree import leaf_hash, prove_leaf, tree_root
from scripts.benchmarks.gas.chain import OWNER, PROPOSER, ROOT, SOURCE_OWNER, member_keys
from scripts.benchmarks.gas.ledger import HOUR, NOBODY, deploy
from scripts.benchmarks.gas.peer import compile_contract
from scripts.benchmarks.gas.proof import let_pass

HARNESS = "tests/contracts/libraries/HammingGas.sol"
PAIRS = 100
VERIFIERS = 40
LEAVES, LONG = 4, 64
"""Receipts of 128 and of 2,048 tokens."""
SALT_BYTES = 16

DAY = 24 * HOUR
PHASE_SECONDS = 120
NOTICE = DAY
SINK = "0x000000000000000000000000000000000000dEaD"
SEAT_BOND, FINE = 10**17, 10**16
PRICE, BOND, FEE = 2 * 10**15, 5 * 10**15, 10**14
JOB_RULES = (NOBODY, SINK, SEAT_BOND, FINE, FEE, *(PHASE_SECONDS,) * 4, NOTICE)
THRESHOLD, PANEL, LEAD = 38, 3, 3
ACCEPTED = 1
REQUESTER, PROVIDER, RELAYER = SOURCE_OWNER, PROPOSER, OWNER
NOISE = (2**9 - 1).to_bytes(32)
"""What a verifier's code differs by."""


class JobsUnderTest:
    """A jobs contract with a seat for each of many verifiers, and jobs that are accepted."""

    def __init__(
        self, client: Client, verifiers: int = VERIFIERS, leaf_count: int = LEAVES
    ) -> None:
        self.client = client
        self.leaf_count = leaf_count
        self.rng = random.Random(0)  # noqa: S311 (repeatable, not secret)
        self.contract: Contract = deploy(client, load_artifact("VerificationJobs"), JOB_RULES)
        self.keys = member_keys(verifiers)
        self.seat_gas = [self._take_seat(owner) for owner in self.keys]

    def run(self, rounds: int = 1) -> Mapping[str, int]:
        """Gas of each transaction of a job of so many rounds at most, decided in the first."""
        functions, gas = self.contract.functions, {}
        conditions = (
            _party(REQUESTER.address, PRICE),
            _party(NOBODY, BOND),
            FEE << 48 | THRESHOLD << 32 | PANEL << 24 | rounds << 16 | LEAD << 8 | LEAD,
        )
        digests = [self.rng.randbytes(32) for _ in range(3)]
        terms = (conditions, self.client.now() + DAY, *digests)
        job = functions.jobIdOf(terms).call()
        cost = functions.costOf(conditions).call()
        gas["request"] = self._send(functions.request(terms), REQUESTER.private_key, cost)

        header = self.rng.randbytes(32)
        leaves = [(self.rng.randbytes(32), self.rng.randbytes(32)) for _ in range(self.leaf_count)]
        hashes = [leaf_hash(header, i, *leaf) for i, leaf in enumerate(leaves)]
        claim = (tree_root(hashes), header, self.leaf_count)
        gas["commit"] = self._send(functions.commit(terms, claim), PROVIDER.private_key, BOND)
        turn = self._logged("JobCommitted")["turn"]
        deal = ((conditions[0], _party(PROVIDER.address, BOND), conditions[2]), claim)

        let_pass(self.client, PHASE_SECONDS // 4)
        gas["draw"] = self._send(functions.draw(job, deal, (NOBODY, turn, [])))
        drawn = self._logged("PanelDrawn")
        turn, seed = drawn["turn"], drawn["seed"]
        leaf = turn >> 40 & 0xFFFFFFFF
        seats = [turn >> 72 + 24 * place & 0xFFFFFF for place in range(PANEL)]
        if 0 in seats:
            raise ChainrepError("The draw found fewer than three seats: try again.")

        code = bytes(a ^ b for a, b in zip(leaves[leaf][1], NOISE, strict=True))
        salts = [self.rng.randbytes(SALT_BYTES).rjust(32, b"\0") for _ in seats]
        owners = [functions.seatOf(seat).call()[0] for seat in seats]
        sealed = [
            self._sealed(job, turn, seat, place, owner, salt, code)
            for place, (seat, owner, salt) in enumerate(zip(seats, owners, salts, strict=True))
        ]
        frame = functions.frameOf(job, deal, NOBODY, []).call()
        gas["seal"] = self._send(functions.seal(job, frame, turn, seed, owners, sealed))

        opening = (*leaves[leaf], prove_leaf(hashes, leaf))
        ballots = [(place, code, salt) for place, salt in enumerate(salts)]
        trail: tuple[str, int, list[int]] = (NOBODY, turn, [])
        gas["open"] = self._send(functions.open(job, deal, trail, opening, ballots))
        ended = self._logged("RoundEnded")
        let_pass(self.client, PHASE_SECONDS)
        trail = (NOBODY, ended["turn"], [ended["round"]])
        gas["finalize"] = self._send(functions.finalize(job, deal, trail))
        if self._logged("JobClosed")["verdict"] != ACCEPTED:
            raise ChainrepError("The job did not end as it should have.")
        return gas

    def _sealed(
        self, job: int, turn: int, seat: int, place: int, owner: str, salt: bytes, code: bytes
    ) -> tuple[Any, ...]:
        functions = self.contract.functions
        commitment = functions.commitmentOf(job, 0, seat, code, salt).call()
        digest = functions.ballotDigest(job, turn, seat, commitment).call()
        signature = Account.unsafe_sign_hash(digest, self.keys[owner])
        odd = (signature.v - 27) << 255
        return (place, commitment, signature.r.to_bytes(32), (odd | signature.s).to_bytes(32))

    def _take_seat(self, owner: str) -> int:
        funds = {"to": owner, "value": 2 * SEAT_BOND}
        self.client.send(funds, OWNER.private_key)
        return self._send(self.contract.functions.takeSeat(), self.keys[owner], SEAT_BOND)

    def _send(self, function: Any, key: bytes = RELAYER.private_key, value: int = 0) -> int:
        receipt = self.client.send({**call_to(function), "value": value}, key)
        self.latest = receipt.hash
        return receipt.gas_used

    def _logged(self, event: str) -> Mapping[str, Any]:
        receipt = self.client.w3.eth.get_transaction_receipt(HexBytes(self.latest))
        (log,) = self.contract.events[event]().process_receipt(receipt, errors=DISCARD)
        return log["args"]  # type: ignore[no-any-return]


def figures(client: Client, rounds: int, tick: Callable[[], object]) -> Mapping[str, Any]:
    """`job_3_verifiers_gas` is of all six transactions of a job that one round decides, of a
    receipt of 128 tokens; where its terms allow more rounds, fees come back, in 5,000 gas more.
    """
    jobs = JobsUnderTest(client)
    one, more = job_gas(jobs, rounds, 1, tick), job_gas(jobs, rounds, 4, tick)
    long = job_gas(JobsUnderTest(client, leaf_count=LONG), rounds, 1, tick)
    return {
        "job_3_verifiers_gas": sum(one.values()),
        "job_gas": {"one_round": one, "up_to_four_rounds": more, "of_2048_tokens": long},
        "hamming_256_gas": hamming_gas(client, tick),
    }


def job_gas(
    jobs: JobsUnderTest, jobs_run: int, rounds: int, tick: Callable[[], object]
) -> Mapping[str, int]:
    """Gas of each transaction of a job, the median of several; balances were credited before."""
    found = []
    for _ in range(1 + jobs_run):
        found.append(jobs.run(rounds))
        tick()
    return {name: round(median(gas[name] for gas in found[1:])) for name in found[0]}


def hamming_gas(client: Client, tick: Callable[[], object]) -> int:
    """The most gas that one distance of 256 bits took, of many, each of them checked."""
    contract = deploy(client, compile_contract(ROOT, HARNESS, "HammingGas"))
    rng, most = random.Random(0), 0  # noqa: S311 (repeatable, not secret)
    for _ in range(PAIRS):
        a, b = rng.randbytes(32), rng.randbytes(32)
        gas, distance = contract.functions.gasOf(a, b).call()
        if distance != (int.from_bytes(a) ^ int.from_bytes(b)).bit_count():
            raise ChainrepError("The contract counts other bits than Python.")
        most = max(most, gas)
        tick()
    return most


def _party(account: str, amount: int) -> int:
    return int(account, 16) << 96 | amount

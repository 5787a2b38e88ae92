"""The seats from which panels of verifiers are drawn, and what everybody is owed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

from chainrep.chain.address_book import Deployment
from chainrep.chain.binding import bind, call_to, logs_in
from chainrep.chain.client import Client, Receipt
from chainrep.errors import InputError, NotDeployed
from chainrep.protocol.job_terms import PLACES, JobDomain
from chainrep.protocol.job_trail import NOBODY, Turn

Sender = Callable[[Mapping[str, Any], bytes], Receipt]
"""Signs a call with a private key, and carries it, as `Client.send` does."""
Block = int | Literal["latest"]
MAX_SEAT = 2**24 - 1


@dataclass(frozen=True, slots=True)
class JobRules:
    """What a deployment is bound to for good; times in seconds, money in wei.

    A panel can be drawn for ``draw_time``, its seats can seal for ``seal_time`` after that, the
    leaf be opened for ``open_time`` after that and ballots as long again, a verdict be appealed
    for ``appeal_time``.
    A seat costs ``seat_bond``; a lapse, or a vote against the verdict, costs it ``fine``, which
    ``sink`` is owed. A vote is paid ``least_fee`` at least. One that left gets the rest after
    ``notice``.
    """

    beacon: str
    sink: str
    seat_bond: int
    fine: int
    least_fee: int
    draw_time: int
    seal_time: int
    open_time: int
    appeal_time: int
    notice: int


@dataclass(frozen=True, slots=True)
class Seat:
    """Who holds a seat, and its balance in wei; ``free_at`` (Unix s) is 0 until it left."""

    owner: str
    balance: int
    free_at: int


class VerifierSeats:
    """The part of VerificationJobs that is about seats and money; every call's sender pays for it.

    All calls raise ChainError, and CallRefused where the contract refuses.
    """

    def __init__(self, client: Client, deployment: Deployment) -> None:
        if not deployment.verification_jobs:
            raise NotDeployed(
                f"This deployment on chain {deployment.chain_id} has no verification jobs: it was"
                " made by an earlier version.",
                "`chainrep deploy --again` makes new contracts, with them.",
            )
        self.client = client
        self.contract = bind(client, "VerificationJobs", deployment.verification_jobs)
        self.domain = JobDomain(client.chain_id, deployment.verification_jobs)
        self.first_block = deployment.block
        self._send: Sender = client.send

    def via(self, send: Sender) -> Self:
        """The same contract, whose calls are sent, and waited for, by another sender."""
        other = copy(self)
        other._send = send
        return other

    @cached_property
    def rules(self) -> JobRules:
        """The deployment's rules, which never change."""
        return JobRules(*self.client.ask(self.contract.functions.rules().call))

    def take_seat(self, private_key: bytes) -> tuple[int, Receipt]:
        """Take a seat with the bond that the rules name; the seat."""
        call = self.contract.functions.takeSeat()
        receipt = self._call(call, private_key, self.rules.seat_bond)
        (log,) = logs_in(self.client, self.contract.events.SeatTaken(), receipt.hash)
        return int(log["args"]["seat"]), receipt

    def top_up(self, seat: int, amount: int, private_key: bytes) -> Receipt:
        """Add to a seat's balance, in wei."""
        call = self.contract.functions.topUp(_seat_number(seat))
        return self._call(call, private_key, amount)

    def leave_seat(self, seat: int, private_key: bytes) -> Receipt:
        """Take a seat off the list: one's own, or one that holds less than half its bond."""
        call = self.contract.functions.leaveSeat(_seat_number(seat), self._position_of(seat))
        return self._call(call, private_key)

    def collect(self, seat: int, private_key: bytes) -> Receipt:
        """Move what a seat holds above its bond, or after its notice all, to what one is owed."""
        return self._call(self.contract.functions.collect(_seat_number(seat)), private_key)

    def withdraw(self, to: str, private_key: bytes) -> Receipt:
        """Take out all that the key's account is owed."""
        return self._call(self.contract.functions.withdraw(to), private_key)

    def seat(self, seat: int) -> Seat:
        """What is known of a seat; zeros for one never taken."""
        return Seat(*self._read(self.contract.functions.seatOf(_seat_number(seat))))

    def owners(self, turn: Turn) -> Sequence[str]:
        """Who holds the seats at the three places of a drawn turn; NOBODY where none is."""
        owners = [self.seat(seat).owner for seat in turn.panel]
        return owners + [NOBODY] * (PLACES - len(owners))

    def seat_count(self) -> tuple[int, int]:
        """How many seats stand in the list, and how many were ever taken."""
        sitting, taken = self._read(self.contract.functions.seatCount())
        return int(sitting), int(taken)

    def owed(self, account: str) -> int:
        """What an account can withdraw, in wei."""
        return int(self._read(self.contract.functions.owedTo(account)))

    def _position_of(self, seat: int) -> int:
        """Where a seat stands: at its own number, or lower, once others before it left."""
        for position in range(min(seat, self.seat_count()[0]), 0, -1):
            if self._read(self.contract.functions.seatAt(position)) == seat:
                return position
        raise InputError(f"Seat {seat} is not in the list: it left, or was never taken.")

    def _read(self, function: Any, block: Block = "latest") -> Any:
        return self.client.ask(lambda: function.call(block_identifier=block))

    def _call(self, function: Any, private_key: bytes, value: int = 0) -> Receipt:
        return self._send(dict(call_to(function)) | {"value": value}, private_key)


def _seat_number(seat: int) -> int:
    if type(seat) is not int or not 0 < seat <= MAX_SEAT:
        raise InputError(f"A seat is a number from 1 to {MAX_SEAT:,}.")
    return seat

"""One connection to one chain: signing, sending, waiting, and errors a person can act on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import requests
from eth_abi.exceptions import DecodingError
from eth_account import Account
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import (
    ContractCustomError,
    ContractLogicError,
    TransactionNotFound,
    Web3Exception,
)
from web3.providers.base import BaseProvider

from chainrep.chain.failover import FailoverProvider
from chainrep.chain.fees import GWEI, MAX_TIP, MAX_TRANSACTION_GAS, Fees, fees_at
from chainrep.chain.refusal import explain_revert
from chainrep.chain.signed_transaction import SignedTransaction
from chainrep.chain.url_standing import UrlHealth
from chainrep.errors import (
    CallRefused,
    ChainError,
    ChainUnreachable,
    FalseAnswer,
    TransactionLost,
)

MINED_SECONDS = 120.0
FAILED_IN_BLOCK = "FailedInBlock"
_POLL_SECONDS = 0.05
_POLL_GROWTH = 1.5
_POLL_MAX_SECONDS = 2.0
_GAS_MARGIN_PERCENT = 120

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction; ``fee`` is in wei."""

    hash: bytes
    succeeded: bool
    block: int
    gas_used: int
    fee: int
    contract: str | None


class Client:
    """A chain that answered, with the id and the genesis block it answered with."""

    def __init__(self, provider: BaseProvider, label: str) -> None:
        self.w3 = Web3(provider)
        self._label = label
        self._failover = provider if isinstance(provider, FailoverProvider) else None
        if self._failover:
            identity = self._failover.identity()
            self.chain_id, self.genesis = identity.chain_id, identity.genesis
        else:
            self.chain_id = self.ask(lambda: self.w3.eth.chain_id)
            self.genesis = "0x" + self.ask(lambda: self.w3.eth.get_block(0))["hash"].hex()

    @property
    def label(self) -> str:
        """Which chain this is, for people: of several URLs the one that answered last, in part."""
        return self._failover.label if self._failover else self._label

    def switch_rpc(self, reason: str) -> bool:
        """Ask another URL for a while, the one that answered this thread last being found wanting.

        ``reason`` is shown in its health. False, and nothing changed, where there is no other.
        """
        return self._failover is not None and self._failover.switch(reason)

    def rpc_health(self) -> Sequence[UrlHealth]:
        """How every RPC URL stands; empty for a chain in this process."""
        return self._failover.health() if self._failover else ()

    def ask(self, question: Callable[[], T]) -> T:
        """Run one request; raise ChainUnreachable, CallRefused or ChainError where it fails."""
        try:
            return question()
        except ContractCustomError as error:
            raise explain_revert(cast(str | None, error.data)) from error
        except ContractLogicError as error:
            raise CallRefused(f"The contract refused the call: {error.message}.") from error
        except (requests.RequestException, OSError) as error:
            raise ChainUnreachable(
                f"No chain answers at {self.label}.",
                "Start one with `chainrep devnet start`, or give another URL with --rpc.",
            ) from error
        except (Web3Exception, ValueError) as error:
            raise ChainError(f"The chain at {self.label} failed: {_short(error)}.") from error
        except (DecodingError, TypeError, LookupError, AttributeError) as error:
            # web3 takes the form of an answer for granted, and stumbles over another one.
            raise FalseAnswer(
                f"The chain at {self.label} gave an answer of no known form ({_short(error)})."
            ) from error

    def now(self) -> int:
        """The latest block's time, in Unix seconds."""
        return int(self.ask(lambda: self.w3.eth.get_block("latest")["timestamp"]))

    def balance(self, address: str) -> int:
        """An account's balance in wei."""
        checksummed = self.w3.to_checksum_address(address)
        return int(self.ask(lambda: self.w3.eth.get_balance(checksummed)))

    def market_fees(self) -> Fees:
        """What the newest block's base fee and the server's suggested tip come to.

        Raises FalseAnswer for a tip that nobody pays.
        """
        latest = self.ask(lambda: self.w3.eth.get_block("latest"))
        return fees_at(latest.get("baseFeePerGas", GWEI), self.tip())

    def tip(self) -> int:
        """What the server suggests to give the block's builder, in wei per gas."""
        tip = int(self.ask(lambda: self.w3.eth.max_priority_fee))
        if not 0 <= tip <= MAX_TIP:
            raise FalseAnswer(f"The chain at {self.label} suggests a tip of {tip:,} wei per gas.")
        return tip

    def account_nonce(self, address: str, state: Literal["latest", "pending"] = "latest") -> int:
        """How many transactions of an account were mined, or mined and waiting."""
        checksummed = self.w3.to_checksum_address(address)
        return int(self.ask(lambda: self.w3.eth.get_transaction_count(checksummed, state)))

    def sign(
        self,
        call: Mapping[str, Any],
        private_key: bytes,
        fees: Fees | None = None,
        nonce: int | None = None,
    ) -> SignedTransaction:
        """Complete a call with gas, EIP-1559 fees and the account's next nonce, and sign it.

        A call's ``spareGas``, which is no field of a transaction, is what it may need beyond the
        estimate, because that depends on the block. Raises CallRefused when the contract would
        revert, which costs nothing to find out here.
        """
        sender = Account.from_key(private_key).address
        base = dict(call) | {"from": sender, "chainId": self.chain_id}
        spare = int(base.pop("spareGas", 0))
        gas = spare + self.ask(lambda: self.w3.eth.estimate_gas(cast(Any, base)))
        offer = fees or self.market_fees()
        rest = {
            "gas": min(gas * _GAS_MARGIN_PERCENT // 100, max(gas, MAX_TRANSACTION_GAS)),
            "nonce": self.account_nonce(sender, "pending") if nonce is None else nonce,
            "maxFeePerGas": offer.maximum,
            "maxPriorityFeePerGas": offer.tip,
            "value": base.get("value", 0),
        }
        signed = Account.sign_transaction({**base, **rest} | {"type": 2}, private_key)
        return SignedTransaction(bytes(signed.hash), bytes(signed.raw_transaction))

    def broadcast(self, transaction: SignedTransaction) -> None:
        """Send it; a chain that has it already is content, so sending twice is no error.

        Raises ChainError with the server's words where it does not take it.
        """
        try:
            self.ask(lambda: self.w3.eth.send_raw_transaction(HexBytes(transaction.raw)))
        except ChainUnreachable:
            raise
        except ChainError:
            if not self.ask(lambda: self._knows(transaction.hash)):
                raise

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt, or None while the transaction is not mined."""
        return self.ask(lambda: self._receipt(HexBytes(transaction_hash)))

    def wait(self, transaction_hash: bytes, seconds: float = MINED_SECONDS) -> Receipt:
        """Wait until it is mined; raise TransactionLost after ``seconds``."""
        deadline = time.monotonic() + seconds
        pause = _POLL_SECONDS
        while (receipt := self.receipt(transaction_hash)) is None:
            if time.monotonic() > deadline:
                raise TransactionLost(
                    f"Transaction 0x{transaction_hash.hex()} was not mined in {seconds:.0f} s.",
                    "It may still be: run the same command again, nothing is sent twice.",
                )
            time.sleep(pause)
            pause = min(pause * _POLL_GROWTH, _POLL_MAX_SECONDS)
        return receipt

    def send(self, call: Mapping[str, Any], private_key: bytes) -> Receipt:
        """Sign, broadcast and wait; raise CallRefused when the transaction failed on chain.

        It is named FAILED_IN_BLOCK then: the estimate had found nothing wrong.
        """
        transaction = self.sign(call, private_key)
        self.broadcast(transaction)
        receipt = self.wait(transaction.hash)
        if not receipt.succeeded:
            summary = f"Transaction 0x{receipt.hash.hex()} was mined but failed."
            raise CallRefused(summary, name=FAILED_IN_BLOCK)
        return receipt

    def _receipt(self, transaction_hash: HexBytes) -> Receipt | None:
        try:
            found = self.w3.eth.get_transaction_receipt(transaction_hash)
        except TransactionNotFound:
            return None
        return Receipt(
            hash=bytes(transaction_hash),
            succeeded=found["status"] == 1,
            block=found["blockNumber"],
            gas_used=found["gasUsed"],
            fee=found["gasUsed"] * found["effectiveGasPrice"],
            contract=found.get("contractAddress"),
        )

    def _knows(self, transaction_hash: bytes) -> bool:
        try:
            self.w3.eth.get_transaction(HexBytes(transaction_hash))
        except TransactionNotFound:
            return False
        return True


def connect(urls: str | Sequence[str], expected_chain_id: int | None = None) -> Client:
    """Connect to the JSON-RPC URLs of one chain, the first one preferred.

    Raises InputError for what is no HTTP URL, ChainUnreachable, or WrongChain.
    """
    provider = FailoverProvider([urls] if isinstance(urls, str) else urls, expected_chain_id)
    return Client(provider, provider.label)


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:200] + "…"

"""Every error chainrep raises on purpose, in one tree.

::

    ChainrepError
    ├── InputError            a value given by a user, a file or a peer is malformed
    │   ├── BatchTooLarge     more updates, or more evidence, than one batch may hold
    │   └── DuplicateFeedback the idempotency key is taken by different feedback
    ├── ConfigError           the home folder, an environment value or an extra is missing
    ├── KeystoreError         an encrypted key is missing, damaged or does not open
    ├── StoreError            the local database cannot be read or written
    │   ├── OutboxFull        too much feedback waits to be sent
    │   └── StoreBusy         another relayer sends the feedback of this store
    ├── EvidenceUnavailable   a server does not give the evidence that it should have
    ├── SignatureError        a signature is malformed or comes from the wrong key
    │   ├── SigningRefused    a committee member declines to sign, for a reason it gives
    │   └── QuorumNotMet      too few members of the committee signed
    ├── NotAuthorized         a request does not come from whoever may make it
    ├── EpochUnjudged         a root is pending that this node could not judge so far
    └── ChainError
        ├── ChainUnreachable  nothing answers at the RPC URL
        │   └── AskedTooMuch  a server is there, but its answer comes too late or is too large
        ├── WrongChain        another chain answers than the one expected
        ├── NotDeployed       no contract where the address book says there is one
        ├── UnknownSource     no source has this id
        ├── DuplicateSource   this owner already registered this URI
        ├── FalseAnswer       a server said what cannot be true
        ├── CallRefused       a contract refused the call, for a reason it names
        ├── BondMissing       the money for a bond is not there, or may not be put up
        └── TransactionLost   a transaction was not mined in time

A message is one sentence; ``remedy`` is a second one that says what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping


class ChainrepError(Exception):
    """An expected failure: ``summary`` says what is wrong, ``remedy`` what to do next."""

    exit_code = 1

    def __init__(self, summary: str, remedy: str = "") -> None:
        super().__init__(summary, remedy)
        self.summary = summary
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.summary} {self.remedy}".strip()


class InputError(ChainrepError):
    """A value given by a user, a file or a peer is malformed or out of range."""

    exit_code = 2


class BatchTooLarge(InputError):
    """A batch holds more updates, or a counter more evidence, than the ledger accepts."""


class DuplicateFeedback(InputError):
    """The idempotency key is already taken by feedback with other content."""


class ConfigError(ChainrepError):
    """The home folder, an environment value or an optional package is missing or wrong."""


class KeystoreError(ChainrepError):
    """An encrypted key is missing, damaged, or does not open with this passphrase."""


class StoreError(ChainrepError):
    """The local database cannot be opened, read or written."""


class EvidenceUnavailable(ChainrepError):
    """A server does not give the evidence that it should have, or not in an acceptable form."""


class OutboxFull(StoreError):
    """The outbox holds as much feedback as it may, and none of it has been sent."""


class StoreBusy(StoreError):
    """Another relayer holds the lease on this outbox."""


class SignatureError(ChainrepError):
    """A signature is malformed or was made by another key."""


class SigningRefused(SignatureError):
    """A committee member declines to sign a report, for the reason it gives.

    ``feedback`` is the id of the record that alone is the reason, if one is.
    """

    def __init__(self, summary: str, remedy: str = "", *, feedback: bytes | None = None) -> None:
        super().__init__(summary, remedy)
        self.feedback = feedback


class QuorumNotMet(SignatureError):
    """Too few members signed; with the feedback in ``refused``, by id, no quorum can be had."""

    def __init__(
        self, summary: str, remedy: str = "", *, refused: Mapping[bytes, str] | None = None
    ) -> None:
        super().__init__(summary, remedy)
        self.refused = dict(refused or {})


class NotAuthorized(ChainrepError):
    """A request does not come from whoever may make it, or not any more."""


class EpochUnjudged(ChainrepError):
    """A root of an epoch is pending, and this node could not judge it in half of its window."""


class ChainError(ChainrepError):
    """Something between this process and the contracts went wrong."""


class ChainUnreachable(ChainError):
    """Nothing answers at the RPC URL, or it does not speak Ethereum JSON-RPC."""


class AskedTooMuch(ChainUnreachable):
    """A server is there, but its answer comes too late or is too large: ask for less."""


class WrongChain(ChainError):
    """Another chain answers than the one that was expected."""


class NotDeployed(ChainError):
    """The address book knows no deployment, or there is no contract at its address."""


class UnknownSource(ChainError):
    """No source is registered under this id."""


class DuplicateSource(ChainError):
    """This owner has already registered this URI."""


class FalseAnswer(ChainError):
    """A server said something that cannot be true, or that the contracts contradict."""


class CallRefused(ChainError):
    """A contract refused a call; ``name`` and ``values`` are its custom error."""

    def __init__(
        self, summary: str, remedy: str = "", *, name: str = "", values: tuple[object, ...] = ()
    ) -> None:
        super().__init__(summary, remedy)
        self.name = name
        self.values = values


class BondMissing(ChainError):
    """The money for a bond is not there, or is not allowed to be put up."""


class TransactionLost(ChainError):
    """A transaction was sent but not mined before the timeout."""

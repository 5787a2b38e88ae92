"""The open lane: what anyone says of sources and of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrep.chain.address_book import Deployment
from chainrep.chain.binding import bind, call_to
from chainrep.chain.client import Client, Receipt
from chainrep.errors import InputError
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.types import ScoreUpdate
from chainrep.protocol.vouch import pack_vouches

MAX_ENTRIES = 2_000


class FeedbackLog:
    """Rating sources and vouching for accounts, in one's own name."""

    def __init__(self, client: Client, deployment: Deployment) -> None:
        self.client = client
        self.contract = bind(client, "FeedbackLog", deployment.feedback_log)

    def rate(self, updates: Sequence[ScoreUpdate], private_key: bytes) -> Receipt:
        """Rate sources, ids ascending: at most 2,000 in one transaction.

        Raises InputError, UnknownSource, and CallRefused where the gate gives the key's account no
        weight.
        """
        _check_count(len(updates))
        call = call_to(self.contract.functions.rate(pack_updates(updates)))
        return self.client.send(call, private_key)

    def vouch(self, weights: Mapping[str, int], private_key: bytes) -> Receipt:
        """Vouch for accounts, or warn of them: hundredths by address, at most 2,000.

        A later vouch for the same account replaces an earlier one. Raises InputError, and
        CallRefused where the gate gives the key's account no weight, or for a vouch of oneself.
        """
        _check_count(len(weights))
        call = call_to(self.contract.functions.vouch(pack_vouches(weights)))
        return self.client.send(call, private_key)

    def log(self) -> tuple[int, int]:
        """How many entries there are, and the rolling hash over them."""
        entries, history = self.client.ask(self.contract.functions.log().call)
        return int(entries), int(history)


def _check_count(count: int) -> None:
    if not 0 < count <= MAX_ENTRIES:
        raise InputError(f"One transaction carries 1 to {MAX_ENTRIES:,} entries, not {count:,}.")

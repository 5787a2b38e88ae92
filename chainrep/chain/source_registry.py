"""Who the sources are, as the registry contract and its events tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eth_account import Account

from chainrep.chain.address_book import Deployment
from chainrep.chain.binding import bind, call_to, logs_in, logs_of
from chainrep.chain.client import Client, Receipt
from chainrep.protocol.rotation import Rotation, sign_rotation

_RETIRED = 2
ROTATION_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Source:
    """A registered source; ``registered_at`` is in Unix seconds."""

    id: int
    owner: str
    uri: str
    registered_at: int
    retired: bool = False


class SourceRegistry:
    """Registering, looking up, handing over and retiring sources."""

    def __init__(self, client: Client, deployment: Deployment) -> None:
        self.client = client
        self.contract = bind(client, "SourceRegistry", deployment.source_registry)
        self.first_block = deployment.block

    def register(self, uri: str, private_key: bytes) -> tuple[int, Receipt]:
        """Register a URI for the key's account; return the new source id.

        Raises DuplicateSource when this account has registered it before.
        """
        call = call_to(self.contract.functions.register(uri))
        receipt = self.client.send(call, private_key)
        (log,) = logs_in(self.client, self.contract.events.SourceRegistered(), receipt.hash)
        return int(log["args"]["id"]), receipt

    def rotate(
        self, source: int, old_key: bytes, new_key: bytes, sender_key: bytes | None = None
    ) -> Receipt:
        """Hand a source from the old key's account to the new key's; both sign.

        The new key's account pays unless ``sender_key`` is given. Raises CallRefused when the old
        key is not the owner's or the source is retired, and UnknownSource.
        """
        _, _, _, rotations = self.client.ask(self.contract.functions.sourceOf(source).call)
        rotation = Rotation(
            source=source,
            old_owner=str(Account.from_key(old_key).address),
            new_owner=str(Account.from_key(new_key).address),
            rotations=rotations,
            deadline=self.client.now() + ROTATION_SECONDS,
        )
        place = (self.client.chain_id, self.contract.address)
        function = self.contract.functions.rotate(
            source,
            rotation.new_owner,
            rotation.deadline,
            sign_rotation(rotation, *place, old_key),
            sign_rotation(rotation, *place, new_key),
        )
        return self.client.send(call_to(function), sender_key or new_key)

    def retire(self, source: int, private_key: bytes) -> Receipt:
        """Retire a source for good; raise CallRefused unless the key is its owner's."""
        return self.client.send(call_to(self.contract.functions.retire(source)), private_key)

    def count(self) -> int:
        """How many sources are registered; their ids are 1 to this number."""
        return int(self.client.ask(self.contract.functions.sourceCount().call))

    def source(self, source: int) -> Source:
        """One source; raise UnknownSource."""
        found = self.client.ask(self.contract.functions.sourceOf(source).call)
        owner, registered_at, status, _ = found
        event = self.contract.events.SourceRegistered()
        (log,) = logs_of(self.client, event, self.first_block, {"id": source})
        return Source(source, owner, log["args"]["uri"], registered_at, status == _RETIRED)

    def sources(self) -> list[Source]:
        """Every source, by id, rebuilt from the events: URIs are nowhere else."""
        found: dict[int, Source] = {}
        events = self.contract.events
        for log in logs_of(self.client, events.SourceRegistered(), self.first_block):
            args = log["args"]
            found[args["id"]] = Source(args["id"], args["owner"], args["uri"], args["time"])
        for log in logs_of(self.client, events.SourceRotated(), self.first_block):
            args = log["args"]
            found[args["id"]] = replace(found[args["id"]], owner=args["to"])
        for log in logs_of(self.client, events.SourceRetired(), self.first_block):
            found[log["args"]["id"]] = replace(found[log["args"]["id"]], retired=True)
        return [found[source] for source in sorted(found)]

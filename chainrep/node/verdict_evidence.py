"""What verdicts on the chain say of providers, as judgements for reputations.

A function of the contracts' events alone. Of a batch of the verdict ledger every member that signed
judges every provider in it, at the batch's time, by `VERDICT_AMOUNTS`: members are known by their
places in the committee that was in office at that place in the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge

from chainrep.errors import FalseAnswer, InputError
from chainrep.protocol.chain_event import ChainEvent
from chainrep.protocol.verdict import VERDICT_AMOUNTS, Judgement
from chainrep.protocol.verdict_batch import unpack_verdicts
from chainrep.store.events import Events

_CONTRACT = "VerdictLedger"
_NOT_WHOLE = "The index is not whole: `chainrep node run` reads it anew."


def verdict_judgements(events: Events, end: int) -> Iterator[Judgement]:
    """The judgements in the verdict ledger's batches before ``end`` (Unix s), in order.

    A provider that signed a verdict on itself is among its raters: nobody's word for himself
    counts, and it is the caller who knows. Raises FalseAnswer for events that cannot be whole.
    """
    members: Sequence[str] = ()
    changes = events.named("CommitteeChanged", _CONTRACT)
    batches = verdict_batches(events, end)
    for event in merge(changes, batches, key=lambda event: (event.block, event.log)):
        if event.name == "CommitteeChanged":
            members = event.values["members"]
            continue
        signers = _signers(event, members)
        try:
            verdicts = unpack_verdicts(event.values["verdicts"])
        except InputError as error:
            raise FalseAnswer(
                f"The verdicts of block {event.block} are not what the contract takes.", _NOT_WHOLE
            ) from error
        for entry in verdicts:
            amount = VERDICT_AMOUNTS[entry.verdict]
            if amount:
                yield Judgement(event.values["time"], signers, entry.provider, amount)


def verdict_batches(events: Events, end: int, first_block: int = 0) -> Iterator[ChainEvent]:
    """The batches of verdicts from a block on that were applied before ``end``, in order."""
    latest = 0
    for event in events.named("VerdictsApplied", _CONTRACT, first_block):
        time = event.values["time"]
        if time < latest:
            raise FalseAnswer(
                f"The verdicts of block {event.block} are older than those before them.", _NOT_WHOLE
            )
        if time >= end:
            return
        latest = time
        yield event


def _signers(event: ChainEvent, members: Sequence[str]) -> Sequence[bytes]:
    mask = event.values["signerMask"]
    if mask >> len(members):
        raise FalseAnswer(
            f"The verdicts of block {event.block} are signed by somebody who is no member.",
            _NOT_WHOLE,
        )
    return [bytes.fromhex(who[2:]) for i, who in enumerate(members) if mask >> i & 1]

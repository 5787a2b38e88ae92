"""Which bonds an account has lost, as the index shows it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chainrep.store.db import store_failure
from chainrep.store.events import Events

_CONTRACT = "ReputationRoots"
_BONDED = ("RootProposed", "RootChallenged")


def lost_bonds(events: Events, account: str, after_block: int = -1) -> Sequence[int]:
    """The epochs, ascending, decided after this block against the account; raise StoreError."""
    ours = bytes.fromhex(account.removeprefix("0x"))
    try:
        mine = {
            int.from_bytes(topics[:32])
            for name in _BONDED
            for _, _, topics, _ in events.encoded(name, _CONTRACT)
            if topics[-20:] == ours
        }
        return sorted(epoch for epoch in mine if _is_lost(events, epoch, ours, after_block))
    except sqlite3.DatabaseError as error:
        raise store_failure(error) from error


def _is_lost(events: Events, epoch: int, account: bytes, after_block: int) -> bool:
    names = (*_BONDED, "EpochReopened", "RootFinal")
    found = [event for name in names for event in events.about(name, epoch, epoch)]
    bonded: set[bytes] = set()
    for event in sorted(found, key=lambda event: (event.block, event.log)):
        if event.name == "EpochReopened":
            bonded.clear()  # both bonds went back
        elif event.name in _BONDED:
            bonded.add(event.topics[-20:])
        else:  # final, and the winner has it all
            lost = account in bonded and event.topics[-20:] != account
            return lost and event.block > after_block
    return False

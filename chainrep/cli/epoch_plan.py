"""What `chainrep node run --epochs` is to do, checked before anything is started."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from chainrep.cli.running_node import EpochPlan
from chainrep.errors import InputError
from chainrep.node.epochs import EpochPolicy
from chainrep.session import EPOCH_KEEPER, Session, sender_key

DEFAULT_BONDS = 4
MAX_URL = 200
"""The contract takes URIs of 256 bytes, and the path of an epoch's ratings has up to 40."""
_URL = re.compile(r"https?://[!-~]+", re.ASCII)


def plan_epochs(
    session: Session,
    pays: bool,
    proposes: bool,
    bond_key: str | None,
    max_bonds: int | None,
    public_url: str,
    confirmations: int | None,
    read_passphrase: Callable[[str], str],
    relayer_key: bytes | None,
    members: Mapping[str, str],
    resume_bonds: bool = False,
) -> EpochPlan:
    """The plan; ``pays``: put up bonds, ``max_bonds`` wei at most, to challenge or also to propose.

    ``members`` are asked to settle challenges, by the bond's key as their coordinator;
    ``resume_bonds``: put up bonds although some were lost.

    Raises InputError for options that do not go together, ConfigError where the deployment has no
    formula or no key was named, KeystoreError where it does not open.
    """
    roots = session.roots()
    session.formula(roots)  # refuses, now and not for ever, a deployment that has none
    limit = DEFAULT_BONDS * roots.rules.bond if max_bonds is None else max_bonds
    if public_url and (not _URL.fullmatch(public_url) or len(public_url) > MAX_URL):
        raise InputError(f"--public-url is no http(s) URL of at most {MAX_URL} plain characters.")
    policy = EpochPolicy(proposes, limit, public_url.rstrip("/"), resume_bonds)
    if not pays:
        if bond_key or max_bonds is not None or resume_bonds:
            raise InputError("--epochs serve puts up no bonds: leave out what is about them.")
        return EpochPlan(policy, None, confirmations)
    config = replace(session.config, key=bond_key)
    key = sender_key(config, session.client, read_passphrase, EPOCH_KEEPER)
    if key == relayer_key:
        raise InputError(
            "The relayer sends from the same account as --bond-key.",
            "Name another key: two senders take each other's nonces.",
        )
    needed = 2 if policy.propose else 1
    if limit < needed * roots.rules.bond:
        raise InputError(
            f"--max-bonds must be at least {needed} bonds of {roots.rules.bond} wei: proposals"
            " leave one for a challenge."
        )
    return EpochPlan(policy, key, confirmations, members)

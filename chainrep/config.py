"""The one reader of the environment: where state lives, and which chain to speak to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chainrep.errors import ConfigError

DEFAULT_RPC = "http://127.0.0.1:8545"


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one run; ``rpc`` is None where no URL was named, ``chain_id`` if any will do.

    Several RPC URLs of one chain are separated by commas. ``key`` names the keystore that signs.
    """

    home: Path
    rpc: str | None
    chain_id: int | None
    key: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the chain is expected to answer: the first, or the next ones when it does not."""
        return tuple(url for url in (self.rpc or DEFAULT_RPC).split(",") if url)

    @property
    def store(self) -> Path:
        """The SQLite store: outbox, batches, submissions."""
        return self.home / "store.sqlite"

    @property
    def evidence(self) -> Path:
        """The folder of evidence files, addressed by their root."""
        return self.home / "evidence"

    @property
    def epochs(self) -> Path:
        """The folder of reputation trees and ratings, one folder per deployment, files by epoch."""
        return self.home / "epochs"

    @property
    def keys(self) -> Path:
        """The folder of encrypted keystores."""
        return self.home / "keys"

    @property
    def devnet(self) -> Path:
        """The folder of the local chain that `chainrep devnet start` keeps."""
        return self.home / "devnet"

    @property
    def deployments(self) -> Path:
        """The folder of address books, one file per chain id."""
        return self.home / "deployments"


def read_config(
    home: str | None = None,
    rpc: str | None = None,
    chain_id: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Config:
    """Options win over CHAINREP_HOME, CHAINREP_RPC and CHAINREP_CHAIN_ID, those over defaults.

    CHAINREP_KEY names a keystore; no secret is ever read from the environment.
    """
    stated = environment.get("CHAINREP_CHAIN_ID")
    if chain_id is None and stated:
        if not stated.isdecimal():
            raise ConfigError(f"CHAINREP_CHAIN_ID is {stated!r}, which is no chain id.")
        chain_id = int(stated)
    folder = home or environment.get("CHAINREP_HOME") or "~/.chainrep"
    try:
        path = Path(folder).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"The home folder {folder!r} cannot be found ({error}).", "Choose one with --home."
        ) from error
    url = rpc or environment.get("CHAINREP_RPC") or None
    return Config(path, url, chain_id, environment.get("CHAINREP_KEY") or None)

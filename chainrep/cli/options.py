"""The options that commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from chainrep.cli.secret import passphrase_reader
from chainrep.config import Config, read_config

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
passphrase_option = click.option(
    "--passphrase-fd",
    type=click.IntRange(0),
    metavar="N",
    help="Read the passphrase as one line from file descriptor N [a prompt].",
)
confirmations_option = click.option(
    "--confirmations",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="How deep a batch must be to count as applied [12; 1 on a local test chain].",
)
max_fee_option = click.option(
    "--max-fee", metavar="GWEI", help="Send nothing above this price per gas."
)
_home_option = click.option(
    "--home", metavar="DIR", help="State folder [CHAINREP_HOME, else ~/.chainrep]."
)
_key_option = click.option(
    "--key",
    "key_name",
    metavar="NAME",
    help="Sign with this key of `chainrep keys` [CHAINREP_KEY, else a local chain's account].",
)


def home(command: F) -> Callable[..., Any]:
    """Add --home alone; the command receives it as ``config``."""

    @_home_option
    @functools.wraps(command)
    def with_config(*, home: str | None, **rest: object) -> object:
        return command(config=read_config(home), **rest)

    return with_config


def settings(command: F) -> Callable[..., Any]:
    """Add --home, --rpc and --chain-id; the command receives them as ``config``."""

    @_home_option
    @click.option("--rpc", metavar="URL", help="JSON-RPC [CHAINREP_RPC, else 127.0.0.1:8545].")
    @click.option("--chain-id", type=int, metavar="N", help="Refuse any other chain.")
    @functools.wraps(command)
    def with_config(
        *, home: str | None, rpc: str | None, chain_id: int | None, **rest: object
    ) -> object:
        return command(config=read_config(home, rpc, chain_id), **rest)

    return with_config


def named_key(command: F) -> Callable[..., Any]:
    """Add --key, below ``settings``; the command finds the name as ``config.key``."""

    @_key_option
    @functools.wraps(command)
    def with_key(*, config: Config, key_name: str | None, **rest: object) -> object:
        return command(config=replace(config, key=key_name or config.key), **rest)

    return with_key


def signing(command: F) -> Callable[..., Any]:
    """Add --key and --passphrase-fd, below ``settings``; the command also gets ``read_passphrase``.

    Both are meant for ``chainrep.session.sender_key``.
    """

    @named_key
    @passphrase_option
    @functools.wraps(command)
    def with_passphrase(*, passphrase_fd: int | None, **rest: object) -> object:
        return command(read_passphrase=passphrase_reader(passphrase_fd), **rest)

    return with_passphrase

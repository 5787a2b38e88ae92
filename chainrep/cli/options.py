"""The options that commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from chainrep.config import read_config

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def settings(command: F) -> Callable[..., Any]:
    """Add --home, --rpc and --chain-id; the command receives them as ``config``."""

    @click.option("--home", metavar="DIR", help="State folder [CHAINREP_HOME, else ~/.chainrep].")
    @click.option("--rpc", metavar="URL", help="JSON-RPC [CHAINREP_RPC, else 127.0.0.1:8545].")
    @click.option("--chain-id", type=int, metavar="N", help="Refuse any other chain.")
    @functools.wraps(command)
    def with_config(
        *, home: str | None, rpc: str | None, chain_id: int | None, **rest: object
    ) -> object:
        return command(config=read_config(home, rpc, chain_id), **rest)

    return with_config

"""The key of an OpenAI-compatible endpoint, as commands take it.

A file descriptor gives it, as it gives passphrases: an argument stands in the list of processes,
and what stands in the environment goes on to every program that is started.
"""

from __future__ import annotations

import click

from chainrep.cli.secret import read_secret
from chainrep.errors import InputError

OPTION = "--endpoint-key-fd"

endpoint_key_option = click.option(
    OPTION, type=click.IntRange(0), metavar="N",
    help="Read the endpoint's key as one line from file descriptor N [no key].",
)  # fmt: skip


def endpoint_key(descriptor: int | None) -> str | None:
    """Return the key that the descriptor gives, None without one.

    Raises InputError, which never shows it, for what is no line or does not fit into a header.
    """
    if descriptor is None:
        return None
    key = read_secret("The endpoint's key", descriptor, OPTION)
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"{OPTION} {descriptor} gives no printable ASCII text.")
    return key

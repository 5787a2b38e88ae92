"""Committee members on other machines, as ``--member ADDRESS=URL`` names them."""

from __future__ import annotations

import click

from chainrep.cli.address import read_address
from chainrep.errors import InputError

member_option = click.option(
    "--member", "members", multiple=True, metavar="ADDRESS=URL",
    help="A committee member (`chainrep committee serve`) to ask for its signature; repeat.",
)  # fmt: skip


def read_members(given: tuple[str, ...]) -> dict[str, str]:
    """URLs by address; raise InputError for what is not ADDRESS=URL, or names one twice."""
    return read_urls("--member", given)


def read_urls(option: str, given: tuple[str, ...]) -> dict[str, str]:
    """The same of any option that is repeated so."""
    urls: dict[str, str] = {}
    for text in given:
        address, found, url = text.partition("=")
        if not found or not url.startswith(("http://", "https://")):
            raise InputError(f"{option} {text[:80]!r} is not ADDRESS=URL.")
        member = read_address(option, address)
        if member in urls:
            raise InputError(f"{option} names {member} twice.")
        urls[member] = url
    return urls

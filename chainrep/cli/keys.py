"""``chainrep keys``: encrypted keys of one's own, to sign with on any chain."""

from __future__ import annotations

import click

from chainrep.cli.options import home, json_option, passphrase_option
from chainrep.cli.output import print_json, print_table
from chainrep.cli.secret import read_secret
from chainrep.config import Config
from chainrep.errors import InputError


@click.group(short_help="Make and list encrypted keys.")
def keys() -> None:
    """Make, import and list the encrypted keys that sign with `--key NAME`.

    A passphrase or a private key is typed unseen, or read from a file descriptor. It is never an
    argument, and no command prints a private key.
    """


@keys.command()
@click.argument("name")
@home
@passphrase_option
@json_option
def new(config: Config, name: str, passphrase_fd: int | None, as_json: bool) -> None:
    """Make a new random key and keep it encrypted."""
    from chainrep.chain.keystore import new_key

    _require_new(config, name)
    address = new_key(config.keys, name, _new_passphrase(name, passphrase_fd))
    _report(config, name, address, as_json)


@keys.command("import")
@click.argument("name")
@home
@click.option(
    "--key-fd",
    type=click.IntRange(0),
    metavar="N",
    help="Read the private key as one line of hex from file descriptor N [a prompt].",
)
@passphrase_option
@json_option
def import_(
    config: Config, name: str, key_fd: int | None, passphrase_fd: int | None, as_json: bool
) -> None:
    """Keep a private key that you have, encrypted.

    With the same number for --key-fd and --passphrase-fd, the key is the first line.
    """
    from chainrep.chain.keystore import import_key

    _require_new(config, name)
    typed = read_secret("Private key (hex)", key_fd, "--key-fd")
    try:
        private_key = bytes.fromhex(typed.strip().removeprefix("0x"))
    except ValueError:
        raise InputError("The private key is not hexadecimal.") from None
    passphrase = _new_passphrase(name, passphrase_fd)
    address = import_key(config.keys, name, private_key, passphrase)
    _report(config, name, address, as_json)


@keys.command("list")
@home
@json_option
def list_(config: Config, as_json: bool) -> None:
    """List the keys by name and address."""
    from chainrep.chain.keystore import list_keys

    found = list_keys(config.keys)
    if as_json:
        print_json([{"name": key.name, "address": key.address} for key in found])
    elif found:
        print_table(["name", "address"], [[key.name, key.address] for key in found])
    else:
        click.echo("There is no key yet: `chainrep keys new NAME`.")


@keys.command()
@click.argument("name")
@home
@json_option
def show(config: Config, name: str, as_json: bool) -> None:
    """Show a key's address and its encrypted file."""
    from chainrep.chain.keystore import stored_key

    key = stored_key(config.keys, name)
    if as_json:
        print_json({"name": key.name, "address": key.address, "file": str(key.path)})
    else:
        print_table(["key", key.name], [["address", key.address], ["file", key.path]])


def _new_passphrase(name: str, descriptor: int | None) -> str:
    prompt = f"New passphrase of the key {name}"
    return read_secret(prompt, descriptor, "--passphrase-fd", confirm=True)


def _require_new(config: Config, name: str) -> None:
    """Say that a name will not do before anybody types a secret."""
    from chainrep.chain.keystore import key_path

    if key_path(config.keys, name).exists():
        raise InputError(f"There is a key {name!r} already.", "Choose another name.")


def _report(config: Config, name: str, address: str, as_json: bool) -> None:
    from chainrep.chain.keystore import key_path

    path = key_path(config.keys, name)
    if as_json:
        print_json({"name": name, "address": address, "file": str(path)})
    else:
        click.echo(f"Key {name}: {address}, encrypted in {path}.")
        click.echo("Keep a copy of that file and the passphrase: nobody can recover either.")

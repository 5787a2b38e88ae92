"""Encrypted private keys in a folder: one keystore file per name."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account

from chainrep.chain.keystore_file import damaged, read_keystore, write_keystore
from chainrep.errors import InputError, KeystoreError

MIN_PASSPHRASE, MAX_PASSPHRASE = 8, 1024
MAX_KEYS = 1_000
_NAME = re.compile(r"[a-z0-9-]{1,32}")
_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Of secp256k1: a private key lies in 1..order-1 (SEC 2, section 2.4.1)."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A keystore: its name, the address that it claims, and whether only its owner reads it."""

    name: str
    address: str
    path: Path
    private: bool


def new_key(folder: Path, name: str, passphrase: str, iterations: int | None = None) -> str:
    """Make a random key, keep it encrypted, and return its checksummed address.

    ``iterations`` is scrypt's n (default 2^18). Raises InputError for a name or a passphrase that
    will not do, KeystoreError where the name is taken or the folder cannot be written.
    """
    private_key = (secrets.randbelow(_ORDER - 1) + 1).to_bytes(32)
    return import_key(folder, name, private_key, passphrase, iterations)


def import_key(
    folder: Path, name: str, private_key: bytes, passphrase: str, iterations: int | None = None
) -> str:
    """Keep a private key (32 bytes) encrypted; otherwise like ``new_key``."""
    path = key_path(folder, name)
    if not MIN_PASSPHRASE <= len(passphrase) <= MAX_PASSPHRASE:
        raise InputError(f"A passphrase has {MIN_PASSPHRASE} to {MAX_PASSPHRASE} characters.")
    if not _is_key(private_key):
        raise InputError("That is no private key: 32 bytes, not zero, below the curve's order.")
    content = Account.encrypt(private_key, passphrase, kdf="scrypt", iterations=iterations)
    write_keystore(path, content)
    return str(Account.from_key(private_key).address)


def list_keys(folder: Path) -> Sequence[StoredKey]:
    """Every keystore in the folder, by name; raises KeystoreError for a damaged one."""
    names = sorted(path.stem for path in folder.glob("*.json") if _NAME.fullmatch(path.stem))
    if len(names) > MAX_KEYS:
        raise KeystoreError(f"{folder} holds more than {MAX_KEYS} keys.")
    return [stored_key(folder, name) for name in names]


def stored_key(folder: Path, name: str) -> StoredKey:
    """One keystore, unopened; raises KeystoreError where there is none or it is damaged."""
    path = key_path(folder, name)
    file = read_keystore(path)
    return StoredKey(name, file.address, path, file.private)


def unlock(folder: Path, name: str, passphrase: str) -> bytes:
    """The private key (32 bytes).

    Raises KeystoreError for a wrong passphrase, and for a file that is missing, damaged, or made
    to take more memory or time than an honest one.
    """
    path = key_path(folder, name)
    file = read_keystore(path)
    try:
        private_key = bytes(Account.decrypt(dict(file.content), passphrase))
    except ValueError:  # its form was checked, so it is the code over key and cipher that differs
        raise KeystoreError(
            f"The passphrase does not open the key {name!r}.",
            "Try again; nobody can recover a lost passphrase.",
        ) from None
    if not _is_key(private_key) or Account.from_key(private_key).address != file.address:
        raise damaged(path, "it holds another key than it says")
    return private_key


def key_path(folder: Path, name: str) -> Path:
    """Where a key of this name lies; raises InputError for what is no name."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name[:40]!r} is no name of a key: 1 to 32 of a to z, 0 to 9 and the hyphen."
        )
    return folder / f"{name}.json"


def _is_key(private_key: bytes) -> bool:
    return len(private_key) == 32 and 0 < int.from_bytes(private_key) < _ORDER

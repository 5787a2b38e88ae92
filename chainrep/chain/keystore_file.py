"""One keystore file (Web3 Secret Storage, version 3), read as if a stranger had written it."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from chainrep.errors import KeystoreError
from chainrep.private_folder import make_private

MAX_FILE_BYTES = 16 * 1024
MAX_SCRYPT_BYTES = 256 * 1024 * 1024
"""What scrypt may take: 128·n·r bytes. Everybody's default (n = 2^18, r = 8) takes all of it."""
MAX_SCRYPT_P = 8
MAX_PBKDF2_ROUNDS = 10_000_000
_HEX = re.compile(r"(0x)?([0-9a-fA-F]*)")


@dataclass(frozen=True, slots=True)
class KeystoreFile:
    """A checked file, still locked: the address it claims, and whether only its owner reads it."""

    address: str
    private: bool
    content: Mapping[str, Any]


def read_keystore(path: Path) -> KeystoreFile:
    """Read and check a file; raises KeystoreError where it is missing, damaged or too costly."""
    text, mode = _read(path)
    try:
        content = json.loads(text)
        # Only what was checked goes on: eth-account would also take `KDFPARAMS` for `kdfparams`.
        crypto = content["crypto"]
        if content["version"] != 3 or crypto["cipher"] != "aes-128-ctr":
            raise ValueError("it is not of version 3 with aes-128-ctr")
        address = to_checksum_address("0x" + _hex(content["address"], 20, 20))
        checked = {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": _hex(crypto["cipherparams"]["iv"], 16, 16)},
            "ciphertext": _hex(crypto["ciphertext"], 32, 32),
            "mac": _hex(crypto["mac"], 32, 32),
            "kdf": crypto["kdf"],
            "kdfparams": _cost(crypto["kdf"], crypto["kdfparams"]),
        }
    except (KeyError, TypeError, RecursionError):
        raise damaged(path, "something in it is missing or out of place") from None
    except json.JSONDecodeError:
        raise damaged(path, "it is not JSON") from None
    except ValueError as error:
        raise damaged(path, str(error)) from None
    private = not mode & (stat.S_IRWXG | stat.S_IRWXO)
    return KeystoreFile(str(address), private, {"version": 3, "crypto": checked})


def write_keystore(path: Path, content: Mapping[str, Any]) -> None:
    """Write a new file in one step, readable by nobody else; KeystoreError where that fails."""
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(8)}")
    try:
        make_private(path.parent)
        path.parent.chmod(0o700)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "w") as stream:
                stream.write(json.dumps(content) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.link(draft, path)  # unlike a rename, this fails where there is one
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
    except FileExistsError:
        raise KeystoreError(
            f"There is a key {path.stem!r} already.", "Choose another name."
        ) from None
    except OSError as error:
        raise KeystoreError(
            f"{path} cannot be written ({error.strerror}).", "Choose another folder with --home."
        ) from error


def damaged(path: Path, reason: str) -> KeystoreError:
    """The error for a file that cannot be used."""
    return KeystoreError(
        f"The key {path} is not usable: {reason}.", "Put back a good copy of the file."
    )


def _read(path: Path) -> tuple[bytes, int]:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or a pipe would keep us waiting
        with os.fdopen(file, "rb") as stream:
            mode = os.fstat(file).st_mode
            if not stat.S_ISREG(mode):
                raise damaged(path, "it is no file")
            text = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise KeystoreError(
            f"There is no key {path.stem!r} in {path.parent}.",
            "`chainrep keys list` shows them, `chainrep keys new NAME` makes one.",
        ) from None
    except OSError as error:
        raise KeystoreError(f"The key {path} cannot be read ({error.strerror}).") from error
    if len(text) > MAX_FILE_BYTES:
        raise damaged(path, "it is too large")
    return text, mode


def _hex(text: Any, least: int, most: int) -> str:
    found = _HEX.fullmatch(text)
    if found is None or len(found[2]) % 2 or not least <= len(found[2]) // 2 <= most:
        raise ValueError("something in it does not have its length")
    return found[2]


def _cost(kdf: str, cost: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of the key derivation, within bounds that spare memory and time."""

    def number(name: str, limit: int) -> int:
        value = cost[name]
        if type(value) is not int or not 0 < value <= limit:
            raise ValueError(f"its {name} of the key derivation is out of bounds")
        return value

    checked = {"salt": _hex(cost["salt"], 1, 64), "dklen": number("dklen", 32)}
    if checked["dklen"] != 32:
        raise ValueError("its derived key does not have 32 bytes")
    if kdf == "pbkdf2" and cost["prf"] == "hmac-sha256":
        return checked | {"prf": "hmac-sha256", "c": number("c", MAX_PBKDF2_ROUNDS)}
    if kdf != "scrypt":
        raise ValueError("its key derivation is unknown")
    n, r = number("n", MAX_SCRYPT_BYTES // 128), number("r", 64)
    p = number("p", MAX_SCRYPT_P)
    if n < 2 or n & (n - 1) or 128 * n * r > MAX_SCRYPT_BYTES:
        raise ValueError("its key derivation wants too much memory")
    if 128 * n * r * p > 2 * MAX_SCRYPT_BYTES:
        raise ValueError("its key derivation wants too much time")
    return checked | {"n": n, "r": r, "p": p}

"""Secrets come from a hidden prompt or from a file descriptor, never from an argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from chainrep.errors import InputError

MAX_LINE_BYTES = 4096


def passphrase_reader(descriptor: int | None) -> Callable[[str], str]:
    """What asks for the passphrase of a key by its name, when it is needed."""
    return lambda name: read_secret(f"Passphrase of the key {name}", descriptor, "--passphrase-fd")


def read_secret(prompt: str, descriptor: int | None, option: str, confirm: bool = False) -> str:
    """One line from the descriptor, or what a person types unseen (twice with ``confirm``).

    Raises InputError where the descriptor gives no line, or where nobody can be asked.
    """
    if descriptor is not None:
        return _line(descriptor, option)
    if not sys.stdin.isatty():
        raise InputError(
            f"{prompt}: there is no terminal to ask at.", f"Give it as a line with {option} N."
        )
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def _line(descriptor: int, option: str) -> str:
    """Byte by byte, so that the next line stays there for the next secret."""
    line = bytearray()
    try:
        while (byte := os.read(descriptor, 1)) not in {b"", b"\n"}:
            line += byte
            if len(line) > MAX_LINE_BYTES:
                raise InputError(f"{option} {descriptor} gives a line that is too long.")
        text = line.decode().removesuffix("\r")
    except OSError as error:
        raise InputError(f"{option} {descriptor} cannot be read ({error.strerror}).") from error
    except OverflowError:
        raise InputError(f"{option} {descriptor} is no file descriptor.") from None
    except UnicodeDecodeError:
        raise InputError(f"{option} {descriptor} gives no UTF-8 text.") from None
    if not text:
        raise InputError(f"{option} {descriptor} gives no line.")
    return text

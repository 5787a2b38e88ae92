"""The columns of a file of ratings as they grow, line by line, and what is wrong with a line."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import eq
from pathlib import Path
from typing import NoReturn

import numpy as np

from chainrep.errors import InputError
from chainrep.reputation.graph import MAX_ACCOUNTS
from chainrep.reputation.ratings import MAX_RATING, Ratings
from chainrep.reputation.units import MAX_NAME_BYTES

UNRATED = 100
"""What an edge without a weight says: one unit."""
_NUMBER = re.compile(rb"[+-]?(\d{1,20}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?")
_TIME = re.compile(rb"(\d{1,18})(?:\.\d*)?")
_COMMENTS = (b"#", b"%")
_CACHED = 65_536
_HEADS = {
    *("rater", "from", "from_node", "fromnodeid", "source", "src", "u", "node1"),
    *("rating", "weight", "trust_index"),
}


class _Numbers(dict[bytes, int]):
    """Accounts' numbers in the order of their first lines."""

    def __missing__(self, name: bytes) -> int:
        """A new account's number; raise KeyError for a name that needs a closer look."""
        if not (name.isalnum() and len(name) <= MAX_NAME_BYTES):  # most names are, and are fine
            plain = name.strip() == name and b'"' not in name and not name.startswith(_COMMENTS)
            if not plain or name_fault(name):
                raise KeyError(name)
        if len(self) == MAX_ACCOUNTS:
            raise KeyError(name)
        self[name] = number = len(self)
        return number


@dataclass(slots=True)
class RatingColumns:
    """The file so far: 24 bytes per rating, and each account's name once.

    ``width`` is how many columns its lines have, 0 before the first of them.
    """

    path: Path
    now: int
    line: int = 0
    comma: bool = False
    width: int = 0
    names: _Numbers = field(default_factory=_Numbers)
    amounts: dict[bytes, int] = field(default_factory=dict)
    rater: array[int] = field(default_factory=lambda: array("i"))
    ratee: array[int] = field(default_factory=lambda: array("i"))
    amount: array[int] = field(default_factory=lambda: array("q"))
    time: array[int] = field(default_factory=lambda: array("q"))

    def add(self, lines: Sequence[bytes]) -> None:
        """Take lines in; raise InputError for the first one that is wrong."""
        if not self._add_at_once(lines):
            for line in lines:
                self._add_one(line)

    def ratings(self) -> Ratings:
        """The columns, with the accounts in ascending order."""
        names = [name.decode() for name in self.names]
        order = sorted(range(len(names)), key=names.__getitem__)
        place = np.empty(len(names), np.int32)
        place[order] = np.arange(len(names), dtype=np.int32)
        return Ratings(
            tuple(map(names.__getitem__, order)),
            place[np.frombuffer(self.rater, np.int32)],
            place[np.frombuffer(self.ratee, np.int32)],
            np.frombuffer(self.amount, np.int64),
            np.frombuffer(self.time, np.int64),
        )

    def _add_at_once(self, lines: Sequence[bytes]) -> bool:
        """Take well-formed lines in column by column, which is faster; False: take none of them."""
        if self.comma:
            widths = {line.count(b",") + 1 for line in lines}
            fields = b",".join(lines).split(b",")
        else:
            widths = {len(line.split()) for line in lines}
            fields = b" ".join(lines).split()
        if not self.width or widths != {self.width}:
            return False
        try:
            rater = list(map(self.names.__getitem__, fields[:: self.width]))
            ratee = list(map(self.names.__getitem__, fields[1 :: self.width]))
            amount, time = [UNRATED] * len(lines), [0] * len(lines)
            if self.width > 2:
                amount = self._amounts_of(fields[2 :: self.width])
            if self.width > 3:
                time = _times_of(fields[3 :: self.width])
        except (KeyError, ValueError):
            return False
        if any(map(eq, rater, ratee)) or max(time) > self.now:
            return False
        self._extend(rater, ratee, amount, time)
        self.line += len(lines)
        return True

    def _add_one(self, line: bytes) -> None:
        self.line += 1
        if not line or line.isspace() or line.startswith(_COMMENTS):
            return
        fields = self._fields(line)
        if not self.width:
            self.width = len(fields)
            if {text.decode(errors="replace").lower() for text in fields} & _HEADS:
                return
        rater, ratee = map(self._account, fields[:2])
        if rater == ratee:
            self._refuse(f"says that {_shown(fields[0])} rates itself", "Take the line out.")
        amount, time = UNRATED, 0
        if self.width > 2:
            amount = self._checked_amount(fields[2])
        if self.width > 3:
            time = self._checked_time(fields[3])
        self._extend((rater,), (ratee,), (amount,), (time,))

    def _extend(
        self, rater: Sequence[int], ratee: Sequence[int], amount: Sequence[int], time: Sequence[int]
    ) -> None:
        self.rater.extend(rater)
        self.ratee.extend(ratee)
        self.amount.extend(amount)
        self.time.extend(time)

    def _fields(self, line: bytes) -> Sequence[bytes]:
        if not self.width:
            self.comma = b"," in line
        if not self.comma:
            fields = line.split()
        elif b'"' in line:
            fields = self._quoted(line)
        else:
            fields = [text.strip() for text in line.split(b",")]
        right = len(fields) == self.width if self.width else 2 <= len(fields) <= 4
        if not right:
            self._refuse(
                f"has {len(fields)} columns and not {self.width or '2 to 4'}",
                "The columns are rater, ratee, rating and time.",
            )
        return fields

    def _quoted(self, line: bytes) -> list[bytes]:
        try:
            row = next(csv.reader([line.decode()], strict=True, skipinitialspace=True))
        except (csv.Error, UnicodeDecodeError):
            self._refuse("is no line of CSV in UTF-8", "A quoted name ends on its own line.")
        return [text.strip().encode() for text in row]

    def _account(self, name: bytes) -> int:
        if name not in self.names:
            if fault := name_fault(name):
                self._refuse(*fault)
            if len(self.names) == MAX_ACCOUNTS:
                self._refuse(f"is about account {MAX_ACCOUNTS + 1:,}", "Keep fewer accounts.")
            self.names[name] = len(self.names)
        return self.names[name]

    def _amounts_of(self, column: Sequence[bytes]) -> list[int]:
        """Hundredths of units; raise ValueError where one is no rating."""
        try:
            return list(map(self.amounts.__getitem__, column))
        except KeyError:
            return list(map(self._amount_of, column))

    def _amount_of(self, text: bytes) -> int:
        """Hundredths of a unit; raise ValueError for no rating."""
        amount = self.amounts.get(text)
        if amount is None:
            units = float(text) if _NUMBER.fullmatch(text) else float("nan")
            if not abs(units) <= MAX_RATING / 100:  # also refuses NaN
                raise ValueError
            amount = round(units * 100)
            if len(self.amounts) < _CACHED:
                self.amounts[text] = amount
        return amount

    def _checked_amount(self, text: bytes) -> int:
        try:
            return self._amount_of(text)
        except ValueError:
            self._refuse(
                f"has the rating {_shown(text)}",
                f"A rating is a number in -{MAX_RATING / 100}..{MAX_RATING / 100}.",
            )

    def _checked_time(self, text: bytes) -> int:
        try:
            time = _seconds(text)
        except ValueError:
            self._refuse(f"has the time {_shown(text)}", "A time is in Unix seconds.")
        if time > self.now:
            self._refuse(
                f"has the time {_shown(text)}, which is in the future",
                "Times are in Unix seconds, not milliseconds.",
            )
        return time

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise InputError(f"{self.path}, line {self.line} {what}.", remedy)


def name_fault(name: bytes) -> tuple[str, str] | None:
    """What is wrong with an account's name, and what to do about it."""
    if not name:
        return "names nobody", "Both the rater and the ratee need a name."
    if len(name) > MAX_NAME_BYTES:
        return f"has a name of {len(name):,} bytes", f"The limit is {MAX_NAME_BYTES}."
    text = name.decode(errors="replace")
    if text.encode() != name:
        return "is not UTF-8", "Save the file as UTF-8 text."
    if not text.isprintable():
        return "has a name with unprintable characters", "Save the file as UTF-8 text."
    return None


def _times_of(column: Sequence[bytes]) -> list[int]:
    """Whole Unix seconds; raise ValueError where one is no time."""
    if all(map(bytes.isdigit, column)) and max(map(len, column)) < 19:
        return list(map(int, column))
    return list(map(_seconds, column))


def _seconds(text: bytes) -> int:
    """Whole Unix seconds; raise ValueError for no time."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError
    return int(found[1])


def _shown(text: bytes) -> str:
    return repr(text[:60].decode(errors="replace"))

"""What a long-running command logs on standard error: lines for people, or JSON for machines.

Much of a message can come from strangers. It gets no line of its own, and no control character, so
that nobody can invent a line or speak to a terminal.
"""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

TEXT, JSON = "text", "json"
MAX_MESSAGE = 4_000
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "part"}
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
"""Control, direction and invisible characters, separators of lines, halves of pairs."""


def start_logging(form: str) -> None:
    """Log to standard error: this package from INFO on, all others from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == JSON else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("chainrep").setLevel(logging.INFO)


def one_line(text: str) -> str:
    """The text with everything escaped that is not meant to be seen, and not too long."""
    shown = "".join(_escaped(c) if unicodedata.category(c) in _UNSEEN else c for c in text)
    return shown if len(shown) <= MAX_MESSAGE else shown[:MAX_MESSAGE] + "…"


class TextLines(logging.Formatter):
    """Time, level, part, message, key=value; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, or several where there is a traceback."""
        words = [_time(record), record.levelname, _part(record), one_line(record.getMessage())]
        words += [f"{key}={one_line(_word(value))}" for key, value in _values(record).items()]
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        return "\n    ".join(
            [" ".join(filter(None, words)), *map(one_line, trace.split("\n") if trace else ())]
        )


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, part, message, and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, in ASCII."""
        content = dict(_values(record))
        content |= {"time": _time(record), "level": record.levelname, "logger": record.name}
        content |= {"part": _part(record), "message": one_line(record.getMessage())}
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return json.dumps(content, default=str)


def _values(record: logging.LogRecord) -> Mapping[str, object]:
    return {key: value for key, value in record.__dict__.items() if key not in _OWN}


def _part(record: logging.LogRecord) -> str:
    return str(getattr(record, "part", ""))


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or '"' in text else text


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

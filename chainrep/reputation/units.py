"""The units of every score, and what may be the name of an account."""

UNIT = 2**50
"""All the trust that the seeds hand out together."""
WHOLE = 2**16
"""One, for fractions: the chance to stop at a step, how much an account may pass on, caps."""

MAX_NAME_BYTES = 256


def is_name(text: str) -> bool:
    """Whether it has 1 to 256 bytes in UTF-8, and such a form at all."""
    try:
        return 0 < len(text.encode()) <= MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False

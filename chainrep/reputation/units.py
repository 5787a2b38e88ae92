"""The two units of every score: the whole of trust, and one as a fraction."""

UNIT = 2**50
"""All the trust that the seeds hand out together."""
WHOLE = 2**16
"""One, for fractions: the chance to stop at a step, how much an account may pass on, caps."""

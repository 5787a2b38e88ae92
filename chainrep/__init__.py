"""Whom to believe: reliability and reputation on a record nobody can quietly edit."""

from chainrep.errors import ChainrepError
from chainrep.protocol.types import Feedback, FeedbackKind, Report, Score, ScoreUpdate, SignedReport

__version__ = "0.1.0"

__all__ = [
    "ChainrepError",
    "Feedback",
    "FeedbackKind",
    "Report",
    "Score",
    "ScoreUpdate",
    "SignedReport",
    "__version__",
]

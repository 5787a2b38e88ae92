"""Every error rag raises on purpose, in one tree.

::

    RagError
    ├── DatasetError     a file of questions or passages is missing, malformed, empty or too large
    ├── PollutionError   a rate is out of range, or there is nothing to swap an answer for
    ├── ModelError       a model is not found, or its weights are not the expected ones
    ├── SourceError      a source answered a search with something that is not a passage
    │   └── ReceiptError  a source's receipt is not of its answer, or not signed by its owner
    ├── SketchError      a code, or what one is made of, has the wrong size or a value not finite
    ├── PipelineError    a pipeline without sources, or a question it cannot take
    ├── RouterError      a router's setting or a reward cannot be taken
    ├── ScoringError     evidence cannot be taken
    ├── StateError       what was learned cannot be kept, or what was kept cannot be taken
    ├── PackageError     an optional package that this part needs is not installed
    └── CalibrationError a claim cannot be made from the sample or the parameters given

A message is one sentence; ``remedy`` is a second one that says what to do next. The attributes
are those of chainrep's own errors, so that a command line can print either kind.
"""

from __future__ import annotations


class RagError(Exception):
    """An expected failure: ``summary`` says what is wrong, ``remedy`` what to do next."""

    exit_code = 1

    def __init__(self, summary: str, remedy: str = "") -> None:
        super().__init__(summary, remedy)
        self.summary = summary
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.summary} {self.remedy}".strip()


class DatasetError(RagError):
    """A file of questions or passages is missing, malformed, empty or too large."""

    exit_code = 2


class PollutionError(RagError):
    """A pollution rate is out of range, or the dataset has no answer to swap in."""

    exit_code = 2


class ModelError(RagError):
    """A model cannot be found, or its weights are not the expected ones."""


class SourceError(RagError):
    """A source answered a search with something that is not a list of passages."""


class ReceiptError(SourceError):
    """A source's receipt is not of the answer that came with it, or not signed by its owner."""


class PipelineError(RagError):
    """A pipeline cannot be built from what it was given, or cannot take this question."""

    exit_code = 2


class SketchError(RagError):
    """A code, or what one is made of, has the wrong size or a value that is not finite."""

    exit_code = 2


class RouterError(RagError):
    """A router's setting or a reward cannot be taken."""

    exit_code = 2


class ScoringError(RagError):
    """Evidence on a source cannot be taken."""

    exit_code = 2


class StateError(RagError):
    """What was learned cannot be kept, or a file that kept it is damaged or of something else."""

    exit_code = 2


class PackageError(RagError):
    """An optional package that this part needs is not installed."""


class CalibrationError(RagError):
    """A statistical claim cannot be made from the sample or the parameters given."""

    exit_code = 2

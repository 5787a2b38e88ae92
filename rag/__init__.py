"""RAG that consults on-chain source reliabilities: ask, weigh, answer, judge.

Importing it loads nothing else: a name's module is loaded when the name is first used, and torch,
transformers, faiss or bm25s where a model runs or an index is built.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.dataset import Dataset
    from rag.errors import (
        DatasetError,
        ModelError,
        PipelineError,
        PollutionError,
        RagError,
        SourceError,
    )
    from rag.loaders import demo_dataset, load_dataset
    from rag.pipeline import Pipeline
    from rag.routing.best_known import BestKnownRouter
    from rag.source.local import Source
    from rag.types import Answer, Judgement, Passage, Question, Reliability, Span, Vote

__all__ = [
    "Answer",
    "BestKnownRouter",
    "Dataset",
    "DatasetError",
    "Judgement",
    "ModelError",
    "Passage",
    "Pipeline",
    "PipelineError",
    "PollutionError",
    "Question",
    "RagError",
    "Reliability",
    "Source",
    "SourceError",
    "Span",
    "Vote",
    "demo_dataset",
    "load_dataset",
]

_MODULES = {
    "rag.dataset": {"Dataset"},
    "rag.loaders": {"demo_dataset", "load_dataset"},
    "rag.pipeline": {"Pipeline"},
    "rag.routing.best_known": {"BestKnownRouter"},
    "rag.source.local": {"Source"},
    "rag.types": {"Answer", "Judgement", "Passage", "Question", "Reliability", "Span", "Vote"},
    "rag.errors": {name for name in __all__ if name.endswith("Error")},
}


def __getattr__(name: str) -> object:
    """A public name, from its module (PEP 562)."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'rag' has no attribute {name!r}")

"""RAG that consults on-chain source reliabilities: ask, weigh, answer, judge.

Importing it loads no torch, transformers, faiss or bm25s; they load where a model runs or an
index is built.
"""

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
from rag.router import Router
from rag.source import Source
from rag.types import Answer, Judgement, Passage, Question, Reliability, Span, Vote

__all__ = [
    "Answer",
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
    "Router",
    "Source",
    "SourceError",
    "Span",
    "Vote",
    "demo_dataset",
    "load_dataset",
]

"""Model and decoding as strangers write them: read field by field, refused as InputError."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from chainrep.errors import InputError
from rag.errors import RagError
from rag.jobs.wire import text_in, whole_in
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.model_spec import ModelSpec

_SETTING = re.compile(r"[a-z0-9.-]{1,100}/[a-z0-9]{1,20}/[a-z0-9_]{1,40}", re.ASCII)
_NUMBERS = ("temperature_milli", "top_k", "top_p_milli", "max_tokens")


def read_model(given: Mapping[str, Any]) -> ModelSpec:
    """A model's spec; raise InputError for what is none."""
    try:
        return ModelSpec(**{field.name: text_in(given, field.name) for field in fields(ModelSpec)})
    except RagError as error:
        raise InputError(error.summary, error.remedy) from error


def write_decode(decode: DecodeSpec) -> dict[str, Any]:
    """A plain dict, for JSON."""
    return asdict(decode) | {"end_tokens": list(decode.end_tokens)}


def read_decode(given: Mapping[str, Any]) -> DecodeSpec:
    """How tokens are chosen; raise InputError for what does not say so."""
    end_tokens = given.get("end_tokens")
    if type(end_tokens) is not list:
        raise InputError("end_tokens is no list.")
    numbers = {name: whole_in(given, name, 0, 2**31 - 1) for name in _NUMBERS}
    try:
        return DecodeSpec(**numbers, end_tokens=tuple(end_tokens))
    except (RagError, TypeError) as error:
        raise InputError(f"The decode spec is refused: {str(error)[:200]}") from error


def read_setting(text: str) -> str:
    """A setting, device/dtype/attention, as it was given; raise InputError for anything else."""
    if not _SETTING.fullmatch(text):
        raise InputError(
            f"{text[:60]!r} is no setting of a model.", "Write it like cpu/float32/sdpa."
        )
    return text

"""What a requester hands to its provider beside the terms on the chain: the secret part."""

from __future__ import annotations

from dataclasses import dataclass, field

from rag.jobs.specs import read_decode, write_decode
from rag.jobs.wire import MAX_PROMPT_IDS, bytes_in, dump_object, ids_in, load_object, object_in
from rag.lsh.decode_spec import DecodeSpec

MAX_ORDER_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Order:
    """The salt (32 bytes), the prompt's token ids, and how tokens are to be chosen."""

    salt: bytes = field(repr=False)
    prompt: tuple[int, ...] = field(repr=False)
    decode: DecodeSpec


def dump_order(order: Order) -> bytes:
    """The JSON form."""
    return dump_object(
        {"salt": order.salt, "prompt": order.prompt, "decode": write_decode(order.decode)}
    )


def load_order(content: bytes) -> Order:
    """Read it; raise InputError for anything else."""
    fields = load_object(content, MAX_ORDER_BYTES)
    return Order(
        bytes_in(fields, "salt", 32),
        ids_in(fields, "prompt", MAX_PROMPT_IDS),
        read_decode(object_in(fields, "decode")),
    )

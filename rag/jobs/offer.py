"""What a provider says of itself to anybody, before a job: unchecked until a run was verified."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from eth_utils.address import is_checksum_address

from chainrep.errors import InputError
from rag.jobs.specs import read_model, read_setting
from rag.jobs.wire import bytes_in, dump_object, load_object, object_in, text_in, whole_in
from rag.lsh.decode_spec import MAX_TOKENS
from rag.lsh.model_spec import ModelSpec

MAX_OFFER_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """Who runs which model how, and for what. ``setting`` names its device, dtype and attention.

    ``price`` is the least it works for and ``bond`` the most that it puts up, both in wei;
    ``threshold`` is the least number of bits that terms must let a leaf differ by.
    """

    provider: str
    model: ModelSpec
    setting: str
    calibration_id: bytes
    max_tokens: int
    price: int
    bond: int
    threshold: int


def dump_offer(offer: Offer) -> bytes:
    """The JSON form; money in decimal digits, since JSON's readers round large numbers."""
    return dump_object(
        {
            "provider": offer.provider,
            "model": asdict(offer.model),
            "setting": offer.setting,
            "calibration_id": offer.calibration_id,
            "max_tokens": offer.max_tokens,
            "price": str(offer.price),
            "bond": str(offer.bond),
            "threshold": offer.threshold,
        }
    )


def load_offer(content: bytes) -> Offer:
    """Read it; raise InputError for anything else."""
    fields = load_object(content, MAX_OFFER_BYTES)
    money = {name: text_in(fields, name, 30) for name in ("price", "bond")}
    wei = {name: int(text) if text.isdecimal() else -1 for name, text in money.items()}
    return Offer(
        _address(text_in(fields, "provider", 42)),
        read_model(object_in(fields, "model")),
        read_setting(text_in(fields, "setting")),
        bytes_in(fields, "calibration_id", 32),
        whole_in(fields, "max_tokens", 1, MAX_TOKENS),
        whole_in(wei, "price", 0, 2**96 - 1),
        whole_in(wei, "bond", 0, 2**96 - 1),
        whole_in(fields, "threshold", 0, 256),
    )


def _address(text: str) -> str:
    if not is_checksum_address(text):
        raise InputError("An offer names no provider's address.")
    return text

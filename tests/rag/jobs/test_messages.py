"""What the parties of a job send each other, and what they refuse to read."""

import json
from dataclasses import asdict, replace

import pytest

from chainrep.errors import InputError
from chainrep.protocol.inference_receipt import ReceiptHeader, ReceiptKind
from chainrep.protocol.transcript import Transcript
from rag.jobs.disclosure import Disclosure, dump_disclosure, load_disclosure
from rag.jobs.offer import Offer, dump_offer, load_offer
from rag.jobs.order import Order, dump_order, load_order
from rag.jobs.wire import load_object
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.model_spec import ModelSpec

MODEL = ModelSpec("LlamaForCausalLM", "ab" * 32, "cd" * 32, "float32", "none", "sdpa", "engine 1")
DECODE = DecodeSpec(700, 40, 950, 64, (2, 7))
OFFER = Offer("0x" + "1" * 40, MODEL, "cpu/float32/sdpa", b"c" * 32, 64, 10**18, 2**96 - 1, 12)
ORDER = Order(b"s" * 32, (1, 5, 9), DECODE)
HEADER = ReceiptHeader(ReceiptKind.TOKENS, 32, 3, *(bytes([i]) * 32 for i in range(8)))
SHOWN = Disclosure(
    MODEL, DECODE, "cpu/float32/sdpa", HEADER, Transcript(b"s" * 32, (1, 5), (7, 8, 9))
)
FORMS = [
    (OFFER, dump_offer, load_offer),
    (ORDER, dump_order, load_order),
    (SHOWN, dump_disclosure, load_disclosure),
]


@pytest.mark.parametrize(("message", "dump", "load"), FORMS)
def test_a_message_is_read_back_as_it_was_written(message, dump, load):
    assert load(dump(message)) == message


@pytest.mark.parametrize(("message", "dump", "load"), FORMS)
def test_a_message_with_any_field_missing_or_of_another_type_is_refused(message, dump, load):
    fields = json.loads(dump(message))
    for name in fields:
        for change in ({}, {name: None}, {name: [[]]}, {name: True}, {name: "0x"}, {name: -1}):
            rest = {key: value for key, value in fields.items() if key != name} | change
            with pytest.raises(InputError):
                load(json.dumps(rest).encode())


def test_secrets_do_not_show_in_a_message_that_is_printed():
    assert "s" * 8 not in repr(ORDER)
    assert "115, 115" not in repr(SHOWN)
    assert repr(ORDER.salt) not in repr(ORDER) + repr(SHOWN)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 50 + b"1" + b"}" * 50, b"{}" * 2],
)
def test_what_is_no_flat_json_object_is_refused(content):
    with pytest.raises(InputError):
        load_object(content)


def test_a_message_longer_than_its_limit_is_refused_before_it_is_read():
    with pytest.raises(InputError, match="too long"):
        load_object(b'{"a":"' + b"x" * 100 + b'"}', limit=50)


@pytest.mark.parametrize(
    "change", [{"top_p_milli": 0}, {"max_tokens": 2**40}, {"end_tokens": [3, 3]}, {"top_k": 1.5}]
)
def test_a_decoding_out_of_range_is_refused(change):
    fields = json.loads(dump_order(ORDER))
    fields["decode"] |= change
    with pytest.raises(InputError):
        load_order(json.dumps(fields).encode())


def test_a_model_spec_that_is_not_plain_text_is_refused():
    fields = json.loads(dump_offer(OFFER))
    fields["model"] = asdict(MODEL) | {"engine": "evil\x1b[2J"}
    with pytest.raises(InputError):
        load_offer(json.dumps(fields).encode())


def test_money_is_read_to_the_last_wei():
    big = replace(OFFER, price=2**96 - 1)
    assert load_offer(dump_offer(big)).price == 2**96 - 1

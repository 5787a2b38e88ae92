"""What a source and its clients send each other, and what a receipt proves."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.reputation.accusation import Accusation, check, prove_conflict
from chainrep.service.refusal import refusal
from rag.errors import ReceiptError
from rag.source.receipts import (
    PACKED_BYTES,
    check_receipt,
    pack_receipt,
    query_digest,
    recover_owner,
    sign_receipt,
    statement_of,
    unpack_receipt,
)
from rag.source.wire import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    Metadata,
    Query,
    dump_answer,
    dump_metadata,
    dump_query,
    load_answer,
    load_metadata,
    load_query,
    read_refusal,
)
from rag.types import Passage
from tests.rag.source.one_source import DOMAIN, KEY, OWNER, PASSAGES, SALT

QUERY = query_digest(SALT, 3, "rivers")
RECEIPT = sign_receipt(3, QUERY, bytes(32), PASSAGES, 1_700_000_000, DOMAIN, KEY)
METADATA = Metadata(3, "rivers", 3, bytes(32), 10**20, 31337, DOMAIN.registry, 50)


def check_it(receipt, **changed):
    expected = {"source": 3, "owner": OWNER, "query": QUERY, "passages": PASSAGES}
    check_receipt(receipt, **(expected | changed), domain=DOMAIN)


def test_a_receipt_of_what_was_asked_and_found_is_good():
    check_it(RECEIPT)
    assert recover_owner(RECEIPT, DOMAIN) == OWNER


@pytest.mark.parametrize(
    "changed",
    [{"source": 4}, {"owner": DOMAIN.registry}, {"query": bytes(32)}, {"passages": PASSAGES[:2]},
     {"passages": PASSAGES[::-1]}, {"passages": (Passage("half \ud800"),)}],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_a_receipt_of_anything_else_is_none(changed):
    with pytest.raises(ReceiptError):
        check_it(RECEIPT, **changed)


@pytest.mark.parametrize(
    "changed",
    [{"corpus": bytes([1]) * 32}, {"time": 1}, {"signature": bytes(65)}, {"statement": bytes(65)},
     {"signature": RECEIPT.statement}, {"statement": RECEIPT.signature}, {"signature": b""},
     {"corpus": b"short"}, {"time": -1}],
    ids=str,
)  # fmt: skip
def test_a_receipt_that_was_changed_is_none(changed):
    with pytest.raises(ReceiptError):
        check_it(replace(RECEIPT, **changed))
    with pytest.raises(ReceiptError):
        recover_owner(replace(RECEIPT, **changed), DOMAIN)


def test_somebody_elses_signature_is_told_apart():
    forged = sign_receipt(3, QUERY, bytes(32), PASSAGES, 1_700_000_000, DOMAIN, bytes([7]) * 32)
    with pytest.raises(ReceiptError, match="not by the owner"):
        check_it(forged)


def test_two_receipts_that_differ_accuse_their_signer_and_two_alike_do_not():
    again = sign_receipt(3, QUERY, bytes(32), PASSAGES, 1_800_000_000, DOMAIN, KEY)
    assert statement_of(again, DOMAIN) == statement_of(RECEIPT, DOMAIN)
    other = sign_receipt(3, QUERY, bytes(32), PASSAGES[:1], 1_700_000_000, DOMAIN, KEY)
    one, two = statement_of(RECEIPT, DOMAIN), statement_of(other, DOMAIN)
    assert one.slot == two.slot
    proof = prove_conflict(one.slot, one.content, RECEIPT.statement, two.content, other.statement)
    check(Accusation(DOMAIN.registry, OWNER, proof), DOMAIN.statements)


def test_a_packed_receipt_is_the_same_receipt():
    packed = pack_receipt(RECEIPT)
    assert len(packed) == PACKED_BYTES
    assert unpack_receipt(packed) == RECEIPT
    for damaged in (b"", packed[:-1], packed + b"\0", bytes(PACKED_BYTES)):
        with pytest.raises(InputError):
            unpack_receipt(damaged)
    with pytest.raises(InputError):
        pack_receipt(replace(RECEIPT, signature=b"short"))


@given(
    st.text(min_size=1, max_size=50).filter(str.strip),
    st.integers(1, 50),
    st.binary(min_size=32, max_size=32),
)
def test_a_query_arrives_as_it_was_sent(question, k, salt):
    query = Query(question, k, salt)
    assert load_query(dump_query(query)) == query


def test_the_longest_question_fits_however_it_is_written():
    question = "🦉" * 2_000
    body = json.dumps({"query": question, "k": 50, "salt": "0x" + SALT.hex()}).encode()
    assert 20_000 < len(body) <= MAX_REQUEST_BYTES
    assert load_query(body).question == question


GOOD = {"query": "rivers", "k": 3, "salt": "0x" + "00" * 32}


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"7", b"\xff\xfe", b'{"query":', b"[" * 30_000, b'{"a":' * 6_000,
     b'{"query": "a", "k": 3}', json.dumps(GOOD).encode("utf-16"), b" " * (MAX_REQUEST_BYTES + 1),
     *(json.dumps(GOOD | changed).encode() for changed in (
         {"query": ""}, {"query": "  \n"}, {"query": 7}, {"query": None}, {"query": ["a"]},
         {"query": "a" * 2_001}, {"query": "\ud800"}, {"k": 0}, {"k": 51}, {"k": "3"}, {"k": 3.0},
         {"k": True}, {"k": 10**400}, {"salt": "00" * 32}, {"salt": "0x" + "00" * 31},
         {"salt": "0x" + "0G" * 32}, {"salt": "0x" + "AB" * 32}, {"salt": 7}))],
    ids=lambda body: repr(body[:40]),
)  # fmt: skip
def test_what_is_no_query_is_refused_with_a_reason(body):
    with pytest.raises(InputError, match=r"\.$"):
        load_query(body)


def test_an_answer_arrives_as_it_was_sent():
    assert load_answer(dump_answer(PASSAGES, RECEIPT), 3) == (PASSAGES, RECEIPT)
    assert load_answer(dump_answer((), RECEIPT), 1) == ((), RECEIPT)


def answer(**changed):
    return json.loads(dump_answer(PASSAGES, RECEIPT)) | changed


def signed(**changed):
    return answer(receipt=answer()["receipt"] | changed)


@pytest.mark.parametrize(
    "fields",
    [answer(passages=None), answer(passages={}), answer(passages=["text"]),
     answer(passages=[{"title": "a"}]), answer(passages=[{"title": None, "text": "a"}]),
     answer(passages=[{"title": "", "text": "\udfff"}]),
     answer(passages=[{"title": "", "text": "a" * 100_001}]),
     answer(passages=[{"title": "", "text": "a"}] * 4), answer(receipt=None), answer(receipt=[]),
     signed(source=0), signed(source=2**32), signed(query="0x"), signed(corpus=7),
     signed(time=-1), signed(time=2**64), signed(time=1.5), signed(signature="0x" + "00" * 64),
     signed(statement=None), signed(passages="0x" + "zz" * 32)],
    ids=lambda fields: json.dumps(fields)[-40:],
)  # fmt: skip
def test_what_is_no_answer_is_refused_with_a_reason(fields):
    with pytest.raises(InputError, match=r"\.$"):
        load_answer(json.dumps(fields).encode(), 3)


def test_the_fullest_answer_is_no_answer_of_too_many_parts():
    passages = tuple(Passage('[{"\\[{' * 100, "{[" * 500) for _ in range(50))
    pretty = json.dumps(json.loads(dump_answer(passages, RECEIPT)), indent=8).encode()
    assert load_answer(pretty, 50) == (passages, RECEIPT)


@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,", b'{"a":"\\""},'])
def test_an_answer_of_countless_parts_is_not_parsed(part):
    with pytest.raises(InputError, match="more than 200 parts"):
        load_answer(b'{"passages": [' + part * 80_000 + b"0]}", 50)


def test_an_answer_says_nothing_of_what_its_asker_keeps_beside_it():
    kept = replace(RECEIPT, salt=SALT, k=3, signed=PASSAGES)
    assert dump_answer(PASSAGES, kept) == dump_answer(PASSAGES, RECEIPT)
    assert pack_receipt(kept) == pack_receipt(RECEIPT)


def test_an_answer_without_end_is_not_parsed():
    with pytest.raises(InputError, match="more than"):
        load_answer(b" " * (MAX_ANSWER_BYTES + 1), 3)


def test_metadata_arrives_as_it_was_sent():
    assert load_metadata(dump_metadata(METADATA)) == METADATA


@pytest.mark.parametrize(
    "changed",
    [{"price_wei": 5}, {"price_wei": "-1"}, {"price_wei": "1e9"}, {"price_wei": "9" * 39},
     {"price_wei": "٣"}, {"registry": DOMAIN.registry.lower()}, {"registry": "0x"},
     {"name": "a" * 201}, {"max_k": 51}, {"passages": -1}, {"chain_id": "31337"}],
    ids=str,
)  # fmt: skip
def test_what_is_no_metadata_is_refused(changed):
    fields = json.loads(dump_metadata(METADATA)) | changed
    with pytest.raises(InputError):
        load_metadata(json.dumps(fields).encode())


def test_a_refusal_is_one_harmless_line():
    assert read_refusal(refusal(429, "too\noften\x1b[31m").body) == "too often [31m"
    assert read_refusal(b'{"refused": ["no"]}') == ""
    assert read_refusal(b"<html>") == ""
    assert len(read_refusal(refusal(429, "a" * 5_000).body)) == 300

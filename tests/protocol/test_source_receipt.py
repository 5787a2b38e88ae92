import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError, SignatureError
from chainrep.protocol.keccak import keccak
from chainrep.protocol.source_receipt import (
    SourceDomain,
    SourceReceipt,
    corpus_digest,
    passage_digest,
    passages_digest,
    query_digest,
    recover_source,
    search_slot,
    sign_source_receipt,
    source_receipt_digest,
)
from chainrep.protocol.typed_data import hash_typed
from chainrep.reputation.accusation import (
    Accusation,
    Statement,
    check,
    prove_conflict,
    recover_author,
    sign_statement,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/source_receipt.json").read_text())
SIGNER = VECTORS["signer"]["address"]
KEY = bytes.fromhex(VECTORS["signer"]["privateKey"][2:])
PLACE = VECTORS["domain"]
DOMAIN = SourceDomain(PLACE["chainId"], PLACE["verifyingContract"], VECTORS["ledger"])
RECEIPT = SourceReceipt(3, keccak(b"query"), keccak(b"corpus"), keccak(b"passages"), 1_700_000_000)


def unhex(text):
    return bytes.fromhex(text[2:])


def receipt_in(row):
    words = (unhex(row[name]) for name in ("query", "corpus", "passages"))
    return SourceReceipt(row["source"], *words, int(row["time"]))


@pytest.mark.parametrize("row", VECTORS["receipts"], ids=lambda row: row["question"][:12])
def test_receipts_equal_the_golden_vectors(row):
    receipt = receipt_in(row)
    found = [(passage["title"], passage["text"]) for passage in row["found"]]
    assert query_digest(unhex(row["salt"]), row["k"], row["question"]) == receipt.query
    assert passages_digest(found) == receipt.passages
    assert corpus_digest(row["method"], receipt.passages) == receipt.corpus
    assert source_receipt_digest(receipt, DOMAIN) == unhex(row["digest"])
    assert sign_source_receipt(receipt, DOMAIN, KEY) == unhex(row["signature"])
    assert recover_source(receipt, DOMAIN, unhex(row["signature"])) == SIGNER
    statement = Statement(search_slot(receipt, DOMAIN), receipt.passages)
    assert statement.slot == unhex(row["slot"])
    assert sign_statement(statement, DOMAIN.statements, KEY) == unhex(row["statement"])
    assert recover_author(statement, DOMAIN.statements, unhex(row["statement"])) == SIGNER


@pytest.mark.parametrize("row", VECTORS["receipts"], ids=lambda row: row["question"][:12])
def test_the_signed_digest_is_that_of_the_whole_message_in_eip_712(row):
    names = {"source": "uint32", "query": "bytes32", "corpus": "bytes32", "passages": "bytes32"}
    names |= {"time": "uint64"}
    place = {"name": "string", "version": "string"}
    place |= {"chainId": "uint256", "verifyingContract": "address"}
    message = {
        "types": {
            "EIP712Domain": [{"name": n, "type": t} for n, t in place.items()],
            "SourceReceipt": [{"name": n, "type": t} for n, t in names.items()],
        },
        "primaryType": "SourceReceipt",
        "domain": PLACE,
        "message": {name: row[name] for name in names} | {"time": int(row["time"])},
    }
    assert hash_typed(encode_typed_data(full_message=message)) == unhex(row["digest"])


@pytest.mark.parametrize("row", VECTORS["receipts"], ids=lambda row: row["question"][:12])
def test_the_slot_is_what_solidity_would_compute(row):
    types = ["bytes32", "uint256", "address", "uint32", "bytes32", "bytes32"]
    values = [keccak(b"chainrep search"), DOMAIN.chain_id, DOMAIN.registry, row["source"]]
    values += [unhex(row["query"]), unhex(row["corpus"])]
    assert keccak(encode(types, values)) == unhex(row["slot"])


@pytest.mark.parametrize(
    "changed",
    [{"source": 4}, {"query": bytes(32)}, {"corpus": bytes(32)}, {"passages": bytes(32)},
     {"time": 1_700_000_001}],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_a_receipt_that_was_changed_names_another_signer(changed):
    signature = sign_source_receipt(RECEIPT, DOMAIN, KEY)
    assert recover_source(RECEIPT, DOMAIN, signature) == SIGNER
    assert recover_source(replace(RECEIPT, **changed), DOMAIN, signature) != SIGNER


@pytest.mark.parametrize("changed", [{"chain_id": 1}, {"registry": SIGNER}], ids=str)
def test_a_receipt_is_good_for_one_registry_on_one_chain(changed):
    signature = sign_source_receipt(RECEIPT, DOMAIN, KEY)
    elsewhere = replace(DOMAIN, **changed)
    assert recover_source(RECEIPT, elsewhere, signature) != SIGNER
    assert search_slot(RECEIPT, elsewhere) != search_slot(RECEIPT, DOMAIN)


@pytest.mark.parametrize("signature", [b"", bytes(65), bytes(64), b"\xff" * 65])
def test_what_no_key_can_have_signed_is_refused(signature):
    with pytest.raises(SignatureError):
        recover_source(RECEIPT, DOMAIN, signature)


def test_the_time_is_no_part_of_the_slot():
    assert search_slot(replace(RECEIPT, time=1), DOMAIN) == search_slot(RECEIPT, DOMAIN)


def test_two_answers_to_one_query_of_one_version_are_a_conflict_that_proves_itself():
    other = replace(RECEIPT, passages=keccak(b"others"), time=RECEIPT.time + 9)
    slot = search_slot(RECEIPT, DOMAIN)
    assert search_slot(other, DOMAIN) == slot
    signatures = [
        sign_statement(Statement(slot, each.passages), DOMAIN.statements, KEY)
        for each in (RECEIPT, other)
    ]
    proof = prove_conflict(slot, RECEIPT.passages, signatures[0], other.passages, signatures[1])
    accuser = Account.from_key(bytes(range(1, 33))).address
    check(Accusation(accuser, SIGNER, proof), DOMAIN.statements)
    with pytest.raises(SignatureError):
        check(Accusation(accuser, accuser, proof), DOMAIN.statements)


passages = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=4)


@given(passages, passages)
def test_other_passages_have_another_digest(some, others):
    assert (passages_digest(some) == passages_digest(others)) == (some == others)


def test_where_a_title_ends_is_part_of_the_digest():
    assert passage_digest("ab", "c") != passage_digest("a", "bc")


@given(st.text(max_size=9), st.text(max_size=9), st.integers(1, 50), st.integers(1, 50))
def test_another_question_or_number_of_passages_is_another_query(one, other, k, others_k):
    salt = bytes(32)
    equal = query_digest(salt, k, one) == query_digest(salt, others_k, other)
    assert equal == ((one, k) == (other, others_k))


@pytest.mark.parametrize(
    ("salt", "k", "question"),
    [(bytes(31), 5, "a"), (bytes(32), 0, "a"), (bytes(32), 51, "a"), (bytes(32), 5, "\ud800")],
)
def test_what_is_no_query_has_no_digest(salt, k, question):
    with pytest.raises(InputError):
        query_digest(salt, k, question)


def test_half_a_character_in_a_passage_is_refused():
    with pytest.raises(InputError, match="no Unicode"):
        passages_digest([("", "half \udc00")])


@pytest.mark.parametrize(
    "changed",
    [{"source": 0}, {"source": 2**32}, {"query": bytes(31)}, {"corpus": b""},
     {"passages": bytes(33)}, {"time": -1}, {"time": 2**64}],
    ids=str,
)  # fmt: skip
def test_a_receipt_with_a_value_out_of_its_range_is_refused(changed):
    with pytest.raises(InputError):
        replace(RECEIPT, **changed)


def test_an_address_without_a_valid_checksum_has_no_slots():
    with pytest.raises(InputError, match="checksum"):
        search_slot(RECEIPT, replace(DOMAIN, registry=DOMAIN.registry.lower()))

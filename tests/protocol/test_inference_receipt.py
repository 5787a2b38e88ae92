import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError, SignatureError
from chainrep.protocol.inference_receipt import (
    HEADER_WORDS,
    NO_JOB,
    InferenceReceipt,
    ReceiptHeader,
    ReceiptKind,
    binds,
    make_receipt,
    open_leaf,
    receipt_digest,
    recover_provider,
)
from chainrep.protocol.keccak import keccak
from chainrep.protocol.receipt_file import dump_receipt, load_receipt, pack_receipt, unpack_receipt
from chainrep.protocol.receipt_tree import leaf_hash, leaf_proven, prove_leaf, tree_root
from chainrep.protocol.transcript import (
    Transcript,
    sampling_seed,
    seed_commit,
    text_contents,
    texts_digest,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/receipt.json").read_text())
KEY = bytes(range(1, 33))


def unhex(text):
    return bytes.fromhex(text[2:])


def a_transcript(items=70):
    return Transcript(bytes(range(32)), (5, 6, 7), tuple(range(items)))


def a_receipt(items=70, **changed):
    transcript = a_transcript(items)
    header = ReceiptHeader(
        kind=ReceiptKind.TOKENS,
        code_bytes=32,
        items=items,
        model_spec=keccak(b"model"),
        decode_spec=keccak(b"decode"),
        job=NO_JOB,
        prompt_digest=transcript.prompt_digest,
        seed_commit=seed_commit(transcript.salt),
        output_digest=transcript.output_digest,
        calibration_id=keccak(b"calibration"),
        sign_word=keccak(b"sign"),
    )
    header = replace(header, **changed)
    codes = [keccak(bytes([i])) for i in range(header.leaf_count)]
    return make_receipt(header, transcript.contents, codes, KEY), transcript


@pytest.mark.parametrize("vector", VECTORS["receipts"], ids=lambda v: f"{v['items']} items")
def test_receipts_equal_the_golden_vectors(vector):
    salt = unhex(vector["salt"])
    words = {name: unhex(vector[name]) for name in HEADER_WORDS}
    header = ReceiptHeader(
        ReceiptKind(vector["kind"]), vector["codeBytes"], vector["items"], **words
    )
    if header.kind is ReceiptKind.TOKENS:
        transcript = Transcript(salt, tuple(vector["prompt"]), tuple(vector["output"]))
        assert transcript.prompt_digest == header.prompt_digest
        assert transcript.output_digest == header.output_digest
        contents = transcript.contents
    else:
        contents = text_contents(salt, vector["texts"])
        assert texts_digest(salt, vector["texts"]) == header.output_digest
    assert contents == [unhex(content) for content in vector["contents"]]
    assert seed_commit(salt) == header.seed_commit
    assert sampling_seed(salt, header.job) == unhex(vector["samplingSeed"])
    assert header.digest == unhex(vector["headerDigest"])
    assert header.leaf_count == vector["leafCount"]
    receipt = unpack_receipt(unhex(vector["compact"]))
    assert receipt.header == header
    assert receipt.root == unhex(vector["root"])
    assert [code.hex() for code in receipt.codes] == [code[2:] for code in vector["codes"]]
    assert binds(receipt, contents)
    assert receipt_digest(receipt) == unhex(vector["digest"])
    assert receipt.signature == unhex(vector["signature"])
    assert recover_provider(receipt) == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    opening = open_leaf(receipt, contents, vector["place"])
    assert list(opening.siblings) == [unhex(sibling) for sibling in vector["siblings"]]
    assert pack_receipt(receipt) == unhex(vector["compact"])


def test_the_header_digest_is_the_struct_hash_of_eip_712():
    receipt, _ = a_receipt()
    names = ["kind", "codeBytes", "items"]
    camel = [name.split("_")[0] + name.title().replace("_", "")[len(name.split("_")[0]) :]
             for name in HEADER_WORDS]  # fmt: skip
    types = ["uint8", "uint8", "uint32"] + ["bytes32"] * 8
    fields = [{"name": n, "type": t} for n, t in zip([*names, *camel], types, strict=True)]
    header = receipt.header
    values = [int(header.kind), header.code_bytes, header.items]
    values += [getattr(header, name) for name in HEADER_WORDS]
    message = dict(zip([*names, *camel], values, strict=True))
    typed = encode_typed_data({"name": "any"}, {"ReceiptHeader": fields}, message)
    assert header.digest == typed.body


def test_a_receipt_names_its_provider():
    receipt, transcript = a_receipt()
    assert recover_provider(receipt) == Account.from_key(KEY).address
    assert binds(receipt, transcript.contents)


def test_a_receipt_does_not_bind_another_answer():
    receipt, transcript = a_receipt()
    changed = replace(transcript, output=(*transcript.output[:-1], 9))
    assert not binds(receipt, changed.contents)
    assert not binds(receipt, transcript.contents[:-1])


@pytest.mark.parametrize("name", [*HEADER_WORDS, "items"])
def test_whatever_is_changed_in_a_header_the_signature_is_another_keys(name):
    receipt, _ = a_receipt()
    value = 71 if name == "items" else keccak(b"other")
    changed = replace(receipt, header=replace(receipt.header, **{name: value}))
    assert recover_provider(changed) != Account.from_key(KEY).address


@given(st.integers(1, 40), st.data())
def test_a_leaf_is_proven_at_its_place_and_at_no_other(count, data):
    leaves = [keccak(bytes([i])) for i in range(count)]
    place = data.draw(st.integers(0, count - 1))
    siblings = prove_leaf(leaves, place)
    root = tree_root(leaves)
    assert leaf_proven(root, leaves[place], place, count, siblings)
    other = data.draw(st.integers(0, count - 1))
    assert leaf_proven(root, leaves[place], other, count, siblings) == (other == place)
    assert not leaf_proven(root, keccak(b"x"), place, count, siblings)
    assert not leaf_proven(root, leaves[place], place, count, (*siblings, bytes(32)))


def test_no_filler_can_be_opened_as_a_leaf():
    leaves = [keccak(bytes([i])) for i in range(3)]
    root = tree_root(leaves)
    siblings = [leaves[2], keccak(leaves[0] + leaves[1])]
    assert not leaf_proven(root, bytes(32), 3, 3, siblings)


def test_an_opened_leaf_belongs_to_one_receipt_only():
    receipt, transcript = a_receipt()
    other, _ = a_receipt(job=keccak(b"another job"))
    opening = open_leaf(receipt, transcript.contents, 1)

    def shows(whose):
        leaf = leaf_hash(whose.header.digest, 1, opening.content, opening.code)
        return leaf_proven(receipt.root, leaf, 1, 3, opening.siblings)

    assert shows(receipt)
    assert not shows(other)


def test_a_leaf_costs_thirty_two_bytes():
    small, large = a_receipt(32)[0], a_receipt(320)[0]
    assert len(pack_receipt(large)) - len(pack_receipt(small)) == 9 * 32
    assert len(pack_receipt(small)) == 396 - 1


@given(st.integers(1, 100), st.booleans())
def test_both_forms_read_back_what_was_written(items, shown):
    receipt, transcript = a_receipt(items)
    assert unpack_receipt(pack_receipt(receipt)) == receipt
    assert load_receipt(pack_receipt(receipt)).receipt == receipt
    read = load_receipt(dump_receipt(receipt, transcript if shown else None))
    assert read.receipt == receipt
    assert read.transcript == (transcript if shown else None)


def hostile():
    receipt, transcript = a_receipt()
    compact, fields = pack_receipt(receipt), json.loads(dump_receipt(receipt, transcript))
    yield "cut off", compact[:-1]
    yield "too long", compact + b"\0"
    yield "other magic", b"CRR2" + compact[4:]
    yield "kind unknown", compact[:4] + b"\x07" + compact[5:]
    yield "codes of 31 bytes", compact[:5] + b"\x1f" + compact[6:]
    yield "no items", compact[:6] + bytes(4) + compact[10:]
    yield "too many items", compact[:6] + b"\xff" * 4 + compact[10:]
    yield "empty", b""
    yield "no JSON", b"{"
    yield "deep JSON", b"[" * 100_000
    yield "a list", b"[]"
    for name in fields:
        yield f"without {name}", {k: v for k, v in fields.items() if k != name}
        yield f"null {name}", {**fields, name: None}
    yield "kind unknown in JSON", {**fields, "kind": "video"}
    yield "true items", {**fields, "items": True}
    yield "upper case", {**fields, "root": fields["root"].upper()}
    yield "true token", {**fields, "transcript": {**fields["transcript"], "output": [True]}}
    yield "token too large", {**fields, "transcript": {**fields["transcript"], "output": [2**32]}}
    yield "no output", {**fields, "transcript": {**fields["transcript"], "output": []}}


@pytest.mark.parametrize(
    ("name", "content"), list(hostile()), ids=lambda v: v if type(v) is str else ""
)
def test_what_is_no_receipt_is_refused_with_a_sentence(name, content):
    if name in {"without transcript", "null transcript"}:
        assert load_receipt(json.dumps(content).encode()).transcript is None
        return
    encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(InputError) as caught:
        load_receipt(encoded)
    assert str(caught.value).endswith(".")


@given(st.binary(max_size=600))
def test_no_bytes_break_the_reader(content):
    for encoded in (content, b"CRR1" + content):
        with pytest.raises(InputError):
            load_receipt(encoded)


def test_a_signature_in_another_form_is_refused():
    receipt, _ = a_receipt()
    odd = receipt.signature[:64] + bytes([receipt.signature[64] - 27])
    with pytest.raises(SignatureError):
        recover_provider(replace(receipt, signature=odd))


@pytest.mark.parametrize(
    "changed", [{"code_bytes": 20}, {"items": 0}, {"items": 2**20 + 1}, {"job": b""}]
)
def test_a_header_out_of_range_cannot_be_made(changed):
    receipt, _ = a_receipt()
    with pytest.raises(InputError):
        replace(receipt.header, **changed)


def test_a_receipt_needs_a_code_for_every_leaf():
    receipt, transcript = a_receipt()
    with pytest.raises(InputError):
        make_receipt(receipt.header, transcript.contents, receipt.codes[:-1], KEY)
    with pytest.raises(InputError):
        InferenceReceipt(receipt.header, receipt.root, receipt.codes[:-1], receipt.signature)


@pytest.mark.parametrize(
    "changed",
    [{"salt": b"x"}, {"prompt": ()}, {"output": (-1,)}, {"output": (2**32,)}, {"output": (1.0,)}],
)
def test_a_transcript_out_of_range_cannot_be_made(changed):
    with pytest.raises(InputError):
        replace(a_transcript(), **changed)


def test_the_same_words_have_other_digests_under_another_salt():
    one, other = a_transcript(), replace(a_transcript(), salt=bytes(32))
    assert one.prompt_digest != other.prompt_digest
    assert not set(one.contents) & set(other.contents)

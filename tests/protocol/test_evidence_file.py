"""The one file that a set of records has, and what strangers may send in its place."""

import json
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import DuplicateFeedback, InputError
from chainrep.protocol.evidence import MAX_RECORDS, EvidenceRecord, evidence_tree
from chainrep.protocol.evidence_file import (
    MAX_FILE_BYTES,
    dump_evidence,
    parse_evidence,
    parse_root,
)
from chainrep.protocol.types import MAX_DELTA, MAX_RECEIPT, MAX_SOURCE, FeedbackKind

GOLDEN = Path("tests/vectors/evidence_file.json").read_bytes()
VECTORS = json.loads(Path("tests/vectors/evidence.json").read_text())
ONE = EvidenceRecord(bytes(32), 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1_700_000_000)
FILE = dump_evidence([ONE])

deltas = st.integers(0, MAX_DELTA)
digests = st.binary(min_size=32, max_size=32)
records = st.lists(
    st.builds(
        EvidenceRecord,
        id=digests,
        source=st.integers(1, MAX_SOURCE),
        kind=st.sampled_from(FeedbackKind),
        query_digest=digests,
        supported=deltas,
        contradicted=deltas,
        used=deltas,
        asked=deltas,
        time=st.integers(0, 2**40 - 1),
        receipt=st.binary(max_size=80),
    ),
    unique_by=lambda record: record.id,
    min_size=1,
    max_size=20,
)


def largest(count):
    source = Random(1)  # noqa: S311 (tests need no secrecy)
    return [
        EvidenceRecord(
            source.randbytes(32), MAX_SOURCE, FeedbackKind.PEER, source.randbytes(32),
            *[MAX_DELTA] * 4, 2**40 - 1, source.randbytes(MAX_RECEIPT),
        )
        for _ in range(count)
    ]  # fmt: skip


def test_the_golden_file_holds_the_records_of_the_golden_tree():
    found = parse_evidence(GOLDEN)
    assert dump_evidence(found) == GOLDEN
    assert "0x" + evidence_tree(found).root.hex() == VECTORS["trees"][-1]["root"]
    by_id = {"0x" + record.id.hex(): record for record in found}
    for vector in VECTORS["records"]:
        record = by_id[vector["feedbackId"]]
        assert (record.source, int(record.kind)) == (vector["source"], vector["kind"])
        assert (record.supported, record.time) == (vector["supported"], vector["time"])
        assert "0x" + record.receipt.hex() == vector["receipt"]


@given(records, st.randoms())
def test_a_set_of_records_has_one_file_whatever_its_order(given_records, random):
    content = dump_evidence(given_records)
    shuffled = list(given_records)
    random.shuffle(shuffled)
    assert dump_evidence(shuffled) == content
    assert parse_evidence(content) == sorted(given_records, key=lambda record: record.id)


@given(records, st.data())
def test_a_file_with_one_byte_changed_is_refused_or_has_another_root(given_records, data):
    content = bytearray(dump_evidence(given_records))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = (content[place] + data.draw(st.integers(1, 255))) % 256
    try:
        found = parse_evidence(bytes(content))
    except InputError:
        return
    assert evidence_tree(found).root != evidence_tree(given_records).root


@given(st.binary(max_size=300))
def test_bytes_that_nobody_wrote_as_evidence_are_refused_with_a_sentence(content):
    with pytest.raises(InputError, match="evidence file"):
        parse_evidence(content)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"source":1', b'"source":1.0'),
        (b'"source":1', b'"source":true'),
        (b'"source":1', b'"source":01'),
        (b'"source":1', b'"source":"1"'),
        (b'"source":1', b'"source":null'),
        (b'"source":1', b'"source":1' + b"0" * 5_000),
        (b'"source":1,', b""),
        (b'"source":1', b'"source":1,"source":1'),
        (b'"source":1', b'"source":1,"note":2'),
        (b'"source":1', b'"source": 1'),
        (b'"used":0', b'"used":-0'),
        (b'"used":0', b'"used":0e0'),
        (b'"used":0', b'"used":NaN'),
        (b'"kind":"gold"', b'"kind":"lead"'),
        (b'"kind":"gold"', b'"kind":0'),
        (b'"receipt":"0x"', b'"receipt":"0X"'),
        (b'"receipt":"0x"', b'"receipt":"0xAB"'),
        (b'"receipt":"0x"', b'"receipt":"0xa"'),
        (b'"receipt":"0x"', b'"receipt":"0x ab"'),
        (b'"receipt":"0x"', b'"receipt":""'),
        (b'"receipt":"0x"', b'"receipt":"\\u0030x"'),
        (b'"receipt":"0x"', '"receipt":"0x\u0661\u0661"'.encode()),
        (b'"version":1', b'"version":2'),
        (b'"version":1', b'"version":true'),
        (b'"version":1', b'"version":1,"root":"0x"'),
        (b'{"version":1,', b"{"),
        (b"\n]}\n", b"\n]}"),
        (b"\n]}\n", b"\n]}\n\n"),
        (b'{"version"', b'\xef\xbb\xbf{"version"'),
    ],
)
def test_a_file_in_any_other_form_is_refused(old, new):
    assert old in FILE
    with pytest.raises(InputError):
        parse_evidence(FILE.replace(old, new, 1))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"version":1,"records":[\n\n]}\n',
        b"[" * 1_000_000,
        b'{"a":' * 20_000,
        b'{"version":1,"records":{"a":{}}}',
        b'{"version":1,"records":[\n' + b"{},\n" * 20_001 + b"{}\n]}\n",
        b'{"version":1,"records":[\n{}\n]}\n',
        FILE.decode().encode("utf-16"),
        b" " * (MAX_FILE_BYTES + 1),
    ],
    ids=["empty", "list", "none", "deep", "nested", "object", "many", "bare", "utf-16", "large"],
)
def test_what_is_empty_deep_many_or_large_is_refused_before_it_costs_anything(content):
    started = time.process_time()
    with pytest.raises(InputError):
        parse_evidence(content)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": 0}, {"source": MAX_SOURCE + 1}, {"source": True}, {"supported": -1},
        {"asked": MAX_DELTA + 1}, {"used": 1.0}, {"time": 2**40}, {"time": -1},
        {"id": bytes(31)}, {"query_digest": b""}, {"receipt": bytes(MAX_RECEIPT + 1)},
    ],
    ids=str,
)  # fmt: skip
def test_values_out_of_range_make_no_file(wrong):
    with pytest.raises(InputError, match="out of its range"):
        dump_evidence([replace(ONE, **wrong)])


def test_feedback_that_is_there_twice_is_named_and_shown_only_to_who_asks_for_it():
    twice = [ONE, replace(ONE, supported=0, contradicted=100)]
    with pytest.raises(DuplicateFeedback, match="0x" + "00" * 32):
        dump_evidence(twice)
    content = dump_evidence(twice, unique=False)
    assert dump_evidence(twice[::-1], unique=False) == content
    with pytest.raises(DuplicateFeedback, match="twice"):
        parse_evidence(content)
    assert set(parse_evidence(content, unique=False)) == set(twice)


def test_the_largest_batch_is_within_the_bounds_and_one_record_more_is_not():
    longest = len(dump_evidence(largest(1)))
    assert longest * MAX_RECORDS < MAX_FILE_BYTES
    many = [replace(ONE, id=i.to_bytes(32)) for i in range(MAX_RECORDS + 1)]
    assert len(parse_evidence(dump_evidence(many[1:]))) == MAX_RECORDS
    for count in (many, []):
        with pytest.raises(InputError, match="1 to 20000 records"):
            dump_evidence(count)


def test_a_root_is_sixty_four_hex_digits_and_nothing_else():
    assert parse_root("0x" + "Ab" * 32) == parse_root("ab" * 32) == b"\xab" * 32
    for text in ("", "ab" * 31, "ab" * 33, "0x" * 32, "ab" * 32 + "\n", "../" + "a" * 61, "١" * 64):
        with pytest.raises(InputError, match="64 hexadecimal"):
            parse_root(text)

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrep.errors import InputError, SignatureError
from chainrep.protocol.evidence import EvidenceRecord, evidence_tree, sum_updates
from chainrep.protocol.evidence_file import dump_evidence
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.typed_data import LedgerDomain, sign_report
from chainrep.protocol.types import FeedbackKind, Report, ScoreUpdate
from chainrep.reputation.accusation import (
    Accusation,
    FalseSums,
    Statement,
    check,
    check_complaint,
    complain,
    prove_conflict,
    recover_author,
    sign_statement,
)
from chainrep.reputation.blocklist import (
    MAX_ACCUSATIONS,
    MAX_COMPLAINTS,
    build_blocklist,
    match,
)

DOMAIN = LedgerDomain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
ELSEWHERE = LedgerDomain(1, DOMAIN.ledger)
KEYS = [number.to_bytes(32) for number in range(1, 9)]
NAMES = [str(Account.from_key(key).address) for key in KEYS]
SLOT, ONE, OTHER = b"s" * 32, b"a" * 32, b"b" * 32


def conflict(key, accuser=NAMES[0], domain=DOMAIN):
    signed = [sign_statement(Statement(SLOT, content), domain, key) for content in (ONE, OTHER)]
    proof = prove_conflict(SLOT, OTHER, signed[1], ONE, signed[0])
    return Accusation(accuser, str(Account.from_key(key).address), proof)


def record(number, supported):
    return EvidenceRecord(
        bytes([number]) * 32, 1, FeedbackKind.USER, bytes(32), supported, 0, 100, 100, 7
    )


def false_sums(updates, key=KEYS[1]):
    records = [record(1, 100), record(2, 50)]
    report = Report(1, 3, 99, evidence_tree(records).root, updates)
    proof = FalseSums(report, sign_report(report, DOMAIN, key), dump_evidence(records))
    return Accusation(NAMES[0], str(Account.from_key(key).address), proof)


def test_two_contents_signed_for_one_slot_prove_their_author_faulty():
    accusation = conflict(KEYS[1])
    check(accusation, DOMAIN)
    listed = build_blocklist([accusation], [], {}, DOMAIN)
    assert listed.proven == {NAMES[1]}
    assert NAMES[1] in listed
    assert NAMES[0] not in listed


def test_a_proof_has_one_form_whichever_statement_is_named_first():
    signed = {c: sign_statement(Statement(SLOT, c), DOMAIN, KEYS[1]) for c in (ONE, OTHER)}
    proofs = [
        prove_conflict(SLOT, a, signed[a], b, signed[b]) for a, b in ((ONE, OTHER), (OTHER, ONE))
    ]
    assert proofs[0] == proofs[1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"second": ONE}, InputError),
        ({"first": OTHER, "second": ONE}, InputError),
        ({"second": b"c" * 32}, SignatureError),
        ({"slot": b"t" * 32}, SignatureError),
        ({"slot": b"s" * 31}, InputError),
        ({"first_signature": b""}, SignatureError),
        ({"first_signature": bytes(65)}, SignatureError),
        ({"first_signature": b"\xff" * 65}, SignatureError),
    ],
)
def test_a_conflict_that_does_not_hold_blocks_nobody(change, error):
    accusation = conflict(KEYS[1])
    accusation = replace(accusation, proof=replace(accusation.proof, **change))
    with pytest.raises(error):
        check(accusation, DOMAIN)
    assert build_blocklist([accusation], [], {}, DOMAIN).proven == frozenset()


def test_statements_of_two_keys_are_no_conflict():
    one = sign_statement(Statement(SLOT, ONE), DOMAIN, KEYS[1])
    other = sign_statement(Statement(SLOT, OTHER), DOMAIN, KEYS[2])
    proof = prove_conflict(SLOT, ONE, one, OTHER, other)
    for accused in NAMES[1:3]:
        with pytest.raises(SignatureError, match="was signed by"):
            check(Accusation(NAMES[0], accused, proof), DOMAIN)


def test_statements_for_another_chain_prove_nothing_here():
    with pytest.raises(SignatureError):
        check(conflict(KEYS[1], domain=ELSEWHERE), DOMAIN)


def test_a_report_that_is_not_the_sum_of_its_evidence_proves_its_signer_faulty():
    accusation = false_sums(pack_updates([ScoreUpdate(1, 151, 0, 200, 200)]))
    check(accusation, DOMAIN)
    assert build_blocklist([accusation], [], {}, DOMAIN).proven == {NAMES[1]}


def test_a_right_report_its_other_evidence_or_its_other_signer_prove_nothing():
    right = false_sums(pack_updates(sum_updates([record(1, 100), record(2, 50)])))
    with pytest.raises(InputError, match="adds up"):
        check(right, DOMAIN)
    wrong = false_sums(pack_updates([ScoreUpdate(1, 151, 0, 200, 200)]))
    other = replace(wrong.proof, evidence=dump_evidence([record(3, 1)]))
    with pytest.raises(InputError, match="root"):
        check(replace(wrong, proof=other), DOMAIN)
    with pytest.raises(SignatureError, match="was signed by"):
        check(replace(wrong, accused=NAMES[2]), DOMAIN)
    huge = replace(wrong.proof, report=replace(wrong.proof.report, nonce=2**64))
    with pytest.raises(InputError, match="range"):
        check(replace(wrong, proof=huge), DOMAIN)


def test_one_signature_of_a_statement_names_its_author():
    signature = sign_statement(Statement(SLOT, ONE), DOMAIN, KEYS[3])
    assert recover_author(Statement(SLOT, ONE), DOMAIN, signature) == NAMES[3]


def test_who_proves_faults_is_not_blocked_for_it():
    accusations = [conflict(key, NAMES[0]) for key in KEYS[1:6]]
    listed = build_blocklist(accusations, [], dict.fromkeys(NAMES, 1), DOMAIN)
    assert listed.proven == set(NAMES[1:6])
    assert listed.matched == frozenset()


def test_a_complaint_blocks_both_its_ends_unless_a_proof_explains_it():
    stake = dict.fromkeys(NAMES, 1)
    complaint = complain(KEYS[0], NAMES[1], DOMAIN)
    check_complaint(complaint, DOMAIN)
    assert build_blocklist([], [complaint], stake, DOMAIN).matched == set(NAMES[:2])
    proven = build_blocklist([conflict(KEYS[1])], [complaint], stake, DOMAIN)
    assert proven.proven == {NAMES[1]}
    assert proven.matched == frozenset()


def test_a_complaint_in_anothers_name_or_without_stake_is_not_heard():
    real = complain(KEYS[0], NAMES[1], DOMAIN)
    forged = replace(real, accuser=NAMES[2])
    with pytest.raises(SignatureError, match="in the name of"):
        check_complaint(forged, DOMAIN)
    assert build_blocklist([], [forged], dict.fromkeys(NAMES, 1), DOMAIN).matched == frozenset()
    assert build_blocklist([], [real], {NAMES[1]: 1}, DOMAIN).matched == frozenset()
    with pytest.raises(InputError, match="of itself"):
        check_complaint(complain(KEYS[0], NAMES[0], DOMAIN), DOMAIN)
    with pytest.raises(InputError, match="checksummed"):
        complain(KEYS[0], NAMES[1].lower(), DOMAIN)


def test_an_account_with_more_stake_outlasts_those_it_complains_of():
    pairs = [("honest", f"faulty{i}") for i in range(3)]
    stake = {"honest": 4, "faulty0": 1, "faulty1": 1, "faulty2": 1}
    assert match(pairs, stake) == {"faulty0", "faulty1", "faulty2"}


def test_the_same_words_in_any_order_and_number_give_the_same_list():
    rng = random.Random(2)  # noqa: S311 (repeatable, not secret)
    accusations = [conflict(KEYS[7]), conflict(KEYS[6])]
    complaints = [
        complain(KEYS[a], NAMES[b], DOMAIN) for a, b in ((0, 1), (1, 2), (2, 3), (3, 0), (4, 0))
    ]
    stake = dict.fromkeys(NAMES, 1)
    lists = set()
    for _ in range(6):
        rng.shuffle(accusations)
        rng.shuffle(complaints)
        lists.add(build_blocklist(accusations * 2, complaints + complaints[:2], stake, DOMAIN))
    assert len(lists) == 1


PAIRS = st.sets(
    st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda pair: pair[0] != pair[1]),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_a_matching_is_a_function_of_the_set_of_pairs(pairs, rng):
    names = [(str(a), str(b)) for a, b in pairs]
    stake = {str(i): 1 + i % 3 for i in range(15)}
    turned = [pair if rng.random() < 0.5 else pair[::-1] for pair in names]
    rng.shuffle(turned)
    assert match(turned, stake) == match(names, stake)


@settings(max_examples=100, deadline=None)
@given(PAIRS, st.sets(st.integers(0, 14)))
def test_sound_complaints_block_no_more_honest_accounts_than_faulty_ones(pairs, faulty):
    sound = [(str(a), str(b)) for a, b in pairs if {a, b} & faulty]
    blocked = {int(name) for name in match(sound, {str(i): 1 for i in range(15)})}
    assert len(blocked - faulty) <= len(blocked & faulty)


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.sets(st.integers(0, 14)), st.lists(st.integers(0, 4), min_size=15, max_size=15))
def test_honest_stake_blocked_is_no_more_than_faulty_stake_that_complaints_touch(
    pairs, faulty, units
):
    sound = [(a, b) for a, b in pairs if {a, b} & faulty]
    stake = {str(i): own for i, own in enumerate(units)}
    blocked = {int(name) for name in match([(str(a), str(b)) for a, b in sound], stake)}
    touched = {end for pair in sound for end in pair} & faulty
    assert sum(units[i] for i in blocked - faulty) <= sum(units[i] for i in touched)


def test_a_flood_of_complaints_without_stake_or_signature_silences_nobody():
    real = complain(KEYS[0], NAMES[1], DOMAIN)
    unsigned = replace(real, signature=bytes(65))
    strange = replace(real, accuser=NAMES[2])
    flood = [*[unsigned] * (MAX_COMPLAINTS + 1), *[strange] * (MAX_COMPLAINTS + 1), real]
    blocked = build_blocklist([], flood, {NAMES[0]: 1, NAMES[1]: 1}, DOMAIN)
    assert blocked.matched == {NAMES[0], NAMES[1]}


def test_floods_and_stakes_that_are_no_numbers_are_refused_in_one_sentence():
    accusation = conflict(KEYS[1])
    with pytest.raises(InputError, match="more than 10,000 accusations"):
        build_blocklist([accusation] * (MAX_ACCUSATIONS + 1), [], {}, DOMAIN)
    complaint = complain(KEYS[0], NAMES[1], DOMAIN)
    for wrong in (-1, True, 0.5):
        with pytest.raises(InputError, match="whole number"):
            build_blocklist([], [complaint], {NAMES[0]: wrong}, DOMAIN)
    large = false_sums(b"")
    heaps = [
        replace(large, proof=replace(large.proof, evidence=bytes(40 << 20), signature=bytes([i])))
        for i in range(2)
    ]
    with pytest.raises(InputError, match="64 MiB"):
        build_blocklist(heaps, [], {}, DOMAIN)

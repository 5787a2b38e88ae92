"""Terms of jobs: hashed and packed as VerificationJobs does it."""

from dataclasses import replace

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import InputError
from chainrep.protocol.inference_receipt import ReceiptHeader, ReceiptKind, make_receipt
from chainrep.protocol.job_terms import (
    ANYONE,
    Claim,
    JobDomain,
    claim_of,
    condition_words,
    job_id,
    job_word,
    keeps_terms,
    read_conditions,
    spec_digest,
)
from tests.protocol.job_vectors import DOMAIN, VECTORS, number, read_terms, unhex

TERMS = read_terms(VECTORS["terms"][0])
CONDITIONS = TERMS.conditions
A, B, C = (bytes([i]) * 32 for i in (1, 2, 3))


@pytest.mark.parametrize("vector", VECTORS["terms"])
def test_ids_costs_and_words_are_those_of_the_vectors(vector):
    terms = read_terms(vector)
    assert job_word(job_id(terms, DOMAIN)) == unhex(vector["jobId"])
    assert terms.conditions.cost == int(vector["cost"])
    assert terms.conditions.appeal_cost == int(vector["appealCost"])
    words = tuple(map(number, vector["words"]))
    assert condition_words(terms.conditions) == words
    assert read_conditions(*words) == terms.conditions


def test_an_id_belongs_to_one_contract_on_one_chain():
    found = {
        job_id(TERMS, DOMAIN),
        job_id(TERMS, replace(DOMAIN, chain_id=1)),
        job_id(TERMS, JobDomain(DOMAIN.chain_id, CONDITIONS.requester)),
        job_id(replace(TERMS, commit_by=TERMS.commit_by + 1), DOMAIN),
        job_id(replace(TERMS, spec=A), DOMAIN),
    }
    assert len(found) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"requester": ANYONE},
        {"requester": CONDITIONS.requester.lower()},
        {"provider": CONDITIONS.requester},
        {"provider": "0x12"},
        {"price": -1},
        {"bond": CONDITIONS.price - 1},
        {"bond": 2**96},
        {"fee": 2**96},
        {"fee": True},
        {"threshold": 256},
        {"panel": 0},
        {"panel": 4},
        {"rounds": 0},
        {"rounds": 8},
        {"accept_lead": 0},
        {"accept_lead": 16},
        {"reject_lead": 1},
        {"reject_lead": 256},
    ],
    ids=str,
)
def test_conditions_that_the_contract_would_refuse_are_refused_here(change):
    with pytest.raises(InputError):
        replace(CONDITIONS, **change)


@pytest.mark.parametrize(
    "change", [{"commit_by": 2**40}, {"spec": A[1:]}, {"seed_commit": "0x"}], ids=str
)
def test_terms_that_do_not_fit_are_refused(change):
    with pytest.raises(InputError):
        replace(TERMS, **change)


@pytest.mark.parametrize(("root", "leaves"), [(A[1:], 1), (A, 0), (A, 32_769)])
def test_claims_that_do_not_fit_are_refused(root, leaves):
    with pytest.raises(InputError):
        Claim(root, B, leaves)


def test_spare_bits_in_the_votes_word_are_refused():
    requester, provider, votes = condition_words(CONDITIONS)
    with pytest.raises(InputError):
        read_conditions(requester, provider, votes | 1 << 144)


def test_a_header_keeps_the_terms_only_if_it_names_job_spec_prompt_and_seed():
    terms = replace(TERMS, spec=spec_digest(A, B, C), prompt_digest=A, seed_commit=B)
    job = job_id(terms, DOMAIN)
    header = ReceiptHeader(
        ReceiptKind.TOKENS, 32, 40, A, B, job_word(job), A, B, C, C, bytes(32)
    )  # fmt: skip
    assert keeps_terms(header, job, terms)
    for name in ("job", "model_spec", "decode_spec", "calibration_id", "prompt_digest",
                 "seed_commit"):  # fmt: skip
        assert not keeps_terms(replace(header, **{name: b"\x09" * 32}), job, terms)


def test_a_claim_is_what_the_receipt_is_bound_to():
    header = ReceiptHeader(ReceiptKind.TOKENS, 32, 40, A, B, A, A, B, C, C, A)
    receipt = make_receipt(header, [A, B], [A, B], dev_accounts(1)[0].private_key)
    assert claim_of(receipt) == Claim(receipt.root, header.digest, 2)


@pytest.mark.parametrize("job", [0, -1, 2**256])
def test_a_number_that_is_no_id_is_refused(job):
    with pytest.raises(InputError):
        job_word(job)

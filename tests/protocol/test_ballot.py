"""Ballots: sealed and signed here as VerificationJobs checks them."""

from dataclasses import replace

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import InputError, SignatureError
from chainrep.protocol.ballot import (
    Ballot,
    Reveal,
    SealedBallot,
    ballot_digest,
    commitment_of,
    recover_voter,
    sign_ballot,
)
from chainrep.protocol.job_terms import JobDomain
from tests.protocol.job_vectors import DOMAIN, VECTORS, number, unhex

KEYS = {account.address: account.private_key for account in dev_accounts(6)}
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def read(vector):
    commitment = unhex(vector["commitment"])
    return Ballot(number(vector["jobId"]), number(vector["turn"]), vector["seat"], commitment)


FIRST = read(VECTORS["ballots"][0])
SIGNER = VECTORS["ballots"][0]["signer"]
SIGNATURE = sign_ballot(FIRST, DOMAIN, KEYS[SIGNER])


@pytest.mark.parametrize("vector", VECTORS["ballots"])
def test_commitments_digests_and_signatures_are_those_of_the_vectors(vector):
    ballot = read(vector)
    reveal = Reveal(unhex(vector["code"]), unhex(vector["salt"]))
    assert commitment_of(ballot.job, vector["round"], ballot.seat, reveal) == ballot.commitment
    assert ballot_digest(ballot, DOMAIN) == unhex(vector["digest"])
    signature = unhex(vector["r"]) + unhex(vector["vs"])
    assert sign_ballot(ballot, DOMAIN, KEYS[vector["signer"]]) == signature
    assert recover_voter(ballot, DOMAIN, signature) == vector["signer"]


def test_the_vectors_have_signatures_of_both_parities():
    assert {number(vector["vs"]) >> 255 for vector in VECTORS["ballots"]} == {0, 1}


def test_a_short_code_stands_at_the_left_of_its_word():
    short, salt = b"\x07" * 16, b"\x01" * 32
    reveals = [Reveal(short, salt), Reveal(short + bytes(16), salt)]
    assert len({commitment_of(5, 0, 1, reveal) for reveal in reveals}) == 1


@pytest.mark.parametrize(
    "change", [{"job": 9}, {"turn": 9}, {"seat": 9}, {"commitment": bytes(32)}]
)
def test_a_signature_is_good_for_no_other_ballot(change):
    assert recover_voter(replace(FIRST, **change), DOMAIN, SIGNATURE) != SIGNER


def test_a_signature_is_good_for_no_other_contract_or_chain():
    for domain in (JobDomain(1, DOMAIN.contract), JobDomain(DOMAIN.chain_id, SIGNER)):
        assert recover_voter(FIRST, domain, SIGNATURE) != SIGNER


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        SIGNATURE + b"\x1b",
        b"\xff" * 64,
    ],
)
def test_bytes_that_no_key_can_have_made_are_refused(signature):
    with pytest.raises(SignatureError):
        recover_voter(FIRST, DOMAIN, signature)


def test_the_higher_s_that_a_key_can_make_too_has_no_short_form():
    s = int.from_bytes(SIGNATURE[32:]) & ~(1 << 255)
    assert recover_voter(FIRST, DOMAIN, SIGNATURE[:32] + (ORDER - s).to_bytes(32)) != SIGNER


def test_a_salt_of_zero_would_leave_the_ballot_sealed_and_is_refused():
    with pytest.raises(InputError, match="not all of them zero"):
        Reveal(b"\x01" * 32, bytes(32))


@pytest.mark.parametrize(
    ("code", "salt"), [(b"", b"\x01" * 32), (b"\x01" * 33, b"\x01" * 32), (b"\x01", b"\x01" * 31)]
)
def test_codes_and_salts_of_other_lengths_are_refused(code, salt):
    with pytest.raises(InputError):
        Reveal(code, salt)


@pytest.mark.parametrize(("commitment", "signature"), [(b"", b""), (bytes(32), bytes(65))])
def test_a_sealed_ballot_of_another_form_is_refused(commitment, signature):
    with pytest.raises(InputError):
        SealedBallot(0, commitment, signature)

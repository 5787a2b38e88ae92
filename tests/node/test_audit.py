"""The audit of one batch: whatever is altered is named, and nobody is accused of what is hidden."""

from dataclasses import replace

import pytest

from chainrep.chain.batch_transaction import BatchTransaction
from chainrep.errors import ChainError, ChainUnreachable, EvidenceUnavailable
from chainrep.node.audit import audit_batch
from chainrep.node.audited_batch import AuditedBatch, Finding, Step, Verdict
from chainrep.node.evidence_check import FUTURE_SECONDS
from chainrep.protocol.compact_batch import pack_compact
from chainrep.protocol.evidence import sum_updates
from chainrep.protocol.evidence_file import dump_evidence
from chainrep.protocol.score_update import pack_updates
from chainrep.protocol.typed_data import LedgerDomain
from tests.node.batch_maker import (
    ACCOUNTS,
    DOMAIN,
    LEDGER,
    MEMBERS,
    NOW,
    RECORDS,
    call_data,
    judgement,
    make,
)

ELSEWHERE = ACCOUNTS[0].address


def nobody(*_):
    raise AssertionError("no contract is a member")


def audit(made, accepts=nobody, counted=None, archive=False, **changed):
    given = {"evidence": made.evidence, "transaction": made.transaction} | changed
    return audit_batch(
        made.batch, DOMAIN, archive, given["evidence"], given["transaction"], accepts, counted or {}
    )


def first(audited):
    assert audited.finding is not None
    return audited.finding.step, audited.finding.text


def test_a_batch_that_its_evidence_bears_out_fits():
    audited = audit(make())
    assert audited.verdict is Verdict.FITS
    assert audited.finding is None
    assert audited.feedback == [record.id for record in RECORDS]
    assert audited.signers == list(MEMBERS[:2])


def test_evidence_that_nobody_keeps_does_not_fit_and_the_signatures_are_checked_all_the_same():
    audited = audit(make(), evidence=None)
    assert first(audited) == (
        Step.EVIDENCE,
        "The evidence is not available: nobody there keeps it.",
    )
    assert audited.verdict is Verdict.DOES_NOT_FIT
    assert (audited.feedback, len(audited.signers)) == ([], 2)


def test_evidence_that_cannot_be_fetched_accuses_nobody():
    audited = audit(make(), evidence=EvidenceUnavailable("The server is ill."))
    assert first(audited) == (Step.EVIDENCE, "The server is ill.")
    assert audited.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff" * 1_000])
def test_evidence_that_is_no_evidence_file_is_named(content):
    audited = audit(make(), evidence=content)
    assert audited.verdict is Verdict.DOES_NOT_FIT
    assert first(audited)[0] is Step.FILE


def test_altered_evidence_shows_by_its_root():
    made = make()
    altered = [replace(RECORDS[0], time=NOW - 1), *RECORDS[1:]]
    step, text = first(audit(made, evidence=dump_evidence(altered)))
    assert step is Step.ROOT
    assert "0x" + made.batch.evidence_root.hex() in text


def test_updates_that_the_evidence_does_not_add_up_to_are_named_by_source_and_counter():
    one, three = sum_updates(RECORDS)
    made = make(updates=pack_updates([one, replace(three, contradicted=900)]))
    step, text = first(audit(made))
    assert step is Step.UPDATES
    assert text == "Source 3, contradicted: 100 hundredths by the evidence, 900 in the batch."


def test_a_source_that_is_missing_or_invented_in_the_updates_is_named():
    one, three = sum_updates(RECORDS)
    missing = make(updates=pack_updates([one]))
    assert first(audit(missing))[1].startswith("Source 3, contradicted: 100 hundredths by")
    invented = make(updates=pack_updates([one, replace(one, source=2, supported=5), three]))
    assert "Source 2, supported: 0 hundredths by the evidence, 5" in first(audit(invented))[1]
    empty = make(updates=pack_updates([one, replace(one, source=2, **ZERO), three]))
    assert "same sources: 2." in first(audit(empty))[1]


ZERO = dict.fromkeys(("supported", "contradicted", "used", "asked"), 0)


def test_updates_that_cannot_be_read_do_not_fit():
    assert first(audit(make(updates=b"\x01"))) == (
        Step.UPDATES,
        "A batch of 1 bytes is no whole number of updates.",
    )


def test_evidence_that_no_batch_could_carry_does_not_fit():
    heavy = [replace(judgement(i), supported=65_535) for i in range(2)]
    step, text = first(audit(make(heavy, updates=pack_updates(sum_updates(heavy[:1])))))
    assert step is Step.UPDATES
    assert "more than one batch can carry" in text


def test_an_archives_batch_is_read_in_its_own_form():
    compact = pack_compact(sum_updates(RECORDS))
    assert audit(make(updates=compact), archive=True).verdict is Verdict.FITS
    other = pack_compact(sum_updates(RECORDS[:1]))
    assert first(audit(make(updates=other), archive=True))[0] is Step.UPDATES
    assert first(audit(make(updates=b"\xff"), archive=True))[0] is Step.UPDATES


def test_feedback_counted_twice_within_a_batch_is_named():
    made = make([*RECORDS, judgement(2)])
    assert first(audit(made)) == (
        Step.COUNTED_TWICE,
        f"Feedback 0x{2:064x} is counted twice, in this batch.",
    )


def test_feedback_counted_in_an_earlier_batch_is_named_with_both_nonces():
    audited = audit(make(), counted={bytes(32): 1, RECORDS[2].id: 4})
    assert audited.verdict is Verdict.DOES_NOT_FIT
    assert first(audited)[1] == f"Feedback 0x{3:064x} is counted twice, in batches 4 and 7."


def test_a_judgement_from_the_future_is_named_and_clocks_may_differ_a_little():
    soon, late = NOW + FUTURE_SECONDS, NOW + FUTURE_SECONDS + 1
    assert audit(make([judgement(1, time=soon)])).verdict is Verdict.FITS
    step, text = first(audit(make([judgement(1), judgement(2, time=late)])))
    assert step is Step.JUDGEMENT
    assert text == f"Feedback 0x{2:064x} was made 901 s after the batch was applied."


def test_a_judgement_of_a_source_that_did_not_exist_is_named():
    step, text = first(audit(make([judgement(1), judgement(2, source=4)])))
    assert step is Step.JUDGEMENT
    assert text.endswith("is on source 4, when there were 3.")


def test_a_transaction_that_the_server_does_not_have_leaves_it_open_who_signed():
    audited = audit(make(), transaction=None)
    assert audited.verdict is Verdict.INCONCLUSIVE
    assert first(audited)[0] is Step.TRANSACTION
    assert audited.signers == []


def test_a_transaction_that_applies_another_batch_does_not_fit():
    made = make()
    other = make(nonce=8).transaction
    assert first(audit(made, transaction=other))[0] is Step.TRANSACTION
    assert audit(made, transaction=other).verdict is Verdict.DOES_NOT_FIT


@pytest.mark.parametrize("content", [b"", b"\x00" * 4, make().transaction.content[:200]])
def test_a_transaction_whose_input_cannot_be_read_is_inconclusive(content):
    audited = audit(make(), transaction=BatchTransaction(LEDGER, content))
    assert first(audited)[0] is Step.TRANSACTION
    assert audited.verdict is Verdict.INCONCLUSIVE


def test_a_batch_applied_by_way_of_another_contract_counts_by_its_signatures():
    made = make()
    wrapped = b"\x12\x34\x56\x78" + bytes(33) + made.transaction.content + bytes(7)
    audited = audit(made, transaction=BatchTransaction(ELSEWHERE, wrapped))
    assert audited.verdict is Verdict.FITS
    assert audited.signers == list(MEMBERS[:2])


def test_a_false_report_beside_the_true_one_accuses_nobody():
    made = make()
    forged = call_data(replace(made.signed, signatures=b"\x01" * 130))
    decoy = BatchTransaction(ELSEWHERE, forged + made.transaction.content)
    assert audit(made, transaction=decoy).verdict is Verdict.FITS
    alone = audit(made, transaction=BatchTransaction(None, forged))
    assert alone.verdict is Verdict.INCONCLUSIVE
    assert "by way of another contract" in first(alone)[1]


def test_a_signature_by_somebody_else_is_named():
    made = make()
    swapped = made.signed.signatures[65:] + made.signed.signatures[:65]
    audited = audit(made, transaction=forged(made, signatures=swapped))
    step, text = first(audited)
    assert (step, audited.verdict) == (Step.SIGNATURES, Verdict.DOES_NOT_FIT)
    assert text == (
        f"The signature that stands for {MEMBERS[0]} is {MEMBERS[1]}'s, or of another report."
    )


def test_signatures_of_members_of_another_committee_do_not_fit():
    made = make()
    strangers = replace(made.batch.committee, members=tuple(a.address for a in ACCOUNTS[5:8]))
    audited = audit(replace(made, batch=replace(made.batch, committee=strangers)))
    assert first(audited)[0] is Step.SIGNATURES
    assert ACCOUNTS[5].address in first(audited)[1]


@pytest.mark.parametrize(
    "domain", [LedgerDomain(1, LEDGER), LedgerDomain(DOMAIN.chain_id, ELSEWHERE)]
)
def test_signatures_for_another_chain_or_ledger_do_not_fit(domain):
    assert first(audit(make(domain=domain)))[0] is Step.SIGNATURES


def test_signatures_for_another_committee_version_or_deadline_do_not_fit():
    made = make()
    newer = replace(made.batch, committee=replace(made.batch.committee, version=3))
    assert first(audit(replace(made, batch=newer)))[0] is Step.SIGNATURES
    later = replace(made.signed, report=replace(made.signed.report, deadline=NOW + 601))
    transaction = BatchTransaction(LEDGER, call_data(later))
    assert first(audit(made, transaction=transaction))[0] is Step.SIGNATURES


def test_fewer_signatures_than_the_threshold_do_not_fit():
    step, text = first(audit(make(signers=MEMBERS[:1])))
    assert step is Step.SIGNATURES
    assert text == "1 members of committee 2 signed, 2 had to."


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"signer_mask": 0b1011}, "beyond the committee"),
        ({"signatures": bytes(range(64))}, "cut short"),
        ({"signatures": (b"\xff" * 64 + b"\x1b") * 2}, "cannot belong to any key"),
        ({"signatures": b"\xff" * 32 + bytes(98)}, "cut short"),
    ],
    ids=["mask", "short", "no key", "endless"],
)
def test_signatures_of_no_valid_form_do_not_fit(changed, words):
    made = make()
    step, text = first(audit(made, transaction=forged(made, **changed)))
    assert step is Step.SIGNATURES
    assert words in text


def test_bytes_after_the_last_signature_do_not_fit():
    made = make()
    longer = forged(made, signatures=made.signed.signatures + b"x")
    assert "1 bytes follow" in first(audit(made, transaction=longer))[1]


def test_a_member_that_is_a_contract_is_asked_itself():
    asked = []
    wallet = MEMBERS[1]
    made = make(signers=MEMBERS[:1], contract_signatures={wallet: b"own words"})

    def accepts(member, digest, signature):
        asked.append((member, len(digest), signature))
        return True

    assert audit(made, accepts=accepts).signers == list(MEMBERS[:2])
    assert asked == [(wallet, 32, b"own words")]
    refused = audit(made, accepts=lambda *_: False)
    assert refused.verdict is Verdict.DOES_NOT_FIT
    assert wallet in first(refused)[1]


def test_a_contract_that_can_be_asked_no_more_makes_it_inconclusive():
    made = make(signers=MEMBERS[:1], contract_signatures={MEMBERS[1]: b"own words"})

    def forgotten(*_):
        raise ChainError("That state is gone.")

    def unplugged(*_):
        raise ChainUnreachable("No chain answers.")

    assert audit(made, accepts=forgotten).verdict is Verdict.INCONCLUSIVE
    with pytest.raises(ChainUnreachable):
        audit(made, accepts=unplugged)


def test_what_is_proven_comes_before_what_could_not_be_seen():
    made = make(signers=MEMBERS[:1])
    audited = audit(made, evidence=EvidenceUnavailable("The server is ill."))
    assert [finding.step for finding in audited.findings] == [Step.EVIDENCE, Step.SIGNATURES]
    assert audited.verdict is Verdict.DOES_NOT_FIT
    assert first(audited)[0] is Step.SIGNATURES


def test_the_first_finding_is_the_first_on_the_road():
    one, three = sum_updates(RECORDS)
    records = [*RECORDS, replace(judgement(1), time=NOW + 10_000)]
    made = make(records, updates=pack_updates([one, three]), signers=MEMBERS[:1])
    steps = [finding.step for finding in audit(made).findings]
    assert steps == [Step.UPDATES, Step.COUNTED_TWICE, Step.JUDGEMENT, Step.SIGNATURES]
    assert steps == [step for step in Step if step in steps]
    assert AuditedBatch(1, [Finding(steps[0], "")]).verdict is Verdict.DOES_NOT_FIT


def forged(made, **changed):
    return BatchTransaction(LEDGER, call_data(replace(made.signed, **changed)))

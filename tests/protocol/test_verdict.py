"""What a verdict says of a provider."""

from chainrep.protocol.types import EVIDENCE_UNIT
from chainrep.protocol.verdict import VERDICT_AMOUNTS, Verdict, receipt_name
from chainrep.reputation.ratings import MAX_RATING


def test_a_match_is_one_unit_of_evidence_and_a_mismatch_undoes_ten():
    assert VERDICT_AMOUNTS[Verdict.MATCH] == EVIDENCE_UNIT
    assert VERDICT_AMOUNTS[Verdict.MISMATCH] == -10 * VERDICT_AMOUNTS[Verdict.MATCH]
    assert VERDICT_AMOUNTS[Verdict.INCONCLUSIVE] == 0
    assert VERDICT_AMOUNTS.keys() == set(Verdict)
    assert all(abs(amount) <= MAX_RATING for amount in VERDICT_AMOUNTS.values())


def test_cheating_in_a_tenth_of_the_jobs_gains_nothing_and_honesty_costs_a_thousandth():
    def earned(mismatches: int, jobs: int) -> int:
        matched = (jobs - mismatches) * VERDICT_AMOUNTS[Verdict.MATCH]
        return matched + mismatches * VERDICT_AMOUNTS[Verdict.MISMATCH]

    assert earned(1_000, 10_000) <= 0
    assert earned(1, 10_000) > 0.998 * earned(0, 10_000)


def test_a_receipt_is_known_by_the_first_20_bytes_of_its_digest():
    assert receipt_name(bytes(range(32))) == bytes(range(20))

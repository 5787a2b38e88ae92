"""What verification jobs are deployed with, and who finds none."""

from dataclasses import replace

import pytest

from chainrep.chain.deploy import BURNED, JOB_TERMS, MAX_SEAT_BOND, JobTerms
from chainrep.chain.verification_jobs import VerificationJobs
from chainrep.errors import InputError, NotDeployed


@pytest.mark.parametrize(
    "change",
    [
        {"draw_time": 0},
        {"seal_time": 90 * 86_400 + 1},
        {"open_time": 0},
        {"appeal_time": -1},
        {"fine": JOB_TERMS.seat_bond // 2 + 1},
        {"fine": -1},
        {"seat_bond": MAX_SEAT_BOND + 1},
        {"beacon_blocks": 0},
        {"beacon_blocks": 7_201},
    ],
    ids=str,
)
def test_terms_by_which_no_job_could_live_are_refused_before_anything_is_deployed(change):
    with pytest.raises(InputError):
        replace(JOB_TERMS, **change)


def test_a_deployment_is_bound_to_the_terms_that_were_asked_for(session):
    rules = session.jobs().rules
    assert (rules.beacon, rules.sink) == (session.deployment.beacon, BURNED)
    times = (rules.draw_time, rules.seal_time, rules.open_time, rules.appeal_time)
    assert times == (3_600, 3_600, 3_600, 86_400)
    assert (rules.seat_bond, rules.fine) == (JOB_TERMS.seat_bond, JOB_TERMS.fine)
    assert rules.notice == JOB_TERMS.notice == 8 * 4 * 3_600 + 2 * 86_400


def test_the_longest_times_still_leave_a_notice_that_the_contract_takes():
    longest = 90 * 86_400
    assert JobTerms(draw_time=longest, seal_time=longest, open_time=longest,
                    appeal_time=longest).notice < 10 * 365 * 86_400  # fmt: skip


def test_an_older_deployment_has_no_jobs(session):
    older = replace(session.deployment, verification_jobs="", beacon="")
    with pytest.raises(NotDeployed, match="earlier version"):
        VerificationJobs(session.client, older)

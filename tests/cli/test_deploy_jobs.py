"""`chainrep deploy` where verification jobs are concerned."""

import json

import pytest
from click.testing import CliRunner

from chainrep.cli.app import cli
from chainrep.config import read_config
from chainrep.errors import InputError
from chainrep.session import open_session


def deploy(home, rpc, *options):
    command = ["deploy", "--home", str(home), "--rpc", rpc, "--json", *options]
    return CliRunner().invoke(cli, command, catch_exceptions=False, standalone_mode=False)


def test_jobs_are_bound_to_the_terms_that_were_asked_for(tmp_path, embedded_url):
    shown = deploy(
        tmp_path, embedded_url, "--seat-bond", "0.5", "--fine", "0.25", "--draw-time", "120",
        "--seal-time", "60", "--open-time", "61", "--appeal-time", "20", "--beacon-blocks", "2",
    )  # fmt: skip
    jobs = open_session(read_config(str(tmp_path), embedded_url)).jobs()
    rules = jobs.rules
    assert (rules.seat_bond, rules.fine) == (5 * 10**17, 25 * 10**16)
    times = (rules.draw_time, rules.seal_time, rules.open_time, rules.appeal_time)
    assert times == (120, 60, 61, 20)
    found = json.loads(shown.stdout)
    assert (found["verification_jobs"], found["beacon"]) == (jobs.contract.address, rules.beacon)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--fine", "0.06"), "at most half"),
        (("--seat-bond", "5000"), "below 4,722"),
        (("--seat-bond", "lots"), "no amount"),
    ],
)
def test_terms_that_cannot_be_are_refused_before_a_chain_is_asked(tmp_path, options, reason):
    with pytest.raises(InputError, match=reason):
        deploy(tmp_path, "http://127.0.0.1:9", *options)

"""`chainrep deploy` and `node run` where reputations are concerned: what they refuse and note."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from chainrep.chain.address_book import load_deployment, save_deployment
from chainrep.chain.reputation_roots import ReputationRoots
from chainrep.cli.app import cli
from chainrep.cli.epoch_plan import plan_epochs
from chainrep.config import read_config
from chainrep.errors import ConfigError, InputError, KeystoreError
from chainrep.node.epochs import EpochPolicy
from chainrep.reputation.formula import formula_hash, read_formula
from chainrep.session import EPOCH_KEEPER, OWNER, dev_accounts, open_session, published_committee
from tests.tools import serving

SEEDS = [account.address for account in dev_accounts(8)[6:]]


@pytest.fixture(scope="module")
def rpc():
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def home(rpc, tmp_path_factory):
    """The home folder in which `chainrep deploy` was run, with terms of its own."""
    folder = tmp_path_factory.mktemp("home")
    options = [part for seed in SEEDS for part in ("--seed", seed)]
    done = invoke(
        folder, rpc, "deploy", *options, "--epoch-seconds", "3600", "--window", "60",
        "--settle-time", "120", "--bond", "0.5", "--json",
    )  # fmt: skip
    assert json.loads(done.stdout)["new"]
    return folder


def invoke(home, rpc, *arguments):
    options = ["--home", str(home), "--rpc", rpc]
    at = 2 if arguments[0] == "node" else 1
    command = [*arguments[:at], *options, *arguments[at:]]
    return CliRunner().invoke(cli, command, catch_exceptions=False, standalone_mode=False)


def refused(home, rpc, *options):
    with pytest.raises((InputError, ConfigError, KeystoreError)) as caught:
        invoke(home, rpc, "node", "run", "--port", "0", "--no-relay", *options)
    return str(caught.value)


def test_deploy_binds_the_contract_to_the_formula_of_the_seeds_and_notes_it(home, rpc):
    session = open_session(read_config(str(home), rpc))
    rules = session.roots().rules
    formula = session.formula(session.roots())
    assert list(formula.seeds) == sorted(seed.lower() for seed in SEEDS)
    assert rules.formula_hash == formula_hash(formula)
    times = (rules.epoch_seconds, rules.window, rules.settle_time)
    assert (times, rules.bond) == ((3_600, 60, 120), 5 * 10**17)


def test_without_seeds_reputation_starts_from_the_committee(session, tmp_path):
    from chainrep.session import deploy_new

    client, key = session.client, dev_accounts(1)[OWNER].private_key
    config = read_config(str(tmp_path))
    committee = published_committee(client)
    deploy_new(config, client, key, committee)
    book = load_deployment(config.deployments, client.chain_id, client.genesis)
    seeds = read_formula(book.formula.encode()).seeds
    assert list(seeds) == sorted(member.lower() for member in committee.members)
    rules = ReputationRoots(client, book).rules
    assert (rules.epoch_seconds, rules.bond) == (7 * 86_400, 10**17)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seed", "0xab"), "--seed"),
        (("--seed", SEEDS[0], "--seed", SEEDS[0].lower()), "twice"),
        (("--bond", "0"), "--bond"),
    ],
)
def test_deploy_refuses_terms_that_cannot_be(home, rpc, options, words):
    with pytest.raises(InputError, match=words):
        invoke(home, rpc, "deploy", "--again", *options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-bonds", "1"), "go with --epochs"),
        (("--resume-bonds",), "go with --epochs"),
        (("--epochs", "serve", "--max-bonds", "1"), "puts up no bonds"),
        (("--epochs", "serve", "--resume-bonds"), "puts up no bonds"),
        (("--epochs", "watch", "--max-bonds", "0.1"), "at least 1 bonds"),
        (("--epochs", "propose", "--max-bonds", "0.5"), "at least 2 bonds"),
        (("--epochs", "propose", "--public-url", "ftp://x"), "--public-url"),
        (("--epochs", "propose", "--public-url", "http://" + "x" * 200), "--public-url"),
        (("--epochs", "watch", "--bond-key", "nobody"), "nobody"),
    ],
)
def test_a_node_is_refused_options_that_do_not_go_together(home, rpc, options, words):
    assert words in refused(home, rpc, *options)


def test_a_deployment_without_a_formula_is_told_before_the_node_starts(home, rpc, tmp_path):
    config = read_config(str(home), rpc)
    session = open_session(config)
    old = replace(session.deployment, formula="")
    save_deployment(tmp_path / "deployments", old)
    path = tmp_path / "deployments" / f"{old.chain_id}.json"
    fields = json.loads(path.read_text())
    del fields["formula"]  # as the earlier versions wrote it
    path.write_text(json.dumps(fields))
    assert "names no formula" in refused(tmp_path, rpc, "--epochs", "serve")


def test_the_relayers_account_puts_up_no_bonds(home, rpc):
    session = open_session(read_config(str(home), rpc))
    key = dev_accounts(10)[EPOCH_KEEPER].private_key
    with pytest.raises(InputError, match="two senders"):
        plan_epochs(session, True, False, None, None, "", None, str, key, {})
    assert plan_epochs(
        session, True, False, None, None, "", None, str, None, {}, resume_bonds=True
    ).policy.resume
    plan = plan_epochs(session, True, True, None, None, "http://a.example/", None, str, None, {})
    assert (plan.private_key, plan.policy) == (
        key, EpochPolicy(True, 4 * session.roots().rules.bond, "http://a.example"),
    )  # fmt: skip

"""`chainrep sources top` with a chain, and from the local index once none answers."""

import json
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from chainrep.chain.client import connect
from chainrep.chain.devnet import dev_accounts
from chainrep.cli.app import cli
from chainrep.config import read_config
from chainrep.errors import ChainUnreachable
from chainrep.session import bind_session, deploy_new, published_committee
from tests.node.chain_writer import ChainWriter
from tests.tools import serving

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def home(client, tmp_path):
    config = read_config(str(tmp_path))
    key = dev_accounts(1)[0].private_key
    deployment = deploy_new(config, client, key, published_committee(client))
    writer = ChainWriter(bind_session(config, client, deployment))
    writer.register("https://a.example", "https://b.example", "https://c.example")
    writer.judge({1: (300, 100, 0, 400), 2: (100, 0, 100, 100)})
    writer.session.registry.retire(3, dev_accounts(5)[4].private_key)
    return tmp_path


@pytest.fixture
def url(client):
    with serving(client.w3.provider) as url:
        yield url


def top(home, url, *options):
    arguments = ["sources", "top", "--home", str(home), "--rpc", url, *options]
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)


def test_the_best_sources_are_told_with_what_they_are_at_least(home, url):
    run = top(home, url, "--json")
    one, two = json.loads(run.stdout)
    assert (one["source"], one["reliability"], one["evidence"]) == (1, 4 / 6, 4.0)
    assert (two["source"], two["reliability"]) == (2, 2 / 3)
    assert 0 < two["lower_bound"] < one["lower_bound"] < one["reliability"]
    assert one["supported"] == 300
    assert one["block"] == connect(url).w3.eth.block_number
    assert one["as_of"] == connect(url).now()
    assert run.stderr.strip() == ""
    table = top(home, url).stdout
    assert "lower bound" in table
    assert "https://c.example" not in table


def test_old_evidence_fades_with_the_half_life_that_is_asked_for(home, url, monkeypatch):
    as_of = json.loads(top(home, url, "--json").stdout)[0]["as_of"]
    later = SimpleNamespace(time=lambda: as_of + 10 * 86_400.0)
    monkeypatch.setattr("chainrep.cli.sources.time", later)
    one, two = json.loads(top(home, url, "--half-life", "10", "--json").stdout)
    assert (one["evidence"], two["evidence"]) == (pytest.approx(2, 1e-3), pytest.approx(0.5, 1e-3))
    assert one["supported"] == 300
    with pytest.raises(click.BadParameter, match="0"):
        top(home, url, "--half-life", "0")


def test_while_no_chain_answers_the_local_index_tells_how_things_stood(home, url):
    known = json.loads(top(home, url, "--json").stdout)
    run = top(home, NOBODY, "--json")
    assert json.loads(run.stdout) == known
    assert "No chain answers" in run.stderr
    assert f"as of block {known[0]['block']}, 20" in run.stderr


def test_without_an_index_either_the_chain_is_what_is_missing(home, tmp_path):
    with pytest.raises(ChainUnreachable):
        top(home, NOBODY)
    with pytest.raises(ChainUnreachable):
        top(tmp_path / "empty", NOBODY)


def test_little_known_sources_can_be_left_out(home, url):
    assert [s["source"] for s in json.loads(top(home, url, "--json", "--limit", "1").stdout)] == [1]
    assert "No source has" in top(home, url, "--min-evidence", "5").stdout

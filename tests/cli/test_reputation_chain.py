"""`chainrep reputation` with a chain: vouch, rate, propose, prove, and check as a stranger."""

import json

import pytest
from click.testing import CliRunner

from chainrep.cli.app import cli
from chainrep.errors import InputError
from chainrep.node.epoch_files import rating_lines
from chainrep.protocol.epoch import epoch_at
from tests.node.epoch_town import LIAR, READER, SEED, SOURCE_OWNER, TERMS, Town


@pytest.fixture
def town(anvil_url, tmp_path):
    return Town(anvil_url, tmp_path)


@pytest.fixture
def run(town):
    config = town.session.config

    def run(*arguments, stdin=None):
        options = ["--home", str(config.home), "--rpc", config.rpc]
        command = ["reputation", *map(str, arguments), *options]
        return CliRunner().invoke(
            cli, command, input=stdin, catch_exceptions=False, standalone_mode=False
        )

    return run


def speak(run, town):
    run("vouch", READER.address, "--weight", "9", "--account", "1")
    run("rate", town.source, "--supported", "3", "--account", "6")


def test_what_is_said_is_proposed_proven_and_checked_by_anybody(town, run, tmp_path):
    vouched = run("vouch", READER.address, "--weight", "9", "--account", "1")
    assert f"Vouched for {READER.address} with 9.00 units" in vouched.stdout
    rated = json.loads(
        run("rate", town.source, "--supported", "3", "--account", "6", "--json").stdout
    )
    assert rated["gas"] > 20_000
    epoch = town.end_epoch()

    computed = json.loads(run("compute", "--json").stdout)
    assert computed["epoch"] == epoch
    path = [account.address.lower() for account in (SEED, READER, SOURCE_OWNER)]
    assert {*path} <= {row["account"] for row in computed["scores"]}
    why = json.loads(run("explain", SOURCE_OWNER.address, "--json").stdout)
    assert [each["accounts"] for each in why["paths"]] == [path]

    unproposed = run("verify", "--json")
    assert (unproposed.return_value, json.loads(unproposed.stdout)["state"]) == (1, "open")
    proposed = json.loads(run("propose", "--yes", "--json").stdout)
    assert (proposed["epoch"], proposed["root"]) == (epoch, computed["root"])
    with pytest.raises(InputError, match="has a pending root already, the same one"):
        run("propose", "--yes")
    checked = run("verify")
    assert (checked.return_value, "pending root" in checked.stdout) == (None, True)

    early = run("prove", SOURCE_OWNER.address, "--out", tmp_path / "proof.json")
    assert "no contract takes the proof yet" in early.stderr
    assert run("verify", tmp_path / "proof.json").return_value == 1
    assert run("verify", tmp_path / "proof.json", "--root", computed["root"]).return_value is None
    town.pass_time(TERMS.window)
    town.roots.finalize(epoch, LIAR.private_key)
    final = run("verify", tmp_path / "proof.json")
    assert final.return_value is None
    assert "Proven under the final root" in final.stdout
    assert "contracts take this proof" in run("prove", READER.address).stderr

    absent = run("prove", LIAR.address, "--json").stdout
    assert json.loads(absent)["score"] == 0
    assert "has no score" in run("verify", "-", stdin=absent).stdout
    lie = absent.replace('"score": 0', '"score": 5', 1)
    assert run("verify", "-", stdin=lie).return_value == 1


def test_a_false_root_is_told_by_whoever_computes_the_epoch(town, run, tmp_path):
    speak(run, town)
    epoch = town.end_epoch()
    town.lie(epoch)
    found = run("verify", "--epoch", epoch, "--json")
    assert found.return_value == 1
    fields = json.loads(found.stdout)
    assert fields["fits"] is False
    assert fields["root"] == "0x" + "66" * 20 != fields["computed_root"]
    assert "is not what its ratings give" in run("verify").stdout
    assert "it is false" in run("prove", READER.address).stderr

    node = town.node("stranger")
    node.index()
    ratings = tmp_path / "ratings.csv"
    reader = node.session.epoch_reader(node.db, town.roots)
    ratings.write_text("".join(rating_lines(reader.compute(epoch).ratings)))
    copied = json.loads(run("verify", "--ratings", ratings, "--json").stdout)
    assert copied["computed_root"] == fields["computed_root"]
    assert copied["computed_snapshot_hash"] == fields["computed_snapshot_hash"]


def test_mistakes_with_the_chain_are_told(town, run, tmp_path):
    present = epoch_at(town.client.now(), TERMS.epoch_seconds).number
    with pytest.raises(InputError, match="No epoch is over yet"):
        run("compute")
    town.end_epoch()
    for number in (present + 1, present - 1):
        with pytest.raises(InputError, match=f"Epoch {number} is none of those that are over"):
            run("prove", READER.address, "--epoch", number)
    for weight, expected in (("400", "must lie in"), ("0", "says nothing"), ("nan", "must lie")):
        with pytest.raises(InputError, match=expected):
            run("vouch", READER.address, "--weight", weight)
    with pytest.raises(InputError, match="is no address"):
        run("vouch", "0x12", "--weight", "1")
    with pytest.raises(InputError, match="says something"):
        run("rate", town.source)
    with pytest.raises(InputError, match="say who signs"):
        run("vouch", READER.address, "--weight", "1", "--account", "1", "--key", "mine")
    with pytest.raises(InputError, match="--root goes with a PROOF"):
        run("verify", "--root", "0x" + "00" * 20)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match="no proof of a score"):
        run("verify", tmp_path / "bad.json")
    with pytest.raises(InputError, match="do not go with a PROOF"):
        run("verify", tmp_path / "bad.json", "--epoch", "1")

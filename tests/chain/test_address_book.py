import json
from dataclasses import asdict, replace

import pytest

from chainrep.chain.address_book import (
    MAX_FORMULA_BYTES,
    Deployment,
    load_deployment,
    only_deployment,
    parse_deployment,
    save_deployment,
)
from chainrep.chain.devnet import dev_accounts
from chainrep.errors import ConfigError, NotDeployed

A, B, C = (account.address for account in dev_accounts(3))
DEPLOYMENT = Deployment(31337, "0x" + "ab" * 32, 0, A, B, C, A, [C], 1)


def test_a_deployment_is_found_again(tmp_path):
    save_deployment(tmp_path, DEPLOYMENT)
    assert load_deployment(tmp_path, 31337, DEPLOYMENT.genesis) == DEPLOYMENT
    assert only_deployment(tmp_path, None) == DEPLOYMENT


def test_the_ledger_has_a_caip_10_id_marked_with_its_genesis():
    assert DEPLOYMENT.ledger_id == f"eip155:31337:{B}:0xabababababababab"


def test_a_chain_without_deployment_is_told_how_to_get_one(tmp_path):
    with pytest.raises(NotDeployed, match="chainrep deploy"):
        load_deployment(tmp_path, 31337, DEPLOYMENT.genesis)
    with pytest.raises(NotDeployed, match="chainrep deploy"):
        only_deployment(tmp_path, None)


def test_a_chain_that_began_anew_is_not_mistaken_for_the_old_one(tmp_path):
    save_deployment(tmp_path, DEPLOYMENT)
    with pytest.raises(NotDeployed, match="began anew"):
        load_deployment(tmp_path, 31337, "0x" + "cd" * 32)


def test_without_a_chain_only_its_id_tells_one_deployment_from_another(tmp_path):
    save_deployment(tmp_path, DEPLOYMENT)
    save_deployment(tmp_path, replace(DEPLOYMENT, chain_id=5))
    with pytest.raises(ConfigError, match="--chain-id"):
        only_deployment(tmp_path, None)
    assert only_deployment(tmp_path, 5).chain_id == 5


def test_an_address_book_under_another_chains_name_is_refused(tmp_path):
    save_deployment(tmp_path, DEPLOYMENT).rename(tmp_path / "5.json")
    with pytest.raises(ConfigError, match="number"):
        load_deployment(tmp_path, 5, DEPLOYMENT.genesis)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"chain_id": 1}', " " * 70_000, None],
)
def test_a_damaged_address_book_is_named(tmp_path, text):
    path = save_deployment(tmp_path, DEPLOYMENT)
    lowered = path.read_text().replace(A, A.lower())
    path.write_text(lowered if text is None else text)
    with pytest.raises(ConfigError, match=r"31337\.json cannot be read"):
        load_deployment(tmp_path, 31337, DEPLOYMENT.genesis)


def test_the_formula_stands_in_the_address_book_and_old_ones_have_none(tmp_path):
    bound = replace(DEPLOYMENT, formula='{"seeds":[]}')
    path = save_deployment(tmp_path, bound)
    assert load_deployment(tmp_path, 31337, DEPLOYMENT.genesis) == bound
    fields = json.loads(path.read_text())
    del fields["formula"]
    path.write_text(json.dumps(fields))
    assert load_deployment(tmp_path, 31337, DEPLOYMENT.genesis) == DEPLOYMENT


def test_an_address_book_from_before_there_were_verdicts_is_read(tmp_path):
    whole = replace(DEPLOYMENT, verdict_ledger=B)
    path = save_deployment(tmp_path, whole)
    assert load_deployment(tmp_path, 31337, DEPLOYMENT.genesis) == whole
    assert whole.contracts["VerdictLedger"] == B
    fields = json.loads(path.read_text())
    del fields["verdict_ledger"]
    path.write_text(json.dumps(fields))
    old = load_deployment(tmp_path, 31337, DEPLOYMENT.genesis)
    assert old == DEPLOYMENT
    assert "VerdictLedger" not in old.contracts


def test_an_address_book_from_before_there_were_jobs_is_read(tmp_path):
    whole = replace(DEPLOYMENT, verification_jobs=B, beacon=C)
    path = save_deployment(tmp_path, whole)
    assert load_deployment(tmp_path, 31337, DEPLOYMENT.genesis) == whole
    found = (whole.contracts["VerificationJobs"], whole.contracts["PrevrandaoBeacon"])
    assert found == (B, C)
    fields = json.loads(path.read_text())
    del fields["verification_jobs"], fields["beacon"]
    path.write_text(json.dumps(fields))
    old = load_deployment(tmp_path, 31337, DEPLOYMENT.genesis)
    assert old == DEPLOYMENT
    assert old.contracts == DEPLOYMENT.contracts == old.indexed


def test_the_index_leaves_the_events_of_jobs_to_whoever_takes_part_in_them():
    whole = replace(DEPLOYMENT, verdict_ledger=A, verification_jobs=B, beacon=C)
    assert whole.contracts.keys() - whole.indexed.keys() == {
        "VerificationJobs", "PrevrandaoBeacon",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["verification_jobs", "beacon"])
@pytest.mark.parametrize("place", [None, 0, "0x12", A.lower()])
def test_a_place_of_jobs_that_is_no_address_is_refused(name, place):
    with pytest.raises(ValueError, match=r"is no text|no valid checksum"):
        parse_deployment(json.dumps(asdict(DEPLOYMENT) | {name: place}).encode())


@pytest.mark.parametrize("place", [None, 0, [], "0x12", A.lower()])
def test_a_verdict_ledger_that_is_no_address_is_refused(place):
    fields = asdict(DEPLOYMENT) | {"verdict_ledger": place}
    with pytest.raises(ValueError, match=r"is no text|no valid checksum"):
        parse_deployment(json.dumps(fields).encode())


@pytest.mark.parametrize("formula", [None, 1, ["x"], "x" * (MAX_FORMULA_BYTES + 1)])
def test_what_is_no_formula_of_a_possible_size_is_refused(formula):
    content = json.dumps(asdict(DEPLOYMENT) | {"formula": formula}).encode()
    with pytest.raises(ValueError, match="formula"):
        parse_deployment(content)

"""Reputations over HTTP: proofs that hold, ratings that give the same epoch again, refusals."""

import time

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from chainrep.errors import StoreError
from chainrep.node.computed_epoch import compute_epoch
from chainrep.node.epoch_files import KEPT, EpochFiles
from chainrep.protocol.epoch import Epoch
from chainrep.protocol.reputation_tree import ScoreProof, TreeDomain, proven_score
from chainrep.reputation.formula import Formula, formula_hash
from chainrep.reputation.rating_file import read_ratings
from chainrep.reputation.ratings import Ratings, with_accounts
from chainrep.service.reputation import reputation_routes

SEED, FRIEND, STRANGER, WARNED = (f"0x{i:02x}" + "ab" * 19 for i in (1, 2, 3, 4))
NOBODY = "0x" + "cd" * 20
FORMULA = Formula((SEED,))
HOUR = 3_600
RATINGS = Ratings(
    (SEED, FRIEND, STRANGER, WARNED),
    np.array([0, 1, 0, 0], np.int32),
    np.array([1, 2, 3, 3], np.int32),
    np.array([1_000, 250, 5, -305], np.int64),
    np.array([100, 3_500, 3_599, 3_599], np.int64),
)


def domain(epoch):
    return TreeDomain(31_337, "0x" + "11" * 20, epoch, formula_hash(FORMULA))


def computed(epoch=0, ratings=RATINGS):
    return compute_epoch(Epoch(epoch, HOUR), ratings, FORMULA, domain(epoch))


@pytest.fixture
def files(tmp_path):
    return EpochFiles(tmp_path / "epochs")


@pytest.fixture
def http(files):
    return TestClient(Starlette(routes=reputation_routes(files)))


def keep(files, epoch=0):
    found = computed(epoch)
    files.keep(found, found.root, found.snapshot_hash)
    return found


def proof_in(content):
    proof = content["proof"]
    siblings = bytes.fromhex(proof["siblings"][2:])
    return ScoreProof(proof["account"], proof["score"], proof["next"], siblings)


@pytest.mark.parametrize("account", [SEED, FRIEND, STRANGER])
def test_a_score_comes_with_a_proof_that_holds(files, http, account):
    found = keep(files)
    content = http.get(f"/reputation/0/{account}").json()
    assert content["present"]
    assert content["score"] > 0
    assert content["root"] == "0x" + found.root.hex()
    assert proven_score(domain(0), proof_in(content), found.root, account) == content["score"]


@pytest.mark.parametrize("account", [WARNED, NOBODY])
def test_an_account_without_a_score_is_proven_to_have_none(files, http, account):
    found = keep(files)
    content = http.get(f"/reputation/latest/{account}").json()
    assert (content["present"], content["score"]) == (False, 0)
    assert proven_score(domain(0), proof_in(content), found.root, account) == 0


def test_a_stranger_computes_the_same_root_from_the_ratings(files, http, tmp_path):
    found = keep(files)
    answer = http.get("/reputation/0/ratings")
    assert answer.headers["content-type"].startswith("text/csv")
    path = tmp_path / "stranger.csv"
    path.write_bytes(answer.content)
    ratings = with_accounts(read_ratings(path, int(time.time())), FORMULA.seeds)
    again = computed(ratings=ratings)
    assert (again.root, again.snapshot_hash) == (found.root, found.snapshot_hash)


def test_ratings_can_be_had_before_the_root_is_final_but_no_proof(files, http):
    files.keep_ratings(computed())
    assert http.get("/reputation/0/ratings").status_code == 200
    assert http.get(f"/reputation/0/{SEED}").status_code == 404
    assert http.get("/reputation/epochs").json() == {"epochs": []}


def test_the_final_epochs_are_listed_the_latest_first(files, http):
    roots = ["0x" + keep(files, epoch).root.hex() for epoch in (0, 1)]
    listed = http.get("/reputation/epochs").json()["epochs"]
    assert [entry["epoch"] for entry in listed] == [1, 0]
    assert [entry["root"] for entry in listed] == roots[::-1]
    assert listed[0]["computed_here"]


def test_no_proof_is_made_under_a_root_that_was_not_computed_here(files, http):
    found = computed()
    files.keep(found, b"\x66" * 20, found.snapshot_hash)
    answer = http.get(f"/reputation/0/{SEED}")
    assert (answer.status_code, "Another root" in answer.text) == (409, True)
    (listed,) = http.get("/reputation/epochs").json()["epochs"]
    assert (listed["root"], listed["computed_here"]) == ("0x" + "66" * 20, False)


def test_proofs_are_made_in_the_latest_epochs_only(files, http):
    for epoch in range(KEPT + 1):
        keep(files, epoch)
    assert http.get(f"/reputation/0/{SEED}").status_code == 410
    assert http.get(f"/reputation/1/{SEED}").status_code == 200
    assert http.get("/reputation/0/ratings").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("x/ratings", 400), (f"{2**40}/ratings", 400), ("-1/ratings", 400), ("7/ratings", 404),
     (f"7/{SEED}", 404), ("0/0xab", 400), ("0/0x" + "00" * 20, 400), ("9" * 99 + "/ratings", 400),
     ("..%2f0/ratings", 404), ("latest/ratings", 200)],
)  # fmt: skip
def test_what_is_no_epoch_or_address_is_refused_in_a_sentence(files, http, path, status):
    keep(files)
    assert http.get(f"/reputation/{path}").status_code == status


def test_a_damaged_tree_is_not_served_and_names_no_path(files, http, tmp_path):
    keep(files)
    path = tmp_path / "epochs" / "0.tree"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    answer = http.get(f"/reputation/0/{SEED}")
    assert (answer.status_code, str(tmp_path) in answer.text) == (500, False)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"epoch": 0, "root": "0xzz"}', b"\xff"])
def test_a_damaged_note_of_an_epoch_is_told(files, http, tmp_path, content):
    keep(files)
    (tmp_path / "epochs" / "0.json").write_bytes(content)
    with pytest.raises(StoreError, match="Delete it"):
        files.epoch(0)
    assert http.get(f"/reputation/0/{SEED}").status_code == 500
    assert http.get("/reputation/epochs").status_code == 500


def test_a_restart_finds_what_was_kept_and_no_half_file(files, tmp_path):
    found = keep(files)
    again = EpochFiles(tmp_path / "epochs")
    assert again.decided(0)
    assert again.tree(again.epoch(0)).root == found.root
    names = sorted(path.name for path in (tmp_path / "epochs").iterdir())
    assert names == ["0.csv", "0.json", "0.tree"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "epochs").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        EpochFiles(tmp_path / "epochs").keep_ratings(computed())

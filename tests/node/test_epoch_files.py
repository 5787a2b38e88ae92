"""An epoch's files: whatever is missing or damaged is computed again, also while the node runs."""

import numpy as np
import pytest

from chainrep.node.computed_epoch import compute_epoch
from chainrep.node.epoch_files import KEPT, EpochFiles
from chainrep.protocol.epoch import Epoch
from chainrep.protocol.reputation_tree import TreeDomain
from chainrep.reputation.formula import Formula, formula_hash
from chainrep.reputation.rating_file import read_ratings
from chainrep.reputation.ratings import Ratings

FORMULA = Formula(("0x01" + "ab" * 19,))


@pytest.fixture(scope="module")
def computed():
    ratings = Ratings(
        ("0x01" + "ab" * 19, "0x02" + "ab" * 19),
        np.array([0], np.int32), np.array([1], np.int32),
        np.array([1_000], np.int64), np.array([100], np.int64),
    )  # fmt: skip
    domain = TreeDomain(31_337, "0x" + "11" * 20, 3, formula_hash(FORMULA))
    return compute_epoch(Epoch(3, 3_600), ratings, FORMULA, domain)


@pytest.fixture
def files(tmp_path, computed):
    found = EpochFiles(tmp_path)
    found.keep(computed, computed.root, computed.snapshot_hash)
    assert found.decided(3)
    return found


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("name", ["3.json", "3.tree", "3.csv"])
@pytest.mark.parametrize("damage", ["deleted", "emptied"])
def test_an_epoch_of_which_a_file_is_missing_is_undecided_until_it_is_kept_again(
    files, computed, tmp_path, name, damage, restarted
):
    path = tmp_path / name
    path.unlink() if damage == "deleted" else path.write_bytes(b"")
    looked = EpochFiles(tmp_path) if restarted else files
    assert not looked.decided(3)
    looked.keep(computed, computed.root, computed.snapshot_hash)
    assert looked.decided(3)
    assert looked.tree(looked.epoch(3)).root == computed.root
    assert len(read_ratings(looked.ratings(3), 3_600).rater) == 1


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("3.tree", lambda content: content[:-1] + bytes([content[-1] ^ 1])),
        ("3.tree", lambda content: content[:-1]),
        ("3.json", lambda content: content[:-9]),
        ("3.json", lambda content: b"[" * 4_000),
        ("3.json", lambda content: content.replace(b'"epoch": 3', b'"epoch": 4')),
        ("3.json", lambda content: content.replace(b'"accounts": 2', b'"accounts": 1')),
        ("3.json", lambda content: content.replace(b'"root": "0x', b'"root": "0x00')),
        ("3.csv", lambda content: content[2:]),
        ("3.csv", lambda content: content[:-1]),
    ],
)
def test_a_damaged_file_makes_its_epoch_undecided_and_is_told(
    files, tmp_path, caplog, name, change, restarted
):
    path = tmp_path / name
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before
    looked = EpochFiles(tmp_path) if restarted else files
    assert not looked.decided(3)
    assert not looked.decided(3)
    assert caplog.text.count("epoch 3 is to be computed anew") == 1


def test_a_whole_epoch_is_read_once_and_then_only_looked_at(files, monkeypatch):
    monkeypatch.setattr("chainrep.node.epoch_files.read_scores", None)
    assert files.decided(3)


def test_the_tree_of_an_epoch_without_proofs_is_judged_by_its_length(files, tmp_path):
    (tmp_path / f"{3 + KEPT}.json").write_text("{}")
    path = tmp_path / "3.tree"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert EpochFiles(tmp_path).decided(3)
    path.write_bytes(content[:-1])
    assert not EpochFiles(tmp_path).decided(3)


def test_an_epoch_in_which_another_root_became_final_is_decided_too(tmp_path, computed):
    files = EpochFiles(tmp_path)
    files.keep(computed, b"\x66" * 20, b"\x77" * 32)
    assert files.decided(3)
    (tmp_path / "3.differs.tree").unlink()
    assert not files.decided(3)
    assert not files.decided(4)


def test_the_folders_of_epochs_are_their_owners_only(tmp_path, computed):
    folder = tmp_path / "home" / "epochs" / "ledger"
    EpochFiles(folder).keep_ratings(computed)
    assert {f.stat().st_mode & 0o777 for f in (folder, *folder.parents[:2])} == {0o700}

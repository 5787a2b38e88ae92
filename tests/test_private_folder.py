"""What a command keeps is for its user only, whichever command comes first."""

import os
import stat

import pytest
from click.testing import CliRunner

from chainrep.chain.address_book import Deployment, save_deployment
from chainrep.chain.keystore_file import write_keystore
from chainrep.chain.local_chain import sole_use
from chainrep.cli.app import cli
from chainrep.private_folder import make_private
from chainrep.protocol.evidence import EvidenceRecord
from chainrep.protocol.types import FeedbackKind
from chainrep.store.db import open_store
from chainrep.store.evidence import EvidenceStore
from rag.jobs.kept_files import KeptFiles
from rag.source.index_folder import IndexFolder
from tests.tools import lines

RECORD = EvidenceRecord(bytes(32), 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1_700_000_000)
DEPLOYMENT = Deployment(31_337, "0x", 1, "0x", "0x", "0x", "0x", (), 1)


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def start_or_stop(folder):
    """What `devnet start`, `stop` and `reset` do first."""
    with sole_use(folder):
        pass


def mode(folder):
    return stat.S_IMODE(folder.stat().st_mode)


def test_a_folder_and_the_parents_it_lacks_are_its_owners_only(tmp_path):
    (tmp_path / "shared").mkdir(mode=0o755)
    wanted = tmp_path / "shared" / "home" / "trust" / "ledger"
    assert make_private(wanted) == [wanted.parent.parent, wanted.parent, wanted]
    assert {mode(folder) for folder in (wanted, *wanted.parents[:2])} == {0o700}
    assert mode(tmp_path / "shared") == 0o755, "what was there stays as it was"
    assert make_private(wanted) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        make_private(tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    "keep",
    [
        lambda home: open_store(home / "store.sqlite").close(),
        lambda home: save_deployment(home / "deployments", DEPLOYMENT),
        lambda home: write_keystore(home / "keys" / "relayer.json", {}),
        lambda home: EvidenceStore(home / "evidence").put([RECORD]),
        lambda home: start_or_stop(home / "devnet"),
        lambda home: KeptFiles(home / "jobs" / "chain"),
        lambda home: IndexFolder(home / "sources" / "chain" / "1"),
    ],
    ids=["store", "deployments", "keys", "evidence", "devnet", "jobs", "sources"],
)
def test_whoever_keeps_something_first_makes_the_home_folder_private(tmp_path, keep):
    home = tmp_path / "home"
    keep(home)
    made = [home, *(path for path in home.rglob("*") if path.is_dir())]
    assert {mode(folder) for folder in made} == {0o700}


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "new", "relayer", "--passphrase-fd"),
        ("devnet", "stop"),
        ("source", "conflicts"),
        ("feedback", "status"),
    ],
    ids=lambda command: command[0],
)
def test_no_command_makes_a_home_folder_that_others_can_look_into(tmp_path, command):
    home = tmp_path / "home"
    with lines("correct horse battery") as passphrase:
        given = (passphrase,) if command[-1].endswith("-fd") else ()
        CliRunner(env={"CHAINREP_HOME": str(home)}).invoke(cli, (*command, *given))
    assert {mode(path) for path in (home, *home.rglob("*")) if path.is_dir()} == {0o700}

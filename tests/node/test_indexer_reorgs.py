"""Reorganisations of a real anvil: afterwards the index is what a rebuild would be."""

import pytest

from chainrep.chain.binding import call_to
from chainrep.chain.client import Client, connect
from chainrep.chain.deploy import deploy_contracts
from chainrep.config import Config
from chainrep.errors import UnknownSource
from chainrep.session import bind_session
from chainrep.store.score_view import ScoreView
from tests.node.chain_writer import ACCOUNTS, MEMBERS, ChainWriter
from tests.node.meddler import Meddler
from tests.node.reading import RIGHT, WRONG, digest, indexer_in, seeded


@pytest.fixture
def writer(anvil_url, tmp_path):
    client = connect(anvil_url)
    place = deploy_contracts(client, ACCOUNTS[0].private_key, MEMBERS, 2)
    writer = ChainWriter(bind_session(Config(tmp_path / "home", anvil_url, None), client, place))
    writer.register("https://a.example", "https://b.example", "https://c.example")
    return writer


def write_some(writer, rng, blocks):
    """Fill about so many blocks with whatever comes."""
    for _ in range(blocks):
        kind = rng.choice(["judge", "judge", "judge", "register", "rate", "vouch", "empty"])
        if kind == "judge":
            given = {i: [rng.randrange(200) for _ in range(4)] for i in rng.sample([1, 2, 3], 2)}
            writer.judge(given)
        elif kind == "register":
            writer.register(f"https://{rng.getrandbits(64):x}.example")
        elif kind == "rate":
            writer.rate({rng.choice([1, 2, 3]): RIGHT})
        elif kind == "vouch":
            writer.vouch({ACCOUNTS[9].address: rng.randint(1, 100)})
        else:
            writer.rpc("evm_mine")


def reorganise(writer, depth, rng):
    """Replace the last blocks by others, the first and last of which hold a new source each."""
    registry = writer.session.registry.contract.functions
    replacing = []
    for offset in {0, depth - 1}:
        call = call_to(registry.register(f"https://{rng.getrandbits(64):x}.example"))
        sender = ACCOUNTS[5 + min(offset, 1)].address
        replacing.append([{"from": sender, "to": call["to"], "data": call["data"]}, offset])
    writer.rpc("anvil_reorg", depth, replacing)


def rebuilt(writer, path):
    indexer = indexer_in(writer, path)
    indexer.catch_up()
    return digest(indexer)


def test_after_a_reorganisation_of_any_depth_the_index_is_what_a_rebuild_would_be(writer, tmp_path):
    rng = seeded(11)
    write_some(writer, rng, 30)
    path = tmp_path / "store.sqlite"
    indexer = indexer_in(writer, path)
    indexer.catch_up()
    view = ScoreView(path, writer.deployment.ledger_id, half_life=3_600.0, clock=lambda: 2e9)
    for depth in range(1, 21):
        view.standings()
        reorganise(writer, depth, rng)
        if depth % 3 == 0:
            write_some(writer, rng, 2)
        indexer.catch_up()
        assert digest(indexer) == rebuilt(writer, tmp_path / f"{depth}.sqlite")
        anew = ScoreView(path, writer.deployment.ledger_id, half_life=3_600.0, clock=lambda: 2e9)
        assert view.standings() == anew.standings()
        assert (view.block, view.as_of) == (writer.head(), writer.client.now())
        scores = [standing.score for standing in view.standings().values()]
        assert scores == writer.session.ledger.scores([score.source for score in scores])
        write_some(writer, rng, 3)
        indexer.catch_up()
    assert all(checkpoint.verified for checkpoint in indexer.index.checkpoints())


def test_only_what_came_after_the_fork_is_read_again(writer, tmp_path):
    write_some(writer, seeded(3), 20)
    writer.judge({1: RIGHT})
    indexer = indexer_in(writer, tmp_path / "store.sqlite")
    indexer.catch_up()
    head = writer.head()
    reorganise(writer, 1, seeded(4))
    back = indexer.step()
    assert not back.at_head
    assert head - 7 < back.block < head
    assert indexer.step().events <= 7


def test_a_reorganisation_deeper_than_every_checkpoint_begins_anew(writer, tmp_path):
    path = tmp_path / "store.sqlite"
    snapshot = writer.rpc("evm_snapshot")
    write_some(writer, seeded(1), 10)
    indexer = indexer_in(writer, path)
    indexer.catch_up()
    indexer.index.db.execute(
        "DELETE FROM checkpoint WHERE block < (SELECT max(block) FROM checkpoint)"
    )
    writer.rpc("evm_revert", snapshot)
    write_some(writer, seeded(2), 12)
    assert indexer.step().block == writer.deployment.block - 1
    indexer.catch_up()
    assert digest(indexer) == rebuilt(writer, tmp_path / "fresh.sqlite")


def test_a_shorter_chain_with_other_blocks_is_gone_back_to(writer, tmp_path):
    write_some(writer, seeded(1), 3)
    snapshot = writer.rpc("evm_snapshot")
    for _ in range(6):
        writer.judge({1: RIGHT})
    indexer = indexer_in(writer, tmp_path / "store.sqlite")
    indexer.catch_up()
    writer.rpc("evm_revert", snapshot)
    for _ in range(3):
        writer.judge({2: WRONG})
    indexer.catch_up()
    assert digest(indexer) == rebuilt(writer, tmp_path / "fresh.sqlite")


def test_with_enough_confirmations_a_reorganisation_is_never_seen(writer, tmp_path):
    write_some(writer, seeded(5), 12)
    indexer = indexer_in(writer, tmp_path / "store.sqlite", confirmations=8)
    indexer.catch_up()
    before = indexer.index.cursor()
    reorganise(writer, 7, seeded(6))
    assert indexer.step().at_head
    assert indexer.index.cursor() == before


@pytest.mark.parametrize("method", ["eth_blockNumber", "eth_getBlockByNumber", "eth_getLogs",
                                    "eth_call"])  # fmt: skip
def test_a_reorganisation_in_the_middle_of_a_step_mixes_nothing(writer, tmp_path, method):
    """The blocks change before or after each kind of request that a step makes."""
    rng = seeded(8)
    write_some(writer, rng, 12)
    meddler = Meddler(writer.client)
    indexer = indexer_in(writer, tmp_path / "store.sqlite", Client(meddler, "anvil"))
    for moment in range(8):
        write_some(writer, rng, 2)
        left = [moment]

        def meddle(asked, params, response, left=left):
            if asked == method:
                left[0] -= 1
                if left[0] == -1:
                    reorganise(writer, 3, rng)
            return response

        meddler.meddle = meddle
        indexer.catch_up()
        meddler.meddle = lambda asked, params, response: response
        indexer.catch_up()
        assert digest(indexer) == rebuilt(writer, tmp_path / f"{moment}.sqlite")


def test_a_source_that_the_chain_took_back_is_unknown_again(writer, tmp_path):
    path = tmp_path / "store.sqlite"
    writer.register("https://gone.example")
    indexer = indexer_in(writer, path)
    indexer.catch_up()
    view = ScoreView(path, writer.deployment.ledger_id)
    assert view.standing(4).evidence == 0
    writer.rpc("anvil_reorg", 1, [])
    writer.rpc("evm_mine")
    indexer.catch_up()
    with pytest.raises(UnknownSource, match="id 4"):
        view.standing(4)

"""Reading epochs from the index: what a server says is compared before anything is judged by it."""

import itertools
from types import SimpleNamespace

import pytest

from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.chain.fees import Fees
from chainrep.config import Config
from chainrep.errors import ChainError, FalseAnswer
from chainrep.node import epoch_reader
from chainrep.node.indexer import MAX_LAG, Indexer
from chainrep.protocol.types import ScoreUpdate
from chainrep.session import bind_session
from chainrep.store.db import open_store
from tests.node.epoch_town import ACCOUNTS, READER, SEED, SOURCE_OWNER, TERMS, Town, own_anvil
from tests.node.meddler import Meddler

OTHERS = 11


@pytest.fixture(scope="module")
def first_day(tmp_path_factory):
    """A town with twelve sources, of which the first was rated."""
    with own_anvil() as url:
        town = Town(url, tmp_path_factory.mktemp("town"))
        town.speak()
        town.ask("evm_setAutomine", False)
        key, register = ACCOUNTS[7].private_key, town.session.registry.contract.functions.register
        first = town.client.account_nonce(ACCOUNTS[7].address)
        for i in range(OTHERS):
            call = call_to(register(f"https://{i}.example"))
            signed = town.client.sign(call, key, Fees(10**11, 10**9), first + i)
            town.client.broadcast(signed)
        town.ask("anvil_mine", 1)
        town.ask("evm_setAutomine", True)
        assert town.session.registry.count() == 1 + OTHERS
        yield town


@pytest.fixture
def town(first_day, tmp_path):
    start = first_day.ask("evm_snapshot")
    first_day.home = tmp_path
    yield first_day
    assert first_day.ask("evm_revert", start)


def rate_all(town):
    updates = [ScoreUpdate(source, 100, 0, 100, 100) for source in range(1, 2 + OTHERS)]
    town.log.rate(updates, READER.private_key)


def node(town, name="one", confirmations=1):
    """A reader whose server may be meddled with, and the indexer of its store."""
    meddler = Meddler(town.client)
    client = Client(meddler, "the server")
    config = Config(town.home / name, town.session.config.rpc, None)
    session = bind_session(config, client, town.session.deployment)
    db = open_store(config.store)
    reader = session.epoch_reader(db, session.roots(), confirmations)
    honest = Indexer(town.client, town.session.deployment, db)
    lied_to = Indexer(client, town.session.deployment, db)
    return SimpleNamespace(
        reader=reader, meddler=meddler, db=db, index=honest.catch_up, index_lies=lied_to.catch_up
    )


def computed(node, number):
    """What comes of it, in as many calls as it takes, and how many."""
    for calls in range(1, 99):
        found = node.reader.compute(number)
        if found is not None or not node.reader.unchecked:
            return found, calls
    raise AssertionError("it never ends")


def asked_about_owners(node):
    return node.meddler.asked.count("eth_call")


def ready(node):
    """Let the reader have asked what it asks only once."""
    _ = node.reader._roots.rules
    node.meddler.asked.clear()


def test_owners_are_compared_in_pieces_and_each_only_once(town, monkeypatch):
    monkeypatch.setattr(epoch_reader, "ASKED_AT_ONCE", 5)
    rate_all(town)
    epoch, later = town.end_epoch(), town.end_epoch()
    one = node(town)
    one.index()
    ready(one)
    assert one.reader.compute(epoch) is None
    assert (one.reader.unchecked, asked_about_owners(one)) == (7, 5)
    found, calls = computed(one, epoch)
    assert (found.epoch.number, calls, asked_about_owners(one)) == (epoch, 2, 1 + OTHERS)
    assert computed(one, later)[0].epoch.number == later
    assert asked_about_owners(one) == 1 + OTHERS


def test_a_source_is_asked_about_again_once_it_was_rated_later(town):
    rate_all(town)
    epoch = town.end_epoch()
    one = node(town)
    one.index()
    ready(one)
    assert computed(one, epoch)[0] is not None
    town.log.rate([ScoreUpdate(2, 1, 0, 1, 1)], READER.private_key)
    later = town.end_epoch()
    one.index()
    assert computed(one, later)[0] is not None
    assert asked_about_owners(one) == 1 + OTHERS + 1


def test_a_server_that_fails_halfway_or_a_store_opened_again_loses_no_answer(town):
    rate_all(town)
    epoch = town.end_epoch()
    one = node(town)
    one.index()
    ready(one)
    given = itertools.count(1)  # several threads ask

    def pruning(method, params, response):
        if method == "eth_call" and next(given) > 6:
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "pruned"}}
        return response

    one.meddler.meddle = pruning
    with pytest.raises(ChainError, match="pruned"):
        one.reader.compute(epoch)
    one.meddler.meddle = lambda method, params, response: response
    one.meddler.asked.clear()
    one.reader.read_from(open_store(town.home / "one" / "store.sqlite"))
    assert one.reader.compute(epoch) is not None
    assert asked_about_owners(one) == 1 + OTHERS - 6


def test_owners_are_asked_for_in_the_block_at_which_the_index_ends(town):
    epoch = town.end_epoch()
    town.ask("anvil_mine", 5)
    one = node(town)
    one.index()
    ready(one)
    blocks = []
    one.meddler.meddle = lambda method, params, response: (
        (blocks.append(params[1]) if method == "eth_call" else None) or response
    )
    assert one.reader.compute(epoch) is not None
    assert blocks == [hex(town.client.w3.eth.block_number)]


def test_what_was_compared_in_blocks_that_are_gone_is_compared_again(town):
    epoch = town.end_epoch()
    before = town.ask("evm_snapshot")
    town.ask("anvil_mine", 2)
    one = node(town)
    one.index()
    ready(one)
    assert one.reader.compute(epoch) is not None
    assert town.ask("evm_revert", before)
    town.session.registry.rotate(1, SOURCE_OWNER.private_key, SEED.private_key)
    town.ask("anvil_mine", 3)
    one.index()
    assert one.reader.compute(epoch) is not None
    assert asked_about_owners(one) == 2


def test_an_owner_that_a_server_made_up_stops_every_judgement(town):
    epoch = town.end_epoch()
    one = node(town)
    registry = town.session.deployment.source_registry.lower()

    def forging(method, params, response):
        if method != "eth_getLogs":
            return response
        owner = "0x" + "00" * 12 + ACCOUNTS[8].address[2:].lower()
        logs = [
            {**log, "topics": [*log["topics"][:2], owner]}
            if log["address"].lower() == registry and len(log["topics"]) == 3
            else log
            for log in response["result"]
        ]
        return {**response, "result": logs}

    one.meddler.meddle = forging
    one.index_lies()
    one.meddler.meddle = lambda method, params, response: response
    with pytest.raises(FalseAnswer, match="Source 1 belongs to 0x15d3"):
        one.reader.compute(epoch)


def test_nothing_is_judged_by_an_index_that_is_behind_the_chain(town):
    epoch = town.end_epoch()
    one = node(town, confirmations=2)
    one.index()
    town.ask("anvil_mine", 1)
    one.index()
    right = one.reader.digests(epoch)
    assert right is not None
    town.ask("anvil_mine", MAX_LAG + 1)
    assert one.reader.digests(epoch) == right
    town.ask("anvil_mine", 1)
    assert one.reader.digests(epoch) is None
    assert one.reader.compute(epoch) is None
    one.index()
    assert one.reader.digests(epoch) == right


def behind(town, head, time):
    """A server that is behind, and says that its newest block has this time."""

    def meddle(method, params, response):
        if method == "eth_blockNumber":
            return {**response, "result": hex(head)}
        if method == "eth_getBlockByNumber" and params[0] == hex(head):
            return {**response, "result": {**response["result"], "timestamp": hex(time)}}
        return response

    return meddle


def fooled(town, extra=0):
    """A node that was told that the epoch is over while somebody had still to speak in it."""
    head = town.client.w3.eth.block_number
    now = town.client.now()
    town.pass_time(60)
    town.log.vouch({ACCOUNTS[7].address: 500}, SEED.private_key)
    number = now // TERMS.epoch_seconds
    one = node(town)
    one.meddler.meddle = behind(town, head, (number + 1) * TERMS.epoch_seconds + extra)
    one.index_lies()
    return one, number


def test_a_block_with_two_times_is_no_end_of_an_epoch_and_the_index_is_read_anew(town):
    one, epoch = fooled(town)
    assert town.end_epoch() == epoch
    one.meddler.meddle = lambda method, params, response: response
    with pytest.raises(FalseAnswer, match="has two times"):
        one.reader.digests(epoch)
    one.index()
    true = node(town, "true")
    true.index()
    digests = true.reader.digests(epoch)
    assert digests is not None
    assert one.reader.digests(epoch) == digests


def test_times_that_do_not_ascend_are_refused_and_the_index_is_read_anew(town):
    one, epoch = fooled(town, extra=10 * TERMS.epoch_seconds)
    assert one.reader.digests(epoch) is not None  # by the liar's word alone
    one.meddler.meddle = lambda method, params, response: response
    town.end_epoch()
    one.index()
    with pytest.raises(FalseAnswer, match="is later than a block after it"):
        one.reader.digests(epoch)
    one.index()
    true = node(town, "true")
    true.index()
    assert one.reader.digests(epoch) == true.reader.digests(epoch)


def test_what_was_computed_too_early_is_computed_again_once_more_is_known(town):
    one, epoch = fooled(town)
    early = one.reader.digests(epoch)
    one.meddler.meddle = lambda method, params, response: response
    town.end_epoch()
    one.index()
    with pytest.raises(FalseAnswer):
        one.reader.digests(epoch)
    one.index()
    late = one.reader.digests(epoch)
    assert None not in {early, late}
    assert early != late


@pytest.mark.parametrize("name", ["json", "tree", "csv"])
def test_a_node_that_is_started_again_computes_an_epoch_anew_of_which_a_file_was_lost(town, name):
    epoch = town.end_epoch()
    first = town.node("kept", propose=True)
    assert first.work() == ["proposed"]
    town.pass_time(TERMS.window)
    assert first.work()[-1] == "withdrew what was owed"
    path = first.files.folder / f"{epoch}.{name}"
    before = path.read_bytes()
    path.unlink()
    assert town.node("kept", propose=True).work() == ["kept"]
    assert path.read_bytes() == before

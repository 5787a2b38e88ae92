from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainrep.chain.address_book import save_deployment
from chainrep.chain.client import connect
from chainrep.chain.devnet import dev_accounts
from chainrep.config import read_config
from chainrep.errors import ChainUnreachable, NotDeployed, StoreError, UnknownSource
from chainrep.node.indexer import Indexer
from chainrep.session import deploy_new, open_session, published_committee
from rag.reputation import ChainScores, OutboxSink
from rag.types import Judgement, Reliability

OWNER = dev_accounts(5)[4]


@pytest.fixture
def outbox(session):
    for name in ("a", "b"):
        session.registry.register(f"https://{name}.example", OWNER.private_key)
    return session.outbox()


def judgement(key="run/1/1", source=1, supported=1.0):
    return Judgement(key, source, "gold", "Who?", supported, 1.0 - supported, 1.0, 1.0)


def test_a_judgement_reaches_the_weights_by_way_of_the_chain(session, outbox):
    scores = ChainScores.of(session, [1, 2])
    OutboxSink(outbox).put(judgement())
    assert scores.reliabilities()[1].evidence == 0
    list(session.relayer(outbox).flush())
    assert scores.reliabilities()[1].evidence == 0, "read once, not per query"
    scores.refresh()
    known: Mapping = scores.reliabilities()
    assert (known[1].supported, known[1].used, known[1].asked) == (1.0, 1.0, 1.0)
    assert known[2].evidence == 0
    assert scores.block == session.client.w3.eth.block_number


def test_asking_for_weights_asks_no_chain(session, outbox, monkeypatch):
    scores = ChainScores.of(session, half_life=3_600.0)
    requests = []
    monkeypatch.setattr(
        session.client.w3.provider, "make_request", lambda *request: requests.append(request)
    )
    assert list(scores.reliabilities()) == [1, 2]
    assert requests == []


def test_a_reader_beside_a_node_needs_the_store_alone(session, outbox):
    save_deployment(session.config.deployments, session.deployment)
    home = str(session.config.home)
    with pytest.raises(StoreError, match="no index"):
        ChainScores.local(home)
    node = Indexer(session.client, session.deployment, outbox.db)
    node.catch_up()
    scores = ChainScores.local(home)
    OutboxSink(outbox).put(judgement())
    list(session.relayer(outbox).flush())
    scores.refresh()
    assert scores.reliabilities()[1].evidence == 0, "what is new is for the node to read"
    node.catch_up()
    assert scores.reliabilities()[1].supported == 1.0
    later = session.client.now() + 7_200.0
    faded = ChainScores.local(home, session.client.chain_id, 3_600.0, clock=lambda: later)
    assert faded.reliabilities()[1].supported == pytest.approx(0.25)


def test_scores_are_had_by_url_and_home(embedded_url, tmp_path):
    client, home = connect(embedded_url), str(tmp_path)
    with pytest.raises(NotDeployed, match="chainrep deploy"):
        ChainScores.connect(embedded_url, home)
    config = read_config(home, embedded_url)
    deploy_new(config, client, dev_accounts(1)[0].private_key, published_committee(client))
    open_session(config).registry.register("https://a.example", OWNER.private_key)
    assert ChainScores.connect(embedded_url, home).reliabilities() == {1: Reliability()}


def test_without_a_chain_the_last_scores_are_used_and_their_age_is_told(embedded_url, tmp_path):
    client, home = connect(embedded_url), str(tmp_path / "home")
    config = read_config(home, embedded_url)
    deploy_new(config, client, dev_accounts(1)[0].private_key, published_committee(client))
    open_session(config).registry.register("https://a.example", OWNER.private_key)
    nowhere = "http://127.0.0.1:9"
    with pytest.raises(ChainUnreachable, match="No chain answers"):
        ChainScores.connect(nowhere, str(tmp_path / "empty"))
    assert ChainScores.connect(embedded_url, home).caveat() == ""
    scores = ChainScores.connect(nowhere, home)
    assert scores.reliabilities() == {1: Reliability()}
    later = client.now() + 9_000.0
    old = ChainScores.local(home, clock=lambda: later)
    assert old.caveat().startswith(f"The scores are of block {scores.block}, 2.5 hours old")


def test_weights_may_be_read_and_refreshed_in_any_thread(session, outbox):
    scores = ChainScores.of(session)
    OutboxSink(outbox).put(judgement())
    list(session.relayer(outbox).flush())
    with ThreadPoolExecutor(1) as threads:
        threads.submit(scores.refresh).result()
        assert threads.submit(scores.reliabilities).result()[1].supported == 1.0
    assert scores.reliabilities()[1].supported == 1.0


def test_units_become_hundredths_and_the_question_stays_here(outbox):
    OutboxSink(outbox, clock=lambda: 1_700_000_000.9).put(judgement(supported=0.254))
    (record,) = outbox.pending(10)
    assert (record.supported, record.contradicted, record.used) == (25, 75, 100)
    assert record.time == 1_700_000_000
    assert b"Who?" not in record.query_digest
    rows = outbox.db.execute("SELECT * FROM feedback").fetchall()
    assert not any("Who?" in str(value) for row in rows for value in row)


def test_the_same_judgement_twice_is_kept_once(outbox):
    sink = OutboxSink(outbox)
    sink.put(judgement())
    sink.put(judgement())
    assert outbox.count().pending == 1


def test_scores_of_a_source_that_is_not_registered_cannot_be_had(session, outbox):
    with pytest.raises(UnknownSource, match="id 3"):
        ChainScores.of(session, [1, 3])

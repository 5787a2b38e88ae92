"""What a node answers about itself: /healthz and /metrics, in good days and bad ones."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from threading import Event

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from chainrep.chain.client import Receipt
from chainrep.chain.url_standing import UrlHealth
from chainrep.errors import ChainUnreachable, StoreError
from chainrep.node.indexer import IndexProgress
from chainrep.node.part import Doing, OpenPart, Part, PartState
from chainrep.node.relayer import AppliedBatch, RelayProgress
from chainrep.node.supervisor import Supervisor
from chainrep.protocol.types import Feedback, FeedbackKind, Report, ScoreUpdate, SignedReport
from chainrep.service.health import find_problems, health_route
from chainrep.service.metrics import NodeMetrics, metrics_route
from chainrep.service.node_collector import BACKLOG_SECONDS, NodeCollector
from chainrep.service.server import HttpServer
from chainrep.store.backlog import read_backlog
from chainrep.store.batches import Batches
from chainrep.store.db import open_store
from chainrep.store.lease import Holder, Lease
from chainrep.store.outbox import Outbox

LEDGER, OTHER = "eip155:1:0x1", "eip155:1:0x2"
WELL = PartState("relayer", 0.0, Doing.RUNNING, last_success=100.0, last_success_time=1.7e9)
NOW = 1_700_000_100.0


class Node:
    """What the endpoints look at, and the endpoints."""

    def __init__(self, store, ledger=LEDGER):
        self.store = store
        self.now = 100.0
        self.states = [WELL, replace(WELL, name="indexer")]
        self.urls = [UrlHealth("http://a.example/…", "ok", 0.0, "", 10, 1)]
        self.metrics = NodeMetrics()
        self.reads = 0
        self.metrics.registry.register(
            NodeCollector(
                31_337, self.metrics, lambda: self.states, lambda: self.urls, self.backlog,
                lambda: self.now, lambda: NOW,
            )
        )  # fmt: skip
        self.app = Starlette(
            routes=[
                health_route(self.metrics, lambda: self.states, 120.0, lambda: self.now),
                metrics_route(self.metrics.registry),
            ]
        )
        self.http = TestClient(self.app)

    def backlog(self):
        self.reads += 1
        return read_backlog(self.store, LEDGER)

    def figures(self, **headers):
        answer = self.http.get("/metrics", headers=headers)
        assert answer.status_code == 200
        return parsed(answer.text)


def parsed(text):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def feedback(key, time=1_700_000_000):
    return Feedback(key, 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, time)


@pytest.fixture
def store(tmp_path):
    """One record in an open batch, two in an applied one, one refused, two that wait."""
    path = tmp_path / "store.sqlite"
    with closing(open_store(path)) as db:
        outbox, lease = Outbox(db, LEDGER), Lease(db, LEDGER, Holder(1, ""), lambda _: True)
        records = [feedback(f"{LEDGER}{i}", 1_700_000_000 + 10 * i) for i in range(6)]
        outbox.put_many([(record, b"") for record in records])
        Outbox(db, OTHER).put(feedback("another ledger's"))
        lease.take()
        batches = Batches(db, LEDGER, lease)
        for nonce, chosen in ((1, records[:2]), (2, records[2:3])):
            report = Report(1, nonce, 2_000_000_000, bytes(32), b"")
            sealed = batches.seal(SignedReport(report, 1, b""), chosen, 1)
            if nonce == 1:
                batches.settle(sealed.id, 1)
        outbox.refuse({records[3].key: "because"})
    return path


@pytest.fixture
def node(store):
    return Node(store)


def test_a_node_whose_parts_all_work_is_well(node):
    node.now = 130.0
    node.metrics.note_indexed(IndexProgress(7, 9, 0, False))
    node.metrics.note_relayed(RelayProgress([], 3, 1, "2 more confirmations", True))
    answer = node.http.get("/healthz")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    told = answer.json()
    assert (told["status"], told["problems"]) == ("ok", [])
    assert told["parts"]["relayer"] == {
        "doing": "running", "last_success": 1.7e9, "silent_for": 30.0, "failures": 0, "failure": "",
    }  # fmt: skip
    assert told["index"] == {"block": 7, "head": 9}
    assert told["outbox"]["waits_for"] == "2 more confirmations"
    assert node.http.head("/healthz").status_code == 200


def test_a_part_that_did_nothing_well_for_too_long_makes_the_node_unwell(node):
    failure = ChainUnreachable("No chain answers at http://a.example.")
    node.states[0] = replace(WELL, doing=Doing.BACKING_OFF, failure=failure, failures=3)
    node.now = 220.0
    assert node.http.get("/healthz").status_code == 200
    node.states[1] = replace(node.states[1], last_success=221.0)
    node.now = 221.0
    answer = node.http.get("/healthz")
    assert answer.status_code == 503
    (problem,) = answer.json()["problems"]
    assert problem.startswith("The relayer has done nothing well for 121 s: nothing answers")
    assert answer.json()["parts"]["indexer"]["doing"] == "running"


def test_a_part_that_never_worked_or_has_stopped_is_a_problem():
    never = PartState("indexer", 50.0)
    assert find_problems([never], 170.0, 120.0) == []
    assert find_problems([never], 170.1, 120.0) == ["The indexer has done nothing well for 120 s."]
    stopped = replace(WELL, doing=Doing.STOPPED)
    assert find_problems([stopped], 100.0, 120.0) == ["The relayer has stopped."]


def test_neither_paths_nor_words_of_strangers_are_shown(node, tmp_path):
    for failure in (
        StoreError(f"The store {tmp_path} cannot be opened.", "key=secret"),
        ValueError(f"secret in {tmp_path}"),
    ):
        node.states[0] = replace(WELL, doing=Doing.STOPPED, failure=failure)
        shown = node.http.get("/healthz").text + node.http.get("/metrics").text
        assert str(tmp_path) not in shown
        assert "secret" not in shown


def test_metrics_tell_where_the_feedback_of_this_ledger_is(node):
    figures = node.figures()
    counts = {state: figures["chainrep_outbox_records", state] for state in
              ("pending", "in_flight", "applied", "refused")}  # fmt: skip
    assert counts == {"pending": 2, "in_flight": 1, "applied": 2, "refused": 1}
    assert figures["chainrep_open_batches",] == 1
    assert figures["chainrep_oldest_pending_age_seconds",] == NOW - 1_700_000_040
    assert figures["chainrep_store_readable",] == 1


def test_metrics_count_what_was_settled_and_indexed(node):
    receipt = Receipt(bytes(32), True, 5, 100_000, 3 * 10**15, None)
    updates = [ScoreUpdate(1, 1, 0, 0, 1), ScoreUpdate(2, 1, 0, 0, 1)]
    ours, others = AppliedBatch(1, updates, receipt), AppliedBatch(2, updates[:1], None)
    node.metrics.note_relayed(RelayProgress([ours, others], 0, 0, "", False))
    node.metrics.note_indexed(IndexProgress(7, 9, 12, False))
    node.metrics.balance = 25 * 10**17
    ticks = iter([1.0, 1.5])
    with node.metrics.timed("relayer", lambda: next(ticks)):
        pass
    figures = node.figures()
    assert figures["chainrep_batches_settled_total",] == 2
    assert figures["chainrep_updates_settled_total",] == 3
    assert figures["chainrep_gas_used_total",] == 100_000
    assert figures["chainrep_fees_paid_ether_total",] == pytest.approx(0.003)
    assert figures["chainrep_events_indexed_total",] == 12
    assert figures["chainrep_indexed_block",] == 7
    assert figures["chainrep_chain_head_block",] == 9
    assert figures["chainrep_index_lag_blocks",] == 2
    assert figures["chainrep_sender_balance_ether",] == 2.5
    assert figures["chainrep_step_seconds_sum", "relayer"] == 0.5
    assert figures["chainrep_step_seconds_count", "relayer"] == 1


def test_a_step_that_fails_is_not_measured(node):
    with pytest.raises(StoreError), node.metrics.timed("relayer", lambda: 0.0):
        raise StoreError("The disk is full.")
    assert ("chainrep_step_seconds_count", "relayer") not in node.figures()


def test_metrics_tell_how_parts_and_urls_stand(node):
    node.states[1] = replace(node.states[1], doing=Doing.BACKING_OFF, failures=4)
    node.urls.append(UrlHealth("http://a.example/… #2", "resting", 3.0, "no answer", 5, 5))
    figures = node.figures()
    assert figures["chainrep_part_up", "relayer"] == 1
    assert figures["chainrep_part_up", "indexer"] == 0
    assert figures["chainrep_part_failures_total", "indexer"] == 4
    assert figures["chainrep_part_last_success_timestamp_seconds", "relayer"] == 1.7e9
    assert figures["chainrep_rpc_up", "http://a.example/…"] == 1
    assert figures["chainrep_rpc_up", "http://a.example/… #2"] == 0
    assert figures["chainrep_rpc_failures_total", "http://a.example/… #2"] == 5


def test_before_the_first_step_what_is_not_known_is_left_out(node):
    figures = node.figures()
    assert ("chainrep_indexed_block",) not in figures
    assert ("chainrep_sender_balance_ether",) not in figures
    assert figures["chainrep_batches_settled_total",] == 0


@pytest.mark.parametrize("damage", ["missing", "no database", "no tables"])
def test_a_store_that_cannot_be_read_takes_only_its_own_figures_away(node, store, damage, caplog):
    for path in store.parent.iterdir():
        path.unlink()
    if damage == "no database":
        store.write_bytes(os.urandom(10_000))
    if damage == "no tables":
        sqlite3.connect(store).close()
        store.touch()
    figures = node.figures()
    assert figures["chainrep_store_readable",] == 0
    assert ("chainrep_outbox_records", "pending") not in figures
    assert figures["chainrep_part_up", "relayer"] == 1
    assert "The store cannot be read" in caplog.text


def test_the_store_is_counted_once_in_a_while_however_often_it_is_asked_for(node):
    for _ in range(3):
        node.figures()
    assert node.reads == 1
    node.now += BACKLOG_SECONDS
    node.figures()
    assert node.reads == 2


def test_counting_gives_up_in_time_first_on_what_takes_longest(store):
    with closing(open_store(store)) as db:
        outbox = Outbox(db, LEDGER)
        outbox.put_many([(feedback(f"more{i}"), b"") for i in range(20_000)])
        outbox.refuse({f"more{i}": "too old" for i in range(20_000)})
    looks = iter([0.0])
    backlog = read_backlog(store, LEDGER, 1.0, lambda: next(looks, 5.0))
    assert (backlog.pending, backlog.in_flight, backlog.open_batches) == (2, 1, 1)
    assert backlog.refused is None


def test_metrics_are_read_while_another_program_writes(node, store):
    with closing(open_store(store)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM feedback WHERE batch IS NULL")
        assert node.figures()["chainrep_outbox_records", "pending"] == 2
        db.execute("ROLLBACK")


def test_two_nodes_in_one_program_share_no_figures(store):
    one, two = Node(store), Node(store)
    one.metrics.note_indexed(IndexProgress(7, 9, 12, False))
    assert one.figures()["chainrep_events_indexed_total",] == 12
    assert two.figures()["chainrep_events_indexed_total",] == 0


def test_a_scraper_may_ask_for_openmetrics(node):
    answer = node.http.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.rstrip().endswith("# EOF")
    plain = node.http.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_a_step_under_way_holds_no_answer_up(store):
    began, go_on = Event(), Event()

    def step():
        began.set()
        return go_on.wait(60)

    supervisor = Supervisor([Part("indexer", lambda: OpenPart(step, lambda: None))])
    app = Starlette(routes=[health_route(NodeMetrics(), supervisor.states)])
    with HttpServer(app) as server:
        supervisor.start()
        assert began.wait(60)
        answer = httpx.get(f"{server.url}/healthz", trust_env=False)
        go_on.set()
        supervisor.stop(5)
        stopped = httpx.get(f"{server.url}/healthz", trust_env=False)
    assert answer.json()["parts"]["indexer"]["doing"] == "starting"
    assert (answer.status_code, stopped.status_code) == (200, 503)
    assert stopped.json()["problems"] == ["The indexer has stopped."]

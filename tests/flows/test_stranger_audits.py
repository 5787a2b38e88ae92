"""A stranger with an RPC URL and an evidence URL, and nothing else, finds out what is true."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from chainrep.chain.client import connect
from chainrep.config import read_config
from chainrep.protocol.evidence import evidence_record
from chainrep.protocol.evidence_file import dump_evidence, parse_evidence
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.service.evidence import evidence_routes
from chainrep.service.server import HttpServer
from chainrep.session import bind_session, deploy_new, published_committee
from chainrep.store.evidence import EvidenceStore
from tests.node.batch_maker import ACCOUNTS
from tests.tools import ROOT


@pytest.fixture
def operator(anvil_url, tmp_path):
    """Whoever runs the node: two batches on the chain, their evidence on disk."""
    client = connect(anvil_url)
    config = read_config(str(tmp_path / "operator"), anvil_url)
    deployment = deploy_new(config, client, ACCOUNTS[0].private_key, published_committee(client))
    session = bind_session(config, client, deployment)
    for name in ("a", "b"):
        session.registry.register(f"https://{name}.example", ACCOUNTS[4].private_key)
    outbox, store = session.outbox(), EvidenceStore(config.evidence)
    for batch in (1, 2):
        now, kind = client.now(), FeedbackKind.USER
        judgements = [
            Feedback(f"{batch}/{i}", 1 + i % 2, kind, bytes(32), 100, 0, 0, 100, now)
            for i in range(5)
        ]
        for judgement in judgements:
            outbox.put(judgement)
        assert len(list(session.relayer(outbox).flush())) == 1
        store.put([evidence_record(judgement) for judgement in judgements])
    return session


def audit(home, rpc, evidence, *arguments):
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "chainrep", "feedback", "audit", *arguments,
         "--rpc", rpc, "--evidence", evidence],
        env={**kept, "CHAINREP_HOME": str(home)}, cwd=ROOT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


def test_a_stranger_sees_that_all_fits_and_then_what_was_altered(operator, anvil_url, tmp_path):
    home = tmp_path / "stranger"
    home.mkdir()
    store = EvidenceStore(operator.config.evidence)
    honest = evidence_routes(store, operator.deployment)
    with HttpServer(Starlette(routes=honest)) as server:
        fits = audit(home, anvil_url, server.url, "all")
        assert fits.returncode == 0, fits.stderr
        assert "2 of 2 batches fit" in fits.stdout
        assert operator.deployment.score_ledger in fits.stderr
        store.find(operator.ledger.applied(1)[0]).unlink()
        missing = audit(home, anvil_url, server.url, "1")
        assert missing.returncode == 1
        assert "Batch 1, evidence: The evidence is not available" in missing.stdout

    def altered(request):
        records = parse_evidence(store.read(operator.ledger.applied(2)[0]))
        return Response(dump_evidence([replace(records[0], supported=0), *records[1:]]))

    with HttpServer(Starlette(routes=[Route("/evidence/{root}", altered), *honest])) as server:
        told = audit(home, anvil_url, server.url, "2", "--json")
        assert told.returncode == 1
        (batch,) = json.loads(told.stdout)["batches"]
        assert batch["verdict"] == "does not fit"
        assert batch["first_finding"]["step"] == "evidence root"
        assert len(batch["signers"]) == 2
    assert list(home.iterdir()) == []

"""A ledger that keeps events only, from the client's side, on a real chain."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import dev_accounts
from chainrep.config import Config
from chainrep.errors import UnknownSource
from chainrep.protocol.typed_data import collect_signatures, sign_report
from chainrep.protocol.types import Feedback, FeedbackKind, Report
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, bind_session

ACCOUNTS = dev_accounts(10)


@pytest.fixture
def archive(client, tmp_path):
    members = [ACCOUNTS[i].address for i in COMMITTEE]
    key = ACCOUNTS[OWNER].private_key
    deployment = deploy_contracts(client, key, members, THRESHOLD, archive=True)
    session = bind_session(Config(tmp_path / "home", "embedded", None), client, deployment)
    for i in range(3):
        session.registry.register(f"https://source{i}.example", ACCOUNTS[4].private_key)
    return session


def judge(session, key, source, supported):
    outbox = session.outbox()
    outbox.put(Feedback(key, source, FeedbackKind.GOLD, bytes(32), supported, 0, 0, 100, 1))
    list(session.relayer(outbox).flush())


def apply(session, updates):
    committee = session.ledger.committee()
    report = Report(
        committee.version, committee.next_nonce, session.client.now() + 600, bytes(32), updates
    )
    domain = session.ledger.domain
    signatures = {
        account.address: sign_report(report, domain, account.private_key)
        for account in ACCOUNTS[1:3]
    }
    signed = collect_signatures(report, domain, committee.members, signatures)
    session.client.send(session.ledger.batch_call(signed), ACCOUNTS[OWNER].private_key)


def test_scores_are_the_sum_of_the_archived_batches(archive):
    assert archive.ledger.archive
    judge(archive, "a", 1, 100)
    judge(archive, "b", 3, 40)
    judge(archive, "c", 1, 30)
    one, two, three = archive.ledger.scores([1, 2, 3])
    assert (one.supported, one.asked, two.asked, three.supported) == (130, 200, 0, 40)
    assert one.updated_at >= three.updated_at > 0 == two.updated_at


def test_a_batch_that_does_not_decode_counts_for_nothing(archive):
    apply(archive, b"\xff\xff")
    judge(archive, "a", 1, 100)
    assert archive.ledger.scores([1])[0].supported == 100


def test_a_source_that_nobody_registered_is_unknown_here_too(archive):
    with pytest.raises(UnknownSource):
        archive.ledger.scores([4])


def test_the_history_can_be_recomputed_from_the_events(archive):
    judge(archive, "a", 1, 100)
    judge(archive, "b", 2, 100)
    history = 0
    for log in archive.ledger.contract.events.BatchApplied().get_logs(from_block=0):
        args = log["args"]
        entry = keccak(
            encode(
                ["uint256", "uint256", "bytes32", "bytes32"],
                [args["nonce"], args["time"], args["evidenceRoot"], keccak(args["updates"])],
            )
        )
        history = int.from_bytes(keccak(encode(["uint256", "bytes32"], [history, entry]))[12:])
    assert archive.ledger.history() == history != 0

"""Auditing real ledgers: committees that change, archives, contracts as members and as carriers,
and servers that keep events back."""

from dataclasses import replace

import pytest

from chainrep.chain.binding import call_to
from chainrep.chain.client import Client
from chainrep.chain.deploy import deploy_contracts
from chainrep.chain.devnet import embedded_chain
from chainrep.chain.embedded import EmbeddedProvider
from chainrep.config import Config
from chainrep.errors import ChainError, FalseAnswer, InputError
from chainrep.node.audit import audit_batches, history_finding, nonces_of
from chainrep.node.audited_batch import Step, Verdict
from chainrep.node.ledger_history import NonceRange, read_history
from chainrep.protocol.chain_event import signature_of
from chainrep.protocol.evidence import evidence_record
from chainrep.protocol.types import Feedback, FeedbackKind
from chainrep.session import COMMITTEE, OWNER, THRESHOLD, bind_session
from chainrep.store.evidence import EvidenceStore
from tests.node.batch_maker import ACCOUNTS, APPLY, apply_batch, deploy_code, judgement, sign_batch
from tests.node.chain_writer import ChainWriter
from tests.node.meddler import Meddler, Remembering

ALL = NonceRange(1, None)
OWNER_KEY = ACCOUNTS[OWNER].private_key
WALLET = (  # takes any signature for its own until it is called with nothing; then none
    "3615601a57" "60005415" "631626ba7e02" "60e01b" "60005260206000f3" "5b600160005500"
)  # fmt: skip


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """One chain for all tests here, and a ledger on it: batches 1 and 3 to 5, nonce 2 cancelled."""
    client = Client(EmbeddedProvider(embedded_chain()), "the embedded chain")
    members = [ACCOUNTS[i].address for i in COMMITTEE]
    deployment = deploy_contracts(client, OWNER_KEY, members, THRESHOLD)
    config = Config(tmp_path_factory.mktemp("home"), "embedded", None)
    session = bind_session(config, client, deployment)
    writer = ChainWriter(session)
    writer.register("https://a.example", "https://b.example", "https://c.example")
    store = EvidenceStore(session.config.evidence)
    flush(session, store, "one", 1)
    writer.cancel()
    flush(session, store, "two", 2)
    configure(session, [ACCOUNTS[2].address, ACCOUNTS[8].address], 2)
    records = [judgement(1), judgement(2, source=3)]
    store.put(records)
    apply_batch(session, records)
    configure(session, members, THRESHOLD)
    flush(session, store, "three", 3)
    return session, store


@pytest.fixture
def session(chain):
    return chain[0]


@pytest.fixture
def store(chain):
    return chain[1]


@pytest.fixture(scope="module")
def still(chain):
    return Client(Remembering(chain[0].client), "the embedded chain")


@pytest.fixture
def meddler(still):
    return Meddler(still)


def flush(session, store, key, source):
    """Judge a source and carry the judgement onto the chain as the node does."""
    outbox = session.outbox()
    feedback = Feedback(key, source, FeedbackKind.GOLD, bytes(32), 100, 0, 100, 100, 1_700_000_000)
    outbox.put(feedback)
    assert len(list(session.relayer(outbox).flush())) == 1
    store.put([evidence_record(feedback)])


def configure(session, members, threshold):
    ordered = sorted(members, key=lambda address: int(address, 16))
    call = call_to(session.ledger.contract.functions.configure(ordered, threshold))
    session.client.send(call, OWNER_KEY)


def ledger_of(session, members, threshold=THRESHOLD, archive=False):
    """Another ledger on the same chain, with a registry of its own and one source."""
    place = deploy_contracts(session.client, OWNER_KEY, members, threshold, archive)
    other = bind_session(session.config, session.client, place)
    other.registry.register("https://a.example", ACCOUNTS[4].private_key)
    return other


def audit(session, store, wanted=ALL, client=None):
    asked = client or session.client
    place = session.deployment
    history = read_history(asked, place.score_ledger, place.block, wanted)
    return list(audit_batches(asked, history, store, nonces_of(history, wanted)))


def test_every_batch_of_an_honest_ledger_fits_through_changes_of_its_committee(
    session, store, still
):
    history = read_history(still, session.deployment.score_ledger, session.deployment.block)
    assert history_finding(history) is None
    assert history.stated == session.ledger.history() != 0
    audited = audit(session, store, client=still)
    assert [batch.nonce for batch in audited] == [1, 2, 3, 4, 5]
    assert [batch.findings for batch in audited if batch.findings] == []
    assert [batch.cancelled for batch in audited] == [False, True, False, False, False]
    assert [len(batch.feedback) for batch in audited] == [1, 0, 1, 2, 1]
    assert set(audited[3].signers) == {ACCOUNTS[2].address, ACCOUNTS[8].address}
    assert set(audited[4].signers) <= {ACCOUNTS[i].address for i in COMMITTEE}


def test_a_part_can_be_audited_and_what_is_not_there_yet_cannot(session, store, still):
    assert [b.nonce for b in audit(session, store, NonceRange(3, 4), still)] == [3, 4]
    with pytest.raises(InputError, match="batches 1 to 5 so far, and none 6"):
        audit(session, store, NonceRange(3, 6), still)


@pytest.mark.parametrize("guess", [0, 10**9])
def test_the_first_block_may_be_a_wrong_guess(session, still, guess):
    place = session.deployment
    right = read_history(still, place.score_ledger, place.block)
    assert read_history(still, place.score_ledger, guess) == right


def test_a_guess_in_the_middle_of_the_history_is_noticed(session, still):
    place = session.deployment
    right = read_history(still, place.score_ledger, place.block)
    assert read_history(still, place.score_ledger, right.batches[3].block + 1) == right


def test_missing_evidence_is_found_on_the_batch_that_it_is_missing_of(
    session, store, still, tmp_path
):
    history = read_history(still, session.deployment.score_ledger, session.deployment.block)
    copy = EvidenceStore(tmp_path)
    for nonce in (1, 3):
        root = history.batches[nonce].evidence_root
        path = copy.folder / root.hex()[:2] / f"{root.hex()}.json"
        path.parent.mkdir()
        path.write_bytes(store.get(root))
    path.write_bytes(b"{}")
    verdicts = {batch.nonce: batch for batch in audit(session, copy, client=still)}
    assert verdicts[1].verdict is Verdict.FITS
    assert verdicts[3].finding.step is Step.FILE
    assert verdicts[4].finding.step is verdicts[5].finding.step is Step.EVIDENCE


def without(event, nth):
    """Leave out the n-th log of one event from every answer."""

    def meddle(method, params, response):
        if method != "eth_getLogs" or "result" not in response:
            return response
        topic = "0x" + signature_of("ScoreLedger", event).hex()
        these = [log for log in response["result"] if _hex(log["topics"][0]) == topic]
        rest = [log for log in response["result"] if log not in these[nth : nth + 1]]
        return response | {"result": rest}

    return meddle


def _hex(value):
    return value if isinstance(value, str) else "0x" + bytes(value).hex()


def test_a_batch_that_a_server_keeps_back_is_missed_by_its_nonce_and_by_the_history(
    session, store, meddler
):
    meddler.meddle = without("BatchApplied", 1)
    client = Client(meddler, "the liar")
    history = read_history(client, session.deployment.score_ledger, session.deployment.block)
    assert history_finding(history).step is Step.HISTORY
    audited = list(audit_batches(client, history, store, nonces_of(history, ALL)))
    assert [batch.nonce for batch in audited if batch.findings] == [3]
    assert audited[2].finding.step is Step.EVENT
    assert audited[2].verdict is Verdict.DOES_NOT_FIT


def test_a_cancellation_that_a_server_keeps_back_is_missed_too(session, store, meddler):
    meddler.meddle = without("NonceCancelled", 0)
    client = Client(meddler, "the liar")
    history = read_history(client, session.deployment.score_ledger, session.deployment.block)
    assert history_finding(history) is not None
    assert audit(session, store, client=client)[1].finding.step is Step.EVENT


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_change_of_committee_that_a_server_keeps_back_accuses_nobody(session, meddler, nth):
    meddler.meddle = without("CommitteeChanged", nth)
    client = Client(meddler, "the liar")
    with pytest.raises(FalseAnswer, match="committee"):
        read_history(client, session.deployment.score_ledger, session.deployment.block)


def test_an_altered_event_shows_in_the_history_and_against_the_signatures(session, store, meddler):
    def meddle(method, params, response):
        topic = "0x" + signature_of("ScoreLedger", "BatchApplied").hex()
        if method == "eth_getLogs":
            logs = [dict(log) for log in response["result"]]
            last = [log for log in logs if _hex(log["topics"][0]) == topic][-1]
            content = bytearray.fromhex(_hex(last["data"])[2:])
            content[4 * 32 + 5] ^= 1  # a counter of the first update
            last["data"] = "0x" + content.hex()
            return response | {"result": logs}
        return response

    meddler.meddle = meddle
    client = Client(meddler, "the liar")
    history = read_history(client, session.deployment.score_ledger, session.deployment.block)
    assert history_finding(history) is not None
    last = audit(session, store, client=client)[-1]
    assert [finding.step for finding in last.findings] == [Step.UPDATES, Step.TRANSACTION]


def test_a_server_that_answers_only_short_ranges_is_asked_for_them(session, still, meddler):
    def meddle(method, params, response):
        span = params[0] if method == "eth_getLogs" else {}
        if span and int(span["toBlock"], 16) - int(span["fromBlock"], 16) >= 3:
            return {"error": {"code": -32000, "message": "range is too large"}}
        return response

    meddler.meddle = meddle
    steps = []
    place = session.deployment
    miser = Client(meddler, "the miser")
    read = read_history(
        miser, place.score_ledger, place.block, on_block=lambda *step: steps.append(step)
    )
    assert read == read_history(still, place.score_ledger, place.block)
    assert len(steps) > 3
    assert steps[-1] == (read.head, read.head)


def test_a_server_that_refuses_even_one_block_is_an_error(session, meddler):
    def meddle(method, params, response):
        refusal = {"error": {"code": -32000, "message": "no logs here"}}
        return refusal if method == "eth_getLogs" else response

    meddler.meddle = meddle
    with pytest.raises(ChainError, match="no logs here"):
        read_history(Client(meddler, "the miser"), session.deployment.score_ledger)


def test_a_reorganisation_while_reading_is_told(session, meddler):
    heads = []

    def meddle(method, params, response):
        if method == "eth_getBlockByNumber" and params[0] != "0x0":
            heads.append(params)
            if len(heads) > 1:
                return response | {"result": {**response["result"], "hash": "0x" + "ab" * 32}}
        return response

    meddler.meddle = meddle
    with pytest.raises(ChainError, match="reorganised"):
        read_history(Client(meddler, "the fork"), session.deployment.score_ledger)


def test_a_server_without_the_transaction_leaves_the_signatures_open(session, store, meddler):
    def meddle(method, params, response):
        lost = method == "eth_getTransactionByHash"
        return {"jsonrpc": "2.0", "id": 1, "result": None} if lost else response

    meddler.meddle = meddle
    found = audit(session, store, NonceRange(1, 1), Client(meddler, "the forgetful"))
    assert found[0].verdict is Verdict.INCONCLUSIVE
    assert found[0].finding.step is Step.TRANSACTION


def test_feedback_that_two_batches_count_is_found_where_both_are_audited(session, tmp_path):
    other = ledger_of(session, [ACCOUNTS[i].address for i in COMMITTEE], archive=True)
    store = EvidenceStore(tmp_path)
    one, two = [judgement(1), judgement(2)], [judgement(2, right=False), judgement(3, source=9)]
    for records in (one, two):
        store.put(records)
        apply_batch(other, records)
    assert other.ledger.archive
    audited = audit(other, store)
    assert audited[0].verdict is Verdict.FITS
    assert audited[1].finding.step is Step.COUNTED_TWICE
    assert "in batches 1 and 2" in audited[1].finding.text
    assert "source 9, when there were 1" in audited[1].findings[1].text
    assert audit(other, store, NonceRange(2, 2))[0].finding.step is Step.JUDGEMENT


def test_a_contract_in_the_committee_is_asked_what_it_said_when_the_batch_was_applied(
    session, tmp_path
):
    wallet = deploy_code(session, WALLET)
    other = ledger_of(session, [ACCOUNTS[1].address, wallet])
    store = EvidenceStore(tmp_path)
    records = [judgement(1)]
    store.put(records)
    client = session.client
    client.send(sign_batch(other, records, {wallet: b"own words"}), OWNER_KEY)
    client.send({"to": wallet}, OWNER_KEY)  # from now on it takes no signature for its own
    client.send({"to": ACCOUNTS[9].address}, OWNER_KEY)  # one block in which it never did
    (fits,) = audit(other, store)
    assert set(fits.signers) == {ACCOUNTS[1].address, wallet}
    history = read_history(client, other.deployment.score_ledger)
    as_if_later = {1: replace(history.batches[1], block=history.head)}
    later = replace(history, batches=as_if_later)
    (refused,) = audit_batches(client, later, store, range(1, 2))
    assert refused.finding.step is Step.SIGNATURES
    assert f"{wallet}, a contract, does not take" in refused.finding.text


def test_batches_carried_by_other_contracts_fit_where_their_signatures_show(session, tmp_path):
    other = ledger_of(session, [ACCOUNTS[i].address for i in COMMITTEE])
    ledger = other.deployment.score_ledger[2:]
    plain = _or_revert(f"36600060003760006000366000600073{ledger}5af1")
    hiding = (
        _or_revert(  # puts the selector, which nobody sees in its input, before what it is sent
            f"63{APPLY.hex()}60e01b60005236600060043760006000600436016000600073{ledger}5af1"
        )
    )
    store = EvidenceStore(tmp_path)
    for number, code, cut in ((1, plain, 0), (2, hiding, 4)):
        carrier = deploy_code(session, code)
        records = [judgement(number)]
        store.put(records)
        input_ = bytes.fromhex(sign_batch(other, records)["data"][2:])
        session.client.send({"to": carrier, "data": "0x" + input_[cut:].hex()}, OWNER_KEY)
    shown, hidden = audit(other, store)
    assert (shown.verdict, len(shown.signers)) == (Verdict.FITS, THRESHOLD)
    assert (hidden.verdict, hidden.signers) == (Verdict.INCONCLUSIVE, [])
    assert "by way of another contract" in hidden.finding.text


def _or_revert(code):
    """Code that ends with a call, and what undoes everything if that call failed."""
    target = len(code) // 2 + 5  # past ISZERO, PUSH1 target, JUMPI, STOP
    return f"{code}1560{target:02x}57005b60006000fd"

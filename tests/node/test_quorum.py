"""Collecting signatures from members that are well, slow, dead or lying, over real HTTP."""

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.chain.score_ledger import Committee
from chainrep.errors import InputError, SignatureError, SigningRefused
from chainrep.node.quorum import KeySigner, Quorum
from chainrep.node.remote_signer import MAX_ANSWER_BYTES, RemoteSigner
from chainrep.protocol.evidence import EvidenceRecord
from chainrep.protocol.sign_request import parse_request
from chainrep.protocol.typed_data import LedgerDomain, recover_signer, sign_report
from chainrep.protocol.types import FeedbackKind, Report
from tests.tools import free_port

DOMAIN = LedgerDomain(31_337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEYS = {account.address: account.private_key for account in dev_accounts(4)}
COORDINATOR, *MEMBERS = KEYS
MEMBERS.sort(key=lambda address: int(address, 16))
COMMITTEE = Committee(version=1, next_nonce=1, threshold=2, members=MEMBERS)
REPORT = Report(1, 1, 2_000_000_000, bytes(32), bytes(12))
RECORDS = [EvidenceRecord(bytes(32), 1, FeedbackKind.GOLD, bytes(32), 100, 0, 0, 100, 1)]


def json_answer(content, status=200, headers=()):
    def answer(exchange, _):
        body = json.dumps(content).encode()
        exchange.send_response(status)
        for name, value in headers:
            exchange.send_header(name, value)
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body)

    return answer


def honest(member):
    def answer(exchange, body):
        request = parse_request(body)
        signature = sign_report(request.report, request.domain, KEYS[member])
        json_answer({"signature": "0x" + signature.hex()})(exchange, body)

    return answer


def silent(exchange, _):
    """Answers nothing as long as the test lasts."""
    exchange.server.over.wait(120)
    exchange.close_connection = True


def dripping(exchange, _):
    exchange.send_response(200)
    exchange.end_headers()
    for _ in range(100):
        exchange.wfile.write(b" ")
        time.sleep(0.1)


def huge(exchange, _):
    exchange.send_response(200)
    exchange.end_headers()
    for _ in range(1_000):
        exchange.wfile.write(bytes(65_536))


def garbage(exchange, _):
    exchange.wfile.write(b"\xff\x00 not HTTP\r\n\r\n")


def hanging_up(exchange, _):
    exchange.close_connection = True


@contextmanager
def serving(answer):
    class Exchange(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                answer(self, body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    server.daemon_threads = True
    server.block_on_close = False
    server.over = threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def quorum():
    """Makes a quorum of three members from how each of them answers; None is a dead one.

    ``patience`` is with the first; the others have the time that a busy machine may need.
    """
    with ExitStack() as stack:

        def make(*answers, seconds=60.0, patience=60.0):
            failures = {}
            signers = []
            patiences = (patience, 60.0, 60.0)
            for member, answer, time_given in zip(MEMBERS, answers, patiences, strict=True):
                url = f"http://127.0.0.1:{free_port()}"
                if answer is not None:
                    url = stack.enter_context(serving(answer))
                signers.append(RemoteSigner(url, member, DOMAIN, KEYS[COORDINATOR], time_given))
            made = Quorum(DOMAIN, signers, seconds, failures.__setitem__)
            return made, failures

        yield make


def signers_of(signed):
    bits = [i for i in range(32) if signed.signer_mask >> i & 1]
    pieces = [signed.signatures[i : i + 65] for i in range(0, len(signed.signatures), 65)]
    recovered = [recover_signer(signed.report, DOMAIN, piece) for piece in pieces]
    assert recovered == [MEMBERS[i] for i in bits]
    return bits


def test_keys_on_this_machine_make_a_quorum_in_the_committees_order():
    local = Quorum(DOMAIN, [KeySigner(DOMAIN, KEYS[member]) for member in reversed(MEMBERS)])
    signed = local.sign(REPORT, RECORDS, COMMITTEE)
    assert len(signers_of(signed)) == 2
    assert signed.report == REPORT
    everybody = local.sign(REPORT, RECORDS, replace(COMMITTEE, threshold=3))
    assert signers_of(everybody) == [0, 1, 2]


def test_keys_and_remote_members_sign_together(quorum):
    made, _ = quorum(honest(MEMBERS[0]), None, None)
    remote = made.signers[MEMBERS[0]]
    mixed = Quorum(DOMAIN, [KeySigner(DOMAIN, KEYS[MEMBERS[2]]), remote])
    assert signers_of(mixed.sign(REPORT, RECORDS, COMMITTEE)) == [0, 2]


def test_without_enough_signers_nobody_is_asked():
    asked = []
    signer = KeySigner(DOMAIN, KEYS[MEMBERS[1]])
    signer.sign = lambda *_: asked.append(1)
    with pytest.raises(SignatureError, match="1 of the 2 signatures needed") as caught:
        Quorum(DOMAIN, [signer]).sign(REPORT, RECORDS, COMMITTEE)
    assert asked == []
    assert f"{MEMBERS[0]}: it cannot be asked from here" in caught.value.summary
    assert MEMBERS[1] not in caught.value.summary


def still_asked(member, before):
    """The threads begun since that wait for this member's answer."""
    return [t for t in threading.enumerate() if t.name == f"ask {member}" and t not in before]


def test_a_slow_member_holds_nobody_up(quorum):
    made, failures = quorum(silent, honest(MEMBERS[1]), honest(MEMBERS[2]))
    before = threading.enumerate()
    assert signers_of(made.sign(REPORT, RECORDS, COMMITTEE)) == [1, 2]
    assert len(still_asked(MEMBERS[0], before)) == 1
    assert failures == {}


def gave_up(failures, member):
    """A member's failure may be told after the others have made up the quorum."""
    for _ in range(6_000):
        if member in failures:
            return failures[member]
        time.sleep(0.01)
    return pytest.fail(f"{member} was not reported")


FOREIGN = "0x" + sign_report(REPORT, DOMAIN, KEYS[COORDINATOR]).hex()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "It does not answer (ConnectError)."),
        (hanging_up, "It does not answer (RemoteProtocolError)."),
        (garbage, "It does not answer (RemoteProtocolError)."),
        (silent, "It does not answer (ReadTimeout)."),
        (dripping, "Its answer was not complete in 0.5 s."),
        (huge, f"Its answer is longer than {MAX_ANSWER_BYTES} bytes."),
        (json_answer({"signature": FOREIGN}), "it signed something else, or with another key"),
        (json_answer({"signature": "0x" + "ff" * 65}), "The signature cannot belong to any key."),
        (json_answer({"signature": "0x00"}), "Its answer holds no signature."),
        (json_answer({"signature": 7}), "Its answer holds no signature."),
        (json_answer([1]), "Its answer holds no signature."),
        (json_answer({"refused": "No\x1b[31m\nway."}, 409), "It refuses: No [31m way."),
        (json_answer({"refused": "x" * 999}, 409), "It refuses: " + "x" * 300 + "…"),
        (json_answer({"refused": "Who?"}, 401), "It answers 401: Who?"),
        (json_answer({}, 307, [("Location", "http://127.0.0.1:9/sign")]), "It answers 307."),
        (json_answer({}, 500), "It answers 500."),
    ],
)  # fmt: skip
def test_a_member_that_is_dead_or_lies_is_reported_and_does_not_stop_the_quorum(
    quorum, answer, why
):
    patience = 0.5 if answer in {silent, dripping} else 60.0
    made, failures = quorum(answer, honest(MEMBERS[1]), honest(MEMBERS[2]), patience=patience)
    assert signers_of(made.sign(REPORT, RECORDS, COMMITTEE)) == [1, 2]
    assert gave_up(failures, MEMBERS[0]) == why
    assert set(failures) == {MEMBERS[0]}


def test_a_quorum_that_is_not_met_says_of_every_member_why(quorum):
    refusing = json_answer({"refused": "The clocks differ."}, 409)
    made, _ = quorum(honest(MEMBERS[0]), None, refusing)
    with pytest.raises(SignatureError, match=r"[01] of the 2 signatures needed") as caught:
        made.sign(REPORT, RECORDS, COMMITTEE)
    assert f"{MEMBERS[1]}: It does not answer (ConnectError)." in caught.value.summary
    assert f"{MEMBERS[2]}: It refuses: The clocks differ." in caught.value.summary


def test_the_deadline_ends_the_wait_for_members_that_never_answer(quorum):
    made, _ = quorum(honest(MEMBERS[0]), silent, silent, seconds=0.3)
    with pytest.raises(SignatureError, match="it has not answered yet"):
        made.sign(REPORT, RECORDS, COMMITTEE)


def test_a_quorum_out_of_reach_is_not_waited_for(quorum):
    made, _ = quorum(silent, None, None)
    with pytest.raises(SignatureError, match="0 of the 2") as caught:
        made.sign(REPORT, RECORDS, COMMITTEE)
    assert f"{MEMBERS[0]}: it has not answered yet" in caught.value.summary


def test_a_member_that_never_answers_costs_a_bounded_number_of_threads(quorum):
    made, failures = quorum(silent, honest(MEMBERS[1]), honest(MEMBERS[2]))
    before = threading.enumerate()
    for _ in range(12):
        made.sign(REPORT, RECORDS, COMMITTEE)
    assert failures == {}
    waiting = still_asked(MEMBERS[0], before)
    assert len(waiting) == 4
    assert all(thread.daemon for thread in waiting)
    for member in MEMBERS[1:]:
        assert len(still_asked(member, before)) <= 4
    with pytest.raises(SignatureError, match="left 4 earlier requests unanswered"):
        made.sign(REPORT, RECORDS, replace(COMMITTEE, members=MEMBERS[:1], threshold=1))


def test_a_member_that_never_answers_does_not_keep_the_interpreter_alive(quorum):
    made, _ = quorum(silent, honest(MEMBERS[1]), honest(MEMBERS[2]))
    urls = [(member, signer._url.removesuffix("/sign")) for member, signer in made.signers.items()]
    program = f"""
from tests.node.test_quorum import *
signers = [RemoteSigner(url, member, DOMAIN, KEYS[COORDINATOR], 100.0) for member, url in {urls}]
print(Quorum(DOMAIN, signers).sign(REPORT, RECORDS, COMMITTEE).signer_mask)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, b"6"), done.stderr


def test_a_signer_that_breaks_costs_only_its_own_vote():
    class Broken:
        address = MEMBERS[0]

        def sign(self, report, records):
            raise KeyError("secret")

    failures = {}
    others = [KeySigner(DOMAIN, KEYS[member]) for member in MEMBERS[1:]]
    made = Quorum(DOMAIN, [Broken(), *others], on_failure=failures.__setitem__)
    assert signers_of(made.sign(REPORT, RECORDS, COMMITTEE)) == [1, 2]
    assert gave_up(failures, MEMBERS[0]) == "asking it failed (KeyError)"


def test_what_is_no_http_url_is_refused():
    with pytest.raises(InputError, match="no http:// or https:// URL"):
        RemoteSigner("file:///etc/passwd", MEMBERS[0], DOMAIN, KEYS[COORDINATOR])


def test_a_refusal_is_the_members_own_words(quorum):
    made, _ = quorum(json_answer({"refused": "Nonce 3 is spent."}, 409), None, None)
    with pytest.raises(SigningRefused, match=r"It refuses: Nonce 3 is spent\."):
        made.signers[MEMBERS[0]].sign(REPORT, RECORDS)

"""``chainrep demo --verify``: an honest provider, one with cheaper weights, and who can tell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chainrep.chain.client import Client
from chainrep.chain.devnet import find_anvil
from chainrep.chain.local_chain import LocalChain, sole_use, start_local_chain, stop_local_chain
from chainrep.config import Config
from chainrep.errors import ChainrepError, EvidenceUnavailable
from chainrep.protocol.job import Job
from chainrep.session import Session, deploy_locally, open_session, signing_accounts
from rag.causal_model import CausalModel, load_causal_model
from rag.jobs.options import limit_threads
from rag.jobs.provider import address_of
from rag.jobs.requester import Deal, Requester
from rag.lsh.calibration import Calibration
from rag.lsh.calibration_file import write_calibration
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.honest_runs import Plan, calibrate_machine
from rag.lsh.small_llama import build_small_llama

REQUESTER, HONEST, CHEAT, VERIFIERS = 0, 4, 5, (6, 7, 8)
STEPS, TOKENS, ATTACK = 60, 96, "int8"
PLAN = Plan(answers=128, tokens=64, bound=0.05, sums=(), attacks=(ATTACK,), batches=(32,))
PROMPT = "The first ship that"
PRICE = 10**16
_JOB_SECONDS = 240.0
_POLL_SECONDS = 0.3

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class JobShown:
    """One provider's job at its end; money in wei. ``votes`` are a text per round."""

    provider: str
    runs: str
    leaves: int
    votes: Sequence[str]
    verdict: str
    paid: int
    bond_back: int


@dataclass(frozen=True, slots=True)
class JobDemoResult:
    """What both jobs came to; ``threshold`` in bits of 256."""

    jobs: Sequence[JobShown]
    threshold: int
    unrelated_least: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and lists."""
        return asdict(self)


def run_job_demo(config: Config, seed: int, tell: Tell) -> JobDemoResult:
    """Train a small model, measure honest runs, and have two providers verified on a local chain.

    Chain, providers and verifiers are programs of their own, in a temporary folder that goes when
    all went well. ``tell`` is called with what is being done. Raises ChainrepError and RagError.
    """
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="chainrep-demo-"))
    limit_threads(1)
    tell("Training a small Llama")
    build_small_llama(folder / "model", [_corpus()], seed=seed, steps=STEPS)
    tell("Measuring how far honest runs differ")
    calibration = calibrate_machine(folder / "model", [_corpus()], replace(PLAN, seed=seed))
    write_calibration(calibration, folder / "calibration.json")
    with _chain(folder, tell) as (chain, client):
        own = replace(config, home=folder / "requester", rpc=chain.url, chain_id=None, key=None)
        deploy_locally(own, client)
        with _Programs(folder, chain.url) as programs:
            tell("Starting two providers and three verifiers")
            urls = programs.start_all()
            session = open_session(own)
            model = load_causal_model(folder / "model")
            numbers = _request(session, urls, model, calibration, tell)
            tell("Verifying, voting and paying")
            found = _await_ends(session, numbers)
    shutil.rmtree(folder)
    runs = {HONEST: "the model it promised", CHEAT: f"{ATTACK} weights"}
    shown = [_shown(job, runs[account]) for account, job in found.items()]
    unrelated = min(int(pair.impostors[0]) for pair in calibration.pairs)
    threshold = found[HONEST].terms.conditions.threshold
    return JobDemoResult(shown, threshold, unrelated, round(time.monotonic() - started, 1))


class _Programs:
    """The demo's providers and verifiers, each with a home folder and a log of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._running: list[tuple[subprocess.Popen[str], Path]] = []

    def __enter__(self) -> _Programs:
        return self

    def __exit__(self, *_: object) -> None:
        for program, _log in self._running:
            program.terminate()
        for program, _log in self._running:
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
            if program.stdout is not None:
                program.stdout.close()

    def start_all(self) -> dict[str, str]:
        """Start everybody; the providers' URLs by address, honest one first."""
        providers = [
            self._start(HONEST, "chainrep", "jobs", "serve", "--port", "0"),
            self._start(CHEAT, "rag.jobs.cheating_provider", "--attack", ATTACK),
        ]
        urls = {}
        for program in providers:
            words = self._first_line(*program).split()
            urls[words[1]] = words[words.index("at") + 1].rstrip(";")
        named = [f"--provider={address}={url}" for address, url in urls.items()]
        verifiers = [self._start(n, "chainrep", "jobs", "verify", *named) for n in VERIFIERS]
        for program in verifiers:
            self._first_line(*program)
        return urls

    def _start(self, account: int, *command: str) -> tuple[subprocess.Popen[str], Path]:
        home = self._folder / f"account{account}"
        home.mkdir()
        (home / "deployments").symlink_to(self._folder / "requester" / "deployments")
        log = self._folder / f"account{account}.log"
        options = [
            "--model", str(self._folder / "model"),
            "--calibration", str(self._folder / "calibration.json"),
            "--threads", "1", "--published-account", str(account),
        ]  # fmt: skip
        environment = os.environ | {"CHAINREP_HOME": str(home), "CHAINREP_RPC": self._url}
        environment.pop("CHAINREP_KEY", None)
        with log.open("wb") as stream:
            program = subprocess.Popen(  # noqa: S603 (ourselves, with our own arguments)
                [sys.executable, "-m", *command, *options],
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stream,
                text=True,
            )  # fmt: skip
        self._running.append((program, log))
        return program, log

    def _first_line(self, program: subprocess.Popen[str], log: Path) -> str:
        line = program.stdout.readline() if program.stdout is not None else ""
        if not line:
            raise ChainrepError(f"A program of the demo ended early; its words are in {log}.")
        return line


@contextmanager
def _chain(folder: Path, tell: Tell) -> Iterator[tuple[LocalChain, Client]]:
    tell("Starting a local chain")
    place = folder / "chain"
    with sole_use(place):
        chain, client = start_local_chain(place, _free_port(), find_anvil(Path("contracts")))
    try:
        yield chain, client
    finally:
        with sole_use(place):
            stop_local_chain(place, chain)


def _request(
    session: Session,
    urls: dict[str, str],
    model: CausalModel,
    calibration: Calibration,
    tell: Tell,
) -> dict[int, int]:
    from rag.jobs.options import job_files

    tell("Asking both providers")
    key = signing_accounts(session.client)[REQUESTER].private_key
    files = job_files(session, "requester", address_of(key))
    requester = Requester(session.jobs(), session.job_reader(), files, key)
    decode = DecodeSpec(max_tokens=TOKENS, end_tokens=model.end_tokens)
    deal = Deal(PRICE, 10 * PRICE, PRICE // 10)
    numbers = {}
    for account, (address, url) in zip((HONEST, CHEAT), urls.items(), strict=True):
        offer = requester.offer(url, address)
        ids = tuple(model.tokens(PROMPT))
        numbers[account] = requester.draft(url, offer, ids, decode, calibration, deal)
        requester.pay(numbers[account])
        requester.hand_over(numbers[account])
    for number in numbers.values():
        _await_answer(requester, number)
    return numbers


def _await_answer(requester: Requester, number: int) -> None:
    until = time.monotonic() + _JOB_SECONDS
    while requester.answer(number) is None:
        if time.monotonic() > until:
            raise EvidenceUnavailable("A provider of the demo did not answer in time.")
        time.sleep(_POLL_SECONDS)


def _await_ends(session: Session, numbers: dict[int, int]) -> dict[int, Job]:
    until = time.monotonic() + _JOB_SECONDS
    reader = session.job_reader()
    while True:
        found = {account: reader.read(number) for account, number in numbers.items()}
        if all(job.outcome for job in found.values()):
            return found
        if time.monotonic() > until:
            raise ChainrepError("The demo's jobs did not end in time: the machine is too busy.")
        time.sleep(_POLL_SECONDS)


def _shown(job: Job, runs: str) -> JobShown:
    conditions, outcome = job.terms.conditions, job.outcome
    if outcome is None or job.claim is None:
        raise ChainrepError("A job of the demo has not ended.")
    votes = [
        f"leaf {ended.leaf}: {', '.join(vote.name.lower() for vote in ended.votes)}"
        for ended in job.past
    ]
    return JobShown(
        job.provider,
        runs,
        job.claim.leaf_count,
        votes,
        outcome.verdict.name.lower(),
        max(outcome.to_provider - conditions.bond, 0),
        min(outcome.to_provider, conditions.bond),
    )


def _corpus() -> str:
    """The demo's passages as one text, so that the model does not learn to stop early: an answer
    of one leaf can be accepted, but never rejected."""
    from rag.loaders import demo_dataset

    return "\n".join(dict.fromkeys(passage.text for passage in demo_dataset().passages))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

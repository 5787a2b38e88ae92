"""A relayer that is killed over and over on a chain that turns back, and what came of it."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrep.chain.client import Client, connect
from chainrep.config import Config
from chainrep.errors import ChainError
from chainrep.node.flush_policy import FlushPolicy
from chainrep.session import Session, bind_session, deploy_new, published_committee
from scripts.benchmarks.gas.chain import OWNER, SOURCE_OWNER, fresh_chain
from scripts.benchmarks.relay.outbox import judgements

SOURCES = 20
PER_KILL = 25
DEEPEST = 20
LONGEST_SECONDS = 0.25
SEED = 4


def kill_figures(home: Path, kills: int, tick: Callable[[], object]) -> dict[str, Any]:
    """Kill a relayer with SIGKILL ``kills`` times, each time after up to a quarter of a second.

    Every fifth time its chain (an anvil of its own) also turns back by 1 to 20 blocks. Then the
    rest is sent undisturbed, and the ledger is compared with what was judged. Empty without anvil:
    the embedded chain does not turn back while somebody asks it.
    """
    with fresh_chain() as (client, chain):
        return _killed(client, home, kills, tick) if chain == "anvil" else {}


def _killed(client: Client, home: Path, kills: int, tick: Callable[[], object]) -> dict[str, Any]:
    url = client.label
    config = Config(home, url, None)
    deployment = deploy_new(config, client, OWNER.private_key, published_committee(client))
    session = bind_session(config, client, deployment)
    for i in range(SOURCES):
        session.registry.register(f"https://source{i}.example", SOURCE_OWNER.private_key)
    _mine(client, 2 * DEEPEST)
    rng, outbox, given, depths = random.Random(SEED), session.outbox(), 0, []  # noqa: S311
    for number in range(kills):
        outbox.put_many(judgements(PER_KILL, SOURCES, f"kill/{number}"))
        given += PER_KILL
        _run_and_kill(session, url, rng.uniform(0.01, LONGEST_SECONDS))
        if number % 5 == 4:
            depths.append(rng.randint(1, DEEPEST))
            client.w3.provider.make_request("anvil_reorg", [depths[-1], []])  # type: ignore[arg-type]
        _mine(client, 1)
        tick()
    relayer = session.relayer(outbox, confirmations=DEEPEST + 4, policy=_policy())
    while (progress := relayer.step()).open or progress.pending:
        _mine(client, 1)
        tick()
    relayer.close()
    asked = sum(score.asked for score in session.ledger.scores(range(1, SOURCES + 1))) // 100
    return {
        "kills": kills,
        "reorgs_survived": len(depths),
        "deepest_reorg": max(depths, default=0),
        "killed_feedback": given,
        "killed_lost": max(0, given - asked),
        "killed_duplicated": max(0, asked - given),
    }


def _run_and_kill(session: Session, url: str, seconds: float) -> None:
    child = os.fork()
    if child == 0:
        try:
            _relay(bind_session(session.config, connect(url), session.deployment))
        except BaseException:  # noqa: BLE001 (it is shown, and the parent notices)
            traceback.print_exc()
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise ChainError("A relayer failed by itself before it was killed.", "Its words are above.")


def _relay(session: Session) -> None:
    relayer = session.relayer(session.outbox(), confirmations=DEEPEST + 4, policy=_policy())
    while True:
        if relayer.step().at_rest:
            _mine(session.client, 1)


def _policy() -> FlushPolicy:
    return FlushPolicy(flush_at=1, max_age=0, max_updates=SOURCES)


def _mine(client: Client, blocks: int) -> None:
    for _ in range(blocks):
        client.w3.provider.make_request("anvil_mine", [1])  # type: ignore[arg-type]

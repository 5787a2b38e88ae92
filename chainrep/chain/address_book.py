"""Where the contracts of one chain are: ``deployments/<chain id>.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_utils.address import is_checksum_address

from chainrep.chain.bounded_json import parse_json
from chainrep.errors import ConfigError, NotDeployed
from chainrep.private_folder import make_private

MAX_FILE_BYTES = 2**20
MAX_FORMULA_BYTES = 2**19
"""What a formula may take: 10,000 seeds are 450,000."""
_DEPLOY = "Run `chainrep deploy` to put the contracts on this chain."


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment: checksummed addresses, and the genesis block that tells its chain apart.

    ``block`` is the first block that can hold one of its events. ``formula`` is the text whose
    hash its reputation roots are bound to; address books of earlier versions have none, and no
    ``verdict_ledger``, ``verification_jobs`` and ``beacon``.
    """

    chain_id: int
    genesis: str
    block: int
    source_registry: str
    score_ledger: str
    feedback_log: str
    reputation_roots: str
    members: Sequence[str]
    threshold: int
    formula: str = ""
    verdict_ledger: str = ""
    verification_jobs: str = ""
    beacon: str = ""

    @property
    def contracts(self) -> Mapping[str, str]:
        """Every contract's address by its name; of those that it may lack, the ones it has."""
        jobs = {"VerificationJobs": self.verification_jobs, "PrevrandaoBeacon": self.beacon}
        return {**self.indexed, **{name: address for name, address in jobs.items() if address}}

    @property
    def indexed(self) -> Mapping[str, str]:
        """Those whose events the index copies: all but the jobs, whose events are read one job at
        a time, by whoever has to do with it."""
        optional = {"VerdictLedger": self.verdict_ledger}
        return {
            "SourceRegistry": self.source_registry,
            "ScoreLedger": self.score_ledger,
            "FeedbackLog": self.feedback_log,
            "ReputationRoots": self.reputation_roots,
            **{name: address for name, address in optional.items() if address},
        }

    @property
    def ledger_id(self) -> str:
        """The ledger's CAIP-10 account id, with which the store marks what belongs to it."""
        return f"eip155:{self.chain_id}:{self.score_ledger}:{self.genesis[:18]}"


def save_deployment(folder: Path, deployment: Deployment) -> Path:
    """Write the file in one step, so that a kill leaves the old one or the new one."""
    path = folder / f"{deployment.chain_id}.json"
    draft = path.with_suffix(".new")
    try:
        make_private(folder)
        draft.write_text(json.dumps(asdict(deployment), indent=2) + "\n")
        os.replace(draft, path)  # noqa: PTH105 (atomic on POSIX and Windows alike)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}).") from error
    return path


def load_deployment(folder: Path, chain_id: int, genesis: str) -> Deployment:
    """Find the deployment on the chain that answers.

    Raises NotDeployed when there is none or it was made on another chain of the same id, and
    ConfigError when the file is damaged.
    """
    path = folder / f"{chain_id}.json"
    if not path.exists():
        raise NotDeployed(f"No deployment on chain {chain_id} is known in {folder}.", _DEPLOY)
    deployment = _read(path)
    if deployment.genesis != genesis:
        raise NotDeployed(
            f"{path} was made on another chain with the id {chain_id}: this one began anew.",
            _DEPLOY,
        )
    return deployment


def only_deployment(folder: Path, chain_id: int | None) -> Deployment:
    """The deployment to assume while no chain answers: the one there is, or that of this chain.

    Raises NotDeployed when there is none, ConfigError when only the chain id could tell which.
    """
    paths = sorted(folder.glob("*.json" if chain_id is None else f"{chain_id}.json"))
    if not paths:
        raise NotDeployed(f"No deployment is known in {folder}.", _DEPLOY)
    if len(paths) > 1:
        raise ConfigError(
            f"{folder} knows deployments on several chains, and none of them answers.",
            "Say which one with --chain-id.",
        )
    return _read(paths[0])


def parse_deployment(content: bytes) -> Deployment:
    """One address book, from whoever wrote it; raises TypeError or ValueError where it is none."""
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("it is too large")
    fields = parse_json(content)
    if not isinstance(fields, dict):
        raise ValueError("it is no JSON object")
    deployment = Deployment(**fields)
    numbers = (deployment.chain_id, deployment.block, deployment.threshold)
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a number in it is not what it should be")
    if not isinstance(deployment.genesis, str) or not isinstance(deployment.members, list):
        raise ValueError("something in it is not what it should be")
    if not isinstance(deployment.formula, str):
        raise ValueError("its formula is no text")
    later = (deployment.verdict_ledger, deployment.verification_jobs, deployment.beacon)
    if not all(isinstance(address, str) for address in later):
        raise ValueError("an address in it is no text")
    if len(deployment.formula) > MAX_FORMULA_BYTES:
        raise ValueError("its formula is too long")
    addresses = [*deployment.contracts.values(), *deployment.members]
    if not all(is_checksum_address(address) for address in addresses):
        raise ValueError("an address in it has no valid checksum")
    return deployment


def _read(path: Path) -> Deployment:
    try:
        with path.open("rb") as stream:
            deployment = parse_deployment(stream.read(MAX_FILE_BYTES + 1))
        if str(deployment.chain_id) != path.stem:
            raise ValueError("the number of its chain is another one than in its name")
    except (OSError, TypeError, ValueError) as error:
        raise ConfigError(
            f"The address book {path} cannot be read ({error}).",
            "Mend it, or delete it and run `chainrep deploy`.",
        ) from error
    return deployment

"""What gas a transaction needs on the embedded chain, found in two runs of it.

py-evm's own search runs a transaction a dozen times, which was most of what a deployment cost.
"""

from __future__ import annotations

from typing import cast

from eth.abc import ComputationAPI, SignedTransactionAPI, StateAPI
from eth.constants import GAS_TX
from eth.estimators.gas import binary_gas_search_intrinsic_tolerance
from eth.vm.forks.prague.constants import TOTAL_COST_FLOOR_PER_TOKEN
from eth.vm.spoof import SpoofTransaction


def estimate_gas(state: StateAPI, transaction: SignedTransactionAPI) -> int:
    """Gas with which the transaction succeeds on this state.

    What it takes when it has all it wants, and a 63rd of it more, since a call passes on 63 of 64
    parts (EIP-150); at least what its data costs (EIP-7623). Where that is not enough, as for calls
    deep within calls, it is searched for.

    Raises eth.exceptions.VMError where no gas is enough.
    """
    whole = _run(state, transaction, state.gas_limit)
    if whole.is_error:
        raise whole.error
    used = state.gas_limit - whole.get_gas_remaining()
    zeros = transaction.data.count(0)
    floor = GAS_TX + TOTAL_COST_FLOOR_PER_TOKEN * (4 * len(transaction.data) - 3 * zeros)
    enough = max(used + used // 63 + 1, transaction.intrinsic_gas, floor)
    if enough < state.gas_limit and _succeeds(state, transaction, enough):
        return enough
    return int(binary_gas_search_intrinsic_tolerance(state, transaction))


def _succeeds(state: StateAPI, transaction: SignedTransactionAPI, gas: int) -> bool:
    return not _run(state, transaction, gas).is_error


def _run(state: StateAPI, transaction: SignedTransactionAPI, gas: int) -> ComputationAPI:
    """Run it and take everything back."""
    spoofed = SpoofTransaction(transaction, gas=gas, gas_price=0)
    before = state.snapshot()
    try:
        return state.apply_transaction(cast(SignedTransactionAPI, spoofed))
    finally:
        state.revert(before)

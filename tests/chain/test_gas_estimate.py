"""How much gas the embedded chain says that a transaction needs, against what it then takes."""

import pytest

from chainrep.chain.devnet import dev_accounts
from chainrep.errors import UnknownSource

OWNER, OTHER = dev_accounts(2)
CLEARS = "6001600155" + "6000600155"
"""Sets a word of storage and clears it again, for which gas is refunded at the end."""


def sent(session, **call):
    """The estimate for a transaction, and its receipt when it has no more than that."""
    eth = session.client.w3.eth
    call = {"from": OWNER.address, **call}
    gas = eth.estimate_gas(call)
    receipt = eth.wait_for_transaction_receipt(eth.send_transaction(call | {"gas": gas}))
    return gas, receipt


@pytest.mark.parametrize(
    "call",
    [
        {"to": OTHER.address, "value": 1},
        {"to": OTHER.address, "data": "0x" + "ff" * 10_000},
        {"to": OTHER.address, "data": "0x" + "00" * 10_000},
        {"data": "0x" + CLEARS + "00"},
        {"data": "0x" + "6001600155" * 20 + "00"},
    ],
    ids=["payment", "calldata", "zeros", "refund", "storage"],
)
def test_what_is_estimated_is_enough_and_not_much_more(session, call):
    gas, receipt = sent(session, **call)
    assert receipt["status"] == 1
    assert receipt["gasUsed"] <= gas < 1.25 * receipt["gasUsed"] + 21_000


def test_calls_within_calls_get_the_part_that_is_passed_on(session):
    registry = session.registry.contract
    data = registry.functions.register("https://" + "a" * 200).build_transaction(
        {"from": OWNER.address, "gas": 1, "gasPrice": 0}
    )["data"]
    gas, receipt = sent(session, to=registry.address, data=data)
    assert receipt["status"] == 1
    assert receipt["gasUsed"] <= gas < 1.1 * receipt["gasUsed"]


def test_a_transaction_that_no_gas_helps_is_refused_with_its_reason(session):
    with pytest.raises(UnknownSource, match="No source has the id 9"):
        session.registry.retire(9, OWNER.private_key)

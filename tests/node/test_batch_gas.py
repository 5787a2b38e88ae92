import json
from pathlib import Path

import pytest

from chainrep.node.batch_gas import Bill, fixed_gas, gas_limit, source_gas, within_gas
from chainrep.node.waiting import Waiting

MEASURED = json.loads((Path(__file__).parents[2] / "contracts/gas.json").read_text())


@pytest.mark.parametrize(
    ("entry", "sources", "signatures", "unscored"),
    [
        ("apply 1", 1, 1, ()),
        ("apply 10", 10, 1, ()),
        ("apply 100", 100, 1, ()),
        ("apply 10, 2 signatures", 10, 2, ()),
        ("apply 10 new sources", 10, 1, range(10)),
    ],
)
def test_gas_is_foretold_from_above_within_three_percent(entry, sources, signatures, unscored):
    told = fixed_gas(signatures) + sum(source_gas(s, unscored) for s in range(sources))
    assert MEASURED[entry] <= told <= 1.03 * MEASURED[entry]


def test_a_batch_is_filled_from_the_front_up_to_its_gas_limit_and_its_size():
    waiting = [Waiting(source, 0, 0) for source in (7, 8, 9)]
    bill = Bill({7: 10, 8: 1_000, 9: 10}, fixed=100, limit=gas_limit(120), most=5, price=3)
    fitting = bill.fitting(waiting)
    assert [one.source for one in fitting] == [7, 9]
    assert bill.cost(fitting) == 120 * 3
    narrow = Bill({7: 10, 8: 10, 9: 10}, fixed=100, limit=10_000, most=2, price=3)
    assert [one.source for one in narrow.fitting(waiting)] == [7, 8]


def test_sources_are_cut_where_a_transaction_has_no_more_gas():
    known = within_gas(range(1, 5_000), (), 2, 2**24)
    new = within_gas(range(1, 5_000), range(1, 5_000), 2, 2**24)
    assert known == frozenset(range(1, len(known) + 1))
    assert len(new) < 600 < len(known) < 3_000
    assert gas_limit(fixed_gas(2) + len(known) * source_gas(1, ())) <= 2**24

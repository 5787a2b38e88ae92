import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrep.errors import InputError
from chainrep.protocol.settle_request import (
    MAX_REQUEST_BYTES,
    SettleRequest,
    dump_settle_request,
    parse_settle_request,
)
from chainrep.protocol.settlement import RootsDomain, Settlement

DOMAIN = RootsDomain(31_337, "0xc0ffEeC0FFeEc0FFeec0ffEec0fFEEC0FFEEbeeF")
REQUEST = SettleRequest(Settlement(1, 2, 3, 4, 5, b"\x06" * 20, b"\x07" * 32), DOMAIN)
CONTENT = json.loads(dump_settle_request(REQUEST))


@given(
    st.builds(
        Settlement,
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**40 - 1),
        st.integers(0, 2**48 - 1),
        st.binary(min_size=20, max_size=20),
        st.binary(min_size=32, max_size=32),
    )
)
def test_a_request_is_read_back_as_it_was_written(settlement):
    request = SettleRequest(settlement, DOMAIN)
    assert parse_settle_request(dump_settle_request(request)) == request


@pytest.mark.parametrize(
    "change",
    [{"epoch": 2**40}, {"epoch": -1}, {"epoch": 1.0}, {"epoch": True}, {"epoch": "1"},
     {"root": "06" * 19}, {"root": 6}, {"root": "zz" * 20}, {"snapshot_hash": "٠" * 64},
     {"contract": DOMAIN.contract.lower()}, {"contract": None}, {"more": 1}],
)  # fmt: skip
def test_a_field_of_another_form_is_refused(change):
    with pytest.raises(InputError):
        parse_settle_request(json.dumps(CONTENT | change).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"\xff{", b"[" * 1_000, b'{"a":' * 100,
     dump_settle_request(REQUEST) + b" " * MAX_REQUEST_BYTES, dump_settle_request(REQUEST)[:-1],
     json.dumps({k: v for k, v in CONTENT.items() if k != "epoch"}).encode()],
)  # fmt: skip
def test_what_is_no_request_is_refused(body):
    with pytest.raises(InputError):
        parse_settle_request(body)

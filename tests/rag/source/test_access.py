"""Who may search."""

import os

import pytest
from eth_account import Account

from chainrep.errors import InputError, NotAuthorized
from rag.source.access import Access, authorize_search, read_accounts, read_keys
from rag.source.credentials import api_keys, first_of, nothing, read_source_keys
from rag.source.remote_source import RemoteSource
from tests.rag.source.one_source import DOMAIN, OWNER

ASKER = bytes([5]) * 32
ADDRESS = str(Account.from_key(ASKER).address)
BODY = b'{"query": "rivers"}'
NOW = 1_700_000_000.0


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# who  key\n\nalice 0123456789abcdef\nbob\tfedcba9876543210  \n")
    return read_keys(path)


def test_without_keys_and_accounts_everybody_may(keys):
    assert Access(OWNER, DOMAIN).everybody
    assert not Access(OWNER, DOMAIN, keys).everybody
    assert not Access(OWNER, DOMAIN, {}, frozenset({ADDRESS}), 3).everybody


def test_the_holder_of_a_key_is_known_by_its_name(keys):
    access = Access(OWNER, DOMAIN, keys)
    assert access.asker("Bearer 0123456789abcdef", BODY, NOW) == "alice"
    assert access.asker("Bearer fedcba9876543210", BODY, NOW) == "bob"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer ", "Bearer 0123456789abcde", "Bearer alice", "Basic YTpi", "Bearer \ud800"],
)
def test_whoever_has_no_key_is_nobody_who_may(keys, header):
    with pytest.raises(NotAuthorized):
        Access(OWNER, DOMAIN, keys).asker(header, BODY, NOW)


def test_keys_are_kept_as_digests_only(keys):
    assert "0123456789abcdef" not in repr(Access(OWNER, DOMAIN, keys))
    assert {len(digest) for digest in keys.values()} == {32}


@pytest.mark.parametrize(
    "content", ["", "# none\n", "alice\n", "alice short\n", "al ice 0123456789abcdef\n",
                "alice 0123456789abcdef\nalice fedcba9876543210\n",
                "alice 0123456789abcdef\nbob 0123456789abcdef\n", "alice 0123456789abcdé€f\n"]
)  # fmt: skip
def test_a_file_that_holds_no_keys_is_refused_without_showing_any(tmp_path, content):
    path = tmp_path / "keys"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_keys(path)
    assert "0123456789abcd" not in str(caught.value)


def test_a_file_of_keys_that_is_missing_or_endless_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_keys(tmp_path / "none")
    (tmp_path / "long").write_bytes(os.urandom(2**20 + 1))
    with pytest.raises(InputError, match="larger than"):
        read_keys(tmp_path / "long")


def signed(body=BODY, expires=NOW + 60, source=3, owner=OWNER, key=ASKER):
    return authorize_search(body, int(expires), source, owner, DOMAIN, key)


def test_a_signed_request_of_an_account_on_the_list_is_known_by_its_address():
    access = Access(OWNER, DOMAIN, {}, read_accounts((ADDRESS,)), 3)
    assert access.asker(signed(), BODY, NOW) == ADDRESS


@pytest.mark.parametrize(
    "header",
    [signed(body=b"another"), signed(expires=NOW - 1), signed(expires=NOW + 601),
     signed(source=4), signed(owner=ADDRESS), signed(key=bytes([6]) * 32), "Chainrep 1 2 3",
     "Chainrep 1700000060 " + "00" * 32 + " " + "00" * 65],
    ids=["body", "expired", "too long", "its sibling's", "meant for another", "not listed", "form",
         "no key"],
)  # fmt: skip
def test_a_request_that_was_not_signed_for_just_this_is_refused(header):
    access = Access(OWNER, DOMAIN, {}, frozenset({ADDRESS}), 3)
    with pytest.raises(NotAuthorized):
        access.asker(header, BODY, NOW)


def test_accounts_need_the_id_of_the_source():
    with pytest.raises(InputError, match="id is missing"):
        Access(OWNER, DOMAIN, {}, frozenset({ADDRESS}))


def test_an_account_without_a_checksum_is_no_account():
    with pytest.raises(InputError, match="checksummed"):
        read_accounts((ADDRESS.lower(),))


def test_keys_for_sources_are_read_by_their_ids(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# ours\n7 0123456789abcdef\n8 0123456789abcdef\n")
    assert read_source_keys(path) == {7: "0123456789abcdef", 8: "0123456789abcdef"}


@pytest.mark.parametrize(
    "line",
    ["0 ", "x ", "4294967296 ", "7 short\n7 ", "7 0123456789abcdef\n7 ", "7 0123456789abcdef\n07 "],
)
def test_what_is_no_key_for_a_source_is_refused_without_showing_it(tmp_path, line):
    path = tmp_path / "keys"
    path.write_text(f"{line}0123456789abcdeg\n")
    with pytest.raises(InputError) as caught:
        read_source_keys(path)
    assert "0123456789" not in str(caught.value)


def test_the_first_credential_that_is_there_is_shown():
    source = RemoteSource(7, OWNER, ("https://seven.example",))
    shown = first_of(nothing, api_keys({7: "one"}), api_keys({7: "two"}))
    assert shown(source, source.urls[0], b"") == "Bearer one"
    assert first_of()(source, source.urls[0], b"") == ""

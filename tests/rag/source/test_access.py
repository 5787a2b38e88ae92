"""Who may search."""

import os

import pytest
from eth_account import Account

from chainrep.errors import InputError, NotAuthorized
from rag.source.access import Access, authorize_search, read_accounts, read_keys
from rag.source.credentials import ApiKey, api_keys, first_of, nothing, read_source_keys
from rag.source.exchange import Unanswered
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
    path.write_text(
        f"\ufeff7 {OWNER} 0123456789abcdef\n\n# ours\n  # too\n8\t{ADDRESS}  0123456789abcdef\n"
    )
    keys = read_source_keys(path)
    assert keys == {
        7: ApiKey(OWNER, "0123456789abcdef"),
        8: ApiKey(ADDRESS, "0123456789abcdef"),
    }
    assert "0123456789abcdef" not in repr(keys)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0 {owner} {key}", "is no source's id"),
        ("x {owner} {key}", "is no source's id"),
        ("4294967296 {owner} {key}", "is no source's id"),
        ("7 {key}", 'Write a line "ID OWNER KEY"'),
        ("7 {owner} {owner} {key}", 'Write a line "ID OWNER KEY"'),
        ("7 {owner} 0123456789", 'Write a line "ID OWNER KEY"'),
        ("7 {small} {key}", "chainrep source show ID"),
        ("{key} {owner} {key}", "line 1: its first word is no source's id"),
        ("# ours\n{key} 7 {owner}", "line 2: an address stands where the key should"),
        ("7 {key} {owner}", "an address stands where the key should"),
        ("7 {owner} {small}", "an address stands where the key should"),
        ("7 {owner} {key}\n7 {owner} {key}", "line 2: this name stands there twice"),
        ("7 {owner} {key}\n07 {owner} {key}", "line 2: a second key for one source"),
        ("0000000000000007 {small} {key}", "chainrep source show ID"),
    ],
)
def test_what_is_no_key_for_a_source_is_refused_without_showing_it(tmp_path, lines, message):
    path = tmp_path / "keys"
    path.write_text(lines.format(owner=OWNER, small=OWNER.lower(), key="0123456789abcdeg"))
    with pytest.raises(InputError, match=message) as caught:
        read_source_keys(path)
    assert "0123456789" not in str(caught.value)
    assert "00000007" not in str(caught.value)


def test_a_key_is_not_shown_to_who_owns_the_source_later():
    shown = api_keys({7: ApiKey(OWNER, "one")})
    handed_over = RemoteSource(7, ADDRESS, ("https://seven.example",))
    with pytest.raises(Unanswered, match=f"is owned by {ADDRESS}, .* ask this one for a key, or"):
        shown(handed_over, handed_over.urls[0], b"")


def test_the_first_credential_that_is_there_is_shown():
    source = RemoteSource(7, OWNER, ("https://seven.example",))
    one, two = (api_keys({7: ApiKey(OWNER, text)}) for text in ("one", "two"))
    shown = first_of(nothing, one, two)
    assert shown(source, source.urls[0], b"") == "Bearer one"
    assert first_of()(source, source.urls[0], b"") == ""

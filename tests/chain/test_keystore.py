"""Encrypted keys: what goes in comes out, and a hostile file costs nothing."""

import json
import os
import stat

import pytest
from eth_account import Account

from chainrep.chain.keystore import import_key, list_keys, new_key, stored_key, unlock
from chainrep.errors import InputError, KeystoreError

WORD = "correct horse battery"
FAST = 2


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "home" / "keys"


def test_a_new_key_opens_with_its_passphrase_and_no_other(folder):
    address = new_key(folder, "relayer-1", WORD, FAST)
    assert Account.from_key(unlock(folder, "relayer-1", WORD)).address == address
    assert stored_key(folder, "relayer-1").address == address
    for wrong in ["", "correct horse batterie", WORD + " "]:
        with pytest.raises(KeystoreError, match="does not open the key 'relayer-1'") as refused:
            unlock(folder, "relayer-1", wrong)
        assert wrong == "" or wrong not in str(refused.value)


def test_an_imported_key_is_the_same_key(folder):
    secret = bytes(range(1, 33))
    address = import_key(folder, "mine", secret, "Schlüssel ☃ lang", FAST)
    assert address == Account.from_key(secret).address
    assert unlock(folder, "mine", "Schlüssel ☃ lang") == secret
    assert secret.hex() not in (folder / "mine.json").read_text()


def test_the_default_is_the_costly_key_derivation_everybody_uses(folder):
    new_key(folder, "k", WORD)
    cost = json.loads((folder / "k.json").read_text())["crypto"]["kdfparams"]
    assert (cost["n"], cost["r"], cost["p"]) == (2**18, 8, 1)
    assert len(unlock(folder, "k", WORD)) == 32


def test_nobody_else_can_read_the_files(folder):
    new_key(folder, "k", WORD, FAST)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "k.json").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["k.json"]
    assert stored_key(folder, "k").private
    (folder / "k.json").chmod(0o640)
    assert not stored_key(folder, "k").private


def test_a_key_is_never_overwritten(folder):
    address = new_key(folder, "k", WORD, FAST)
    with pytest.raises(KeystoreError, match="'k' already"):
        new_key(folder, "k", WORD, FAST)
    assert [(key.name, key.address) for key in list_keys(folder)] == [("k", address)]
    assert [path.name for path in folder.iterdir()] == ["k.json"]


@pytest.mark.parametrize("name", ["", "K", "a/b", "../up", "a.b", "a" * 33, "a\n", "ä"])
def test_a_name_cannot_leave_the_folder(folder, name):
    for attempt in (new_key, unlock):
        with pytest.raises(InputError, match="no name of a key"):
            attempt(folder, name, WORD)


def test_what_is_no_key_and_no_passphrase_is_refused(folder):
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    for secret in (b"", b"\1" * 31, b"\1" * 33, bytes(32), order.to_bytes(32), b"\xff" * 32):
        with pytest.raises(InputError, match="no private key"):
            import_key(folder, "k", secret, WORD, FAST)
    for passphrase in ("", "seven77", "x" * 1025):
        with pytest.raises(InputError, match="8 to 1024"):
            new_key(folder, "k", passphrase, FAST)
    assert not folder.exists()
    assert (
        unlock(folder, "k", WORD)
        if import_key(folder, "k", (order - 1).to_bytes(32), WORD, FAST)
        else False
    )


def test_a_key_that_is_not_there(folder):
    assert list_keys(folder) == []
    with pytest.raises(KeystoreError, match=r"no key 'k'.*keys new"):
        unlock(folder, "k", WORD)


def test_a_file_of_another_program_with_pbkdf2_opens(folder):
    folder.mkdir(parents=True)
    content = Account.encrypt(b"\5" * 32, WORD, kdf="pbkdf2", iterations=1000)
    (folder / "k.json").write_text(json.dumps(content))
    assert unlock(folder, "k", WORD) == b"\5" * 32


def changed(content, path, value):
    *way, last = path.split(".")
    place = content
    for step in way:
        place = place[step]
    place[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 4),
        ("crypto", []),
        ("crypto.cipher", "aes-256-gcm"),
        ("crypto.kdf", "argon2"),
        ("crypto.kdf", ["scrypt"]),
        ("crypto.kdfparams.n", 2**40),
        ("crypto.kdfparams.n", 2**19),
        ("crypto.kdfparams.n", 3),
        ("crypto.kdfparams.n", 1),
        ("crypto.kdfparams.n", True),
        ("crypto.kdfparams.n", 2.0),
        ("crypto.kdfparams.n", "2"),
        ("crypto.kdfparams.r", 2**30),
        ("crypto.kdfparams.p", 2**30),
        ("crypto.kdfparams.p", 0),
        ("crypto.kdfparams.dklen", 2**31),
        ("crypto.kdfparams.dklen", 16),
        ("crypto.kdfparams.salt", "0" * 4000),
        ("crypto.kdfparams.salt", "zz"),
        ("crypto.kdfparams.salt", "abc"),
        ("crypto.kdfparams.salt", None),
        ("crypto.kdfparams", {"c": 10**9, "prf": "hmac-sha256", "salt": "00", "dklen": 32}),
        ("crypto.ciphertext", "00" * 33),
        ("crypto.mac", "00"),
        ("crypto.cipherparams.iv", 5),
        ("address", "00" * 19),
        ("address", None),
    ],
)
def test_a_hostile_file_is_refused_before_any_work(folder, path, value):
    new_key(folder, "k", WORD, FAST)
    file = folder / "k.json"
    file.write_text(json.dumps(changed(json.loads(file.read_text()), path, value)))
    with pytest.raises(KeystoreError, match="not usable"):
        unlock(folder, "k", WORD)
    with pytest.raises(KeystoreError, match="not usable"):
        list_keys(folder)


def test_costly_parameters_under_another_spelling_are_not_used(folder):
    new_key(folder, "k", WORD, FAST)
    file = folder / "k.json"
    content = json.loads(file.read_text())
    content["crypto"]["KDFPARAMS"] = content["crypto"]["kdfparams"] | {"n": 2**40}
    file.write_text(json.dumps(content))
    assert len(unlock(folder, "k", WORD)) == 32


def test_rounds_of_pbkdf2_are_bounded(folder):
    folder.mkdir(parents=True)
    content = Account.encrypt(b"\5" * 32, WORD, kdf="pbkdf2", iterations=1000)
    content["crypto"]["kdfparams"]["c"] = 10**12
    (folder / "k.json").write_text(json.dumps(content))
    with pytest.raises(KeystoreError, match="out of bounds"):
        unlock(folder, "k", WORD)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "null", "[" * 9000, '"x"', " " * 20_000, b"\xff\xfe\x00"]
)
def test_a_file_that_is_no_keystore_is_refused(folder, text):
    folder.mkdir(parents=True)
    (folder / "k.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(KeystoreError, match="not usable"):
        unlock(folder, "k", WORD)


def test_a_pipe_in_the_place_of_a_file_does_not_keep_us_waiting(folder):
    folder.mkdir(parents=True)
    os.mkfifo(folder / "k.json")
    with pytest.raises(KeystoreError, match="it is no file"):
        unlock(folder, "k", WORD)


def test_a_file_whose_address_lies_is_not_used(folder):
    new_key(folder, "k", WORD, FAST)
    file = folder / "k.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"address": "00" * 20}))
    with pytest.raises(KeystoreError, match="another key than it says"):
        unlock(folder, "k", WORD)

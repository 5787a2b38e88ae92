"""Keys on the command line: made, imported, and used to sign on a chain that is not a local one."""

import json
import os
import pty
import select
import subprocess
import sys

import pytest
from click.testing import CliRunner
from eth_account import Account

from chainrep.chain.client import connect
from chainrep.chain.devnet import ANVIL_CHAIN_ID, anvil_command, dev_accounts, find_anvil
from chainrep.chain.keystore import new_key, unlock
from chainrep.cli.app import cli
from chainrep.errors import ConfigError, InputError, KeystoreError
from tests.tools import ROOT, free_port, lines, require_tool, wait_for_chain

WORD = "correct horse battery"


class Terminal:
    def __init__(self, home, url=""):
        self.keys = home / "keys"
        self.environment = {"CHAINREP_HOME": str(home), "CHAINREP_RPC": url, "CHAINREP_KEY": ""}

    def run(self, *arguments):
        runner = CliRunner(env=self.environment)
        ran = runner.invoke(cli, arguments, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.output

    def read(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path / "home")


def test_a_key_is_made_listed_and_shown_without_its_secret(terminal):
    assert "no key yet" in terminal.run("keys", "list")
    with lines(WORD) as fd:
        told = terminal.run("keys", "new", "relayer", "--passphrase-fd", fd)
    secret = unlock(terminal.keys, "relayer", WORD)
    address = str(Account.from_key(secret).address)
    assert address in told
    assert terminal.read("keys", "list") == [{"name": "relayer", "address": address}]
    shown = terminal.run("keys", "show", "relayer")
    assert address in shown
    for text in (told, shown, terminal.run("keys", "list")):
        assert secret.hex() not in text
        assert WORD not in text


def test_a_key_and_its_passphrase_are_imported_as_lines_of_one_descriptor(terminal):
    account = dev_accounts(1)[0]
    with lines("0x" + account.private_key.hex(), WORD) as fd:
        made = terminal.read("keys", "import", "mine", "--key-fd", fd, "--passphrase-fd", fd)
    assert made["address"] == account.address
    assert unlock(terminal.keys, "mine", WORD) == account.private_key


def test_a_passphrase_is_typed_twice_and_unseen(terminal):
    child, screen = pty.fork()
    if child == 0:
        os.execve(  # noqa: S606 (our own command, at a terminal of its own)
            sys.executable,
            [sys.executable, "-m", "chainrep", "keys", "new", "typed"],
            {**os.environ, **terminal.environment},
        )
    seen = b""
    for prompts in (1, 2):
        while seen.count(b": ") < prompts:
            assert select.select([screen], [], [], 30)[0], seen
            seen += os.read(screen, 1024)
        os.write(screen, WORD.encode() + b"\n")
    try:
        while piece := os.read(screen, 1024):
            seen += piece
    except OSError:  # Linux ends a terminal whose other side is gone with an error
        pass
    _, status = os.waitpid(child, 0)
    os.close(screen)
    assert os.waitstatus_to_exitcode(status) == 0, seen
    assert WORD.encode() not in seen
    assert len(unlock(terminal.keys, "typed", WORD)) == 32


def test_without_a_terminal_nothing_is_asked(terminal):
    run = subprocess.run(
        [sys.executable, "-m", "chainrep", "keys", "new", "k"], stdin=subprocess.DEVNULL,
        env={**os.environ, **terminal.environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 2
    assert "no terminal to ask at. Give it as a line with --passphrase-fd N" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_name_that_is_taken_is_refused_before_anything_is_asked(terminal):
    new_key(terminal.keys, "k", WORD, 2)
    with pytest.raises(InputError, match="'k' already"):
        terminal.run("keys", "new", "k")
    with pytest.raises(InputError, match="no name of a key"):
        terminal.run("keys", "new", "../k")


@pytest.mark.parametrize("secret", ["0x12", "zz" * 32, "00" * 32, "0x" + "ff" * 32])
def test_an_imported_key_that_is_none_is_refused_and_not_repeated(terminal, secret):
    with lines(secret, WORD) as fd, pytest.raises(InputError) as refused:
        terminal.run("keys", "import", "k", "--key-fd", fd, "--passphrase-fd", fd)
    assert secret not in str(refused.value)
    assert not (terminal.keys / "k.json").exists()


@pytest.mark.parametrize("line", [b"", b"\n", b"\xff\n", b"x" * 5000])
def test_a_descriptor_that_gives_no_passphrase_is_named(terminal, line):
    reader, writer = os.pipe()
    os.write(writer, line)
    os.close(writer)
    with pytest.raises(InputError, match=f"--passphrase-fd {reader}"):
        terminal.run("keys", "new", "k", "--passphrase-fd", str(reader))
    os.close(reader)
    with pytest.raises(InputError, match="cannot be read"):
        terminal.run("keys", "new", "k", "--passphrase-fd", str(reader))


@pytest.fixture
def foreign(tmp_path):
    """A terminal at a chain that is no local test chain by its id; key `op` can pay on it."""
    program = find_anvil(ROOT / "contracts")
    require_tool(program, "anvil")
    port = free_port()
    command = anvil_command(program, port)
    command[command.index(f"--chain-id={ANVIL_CHAIN_ID}")] = "--chain-id=777"
    chain = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_chain(url)
        made = Terminal(tmp_path / "home", url)
        payee = new_key(made.keys, "op", WORD, 2)
        connect(url).send({"to": payee, "value": 10**18}, dev_accounts(1)[0].private_key)
        yield made
    finally:
        chain.terminate()
        chain.wait(60)


def test_on_any_chain_a_named_key_deploys_registers_and_retires(foreign):
    members = [account.address for account in dev_accounts(3)]
    committee = ["--member", members[0], "--member", members[1].lower(), "--threshold", "2"]
    with pytest.raises(InputError, match="Chain 777 needs a committee"):
        foreign.run("deploy", "--key", "op")
    with pytest.raises(ConfigError, match=r"no key was named.*keys new.*--key"):
        foreign.run("deploy", *committee)
    with pytest.raises(KeystoreError, match="no key 'other'"):
        foreign.run("deploy", *committee, "--key", "other")
    with lines("wrong horse battery") as fd, pytest.raises(KeystoreError, match="does not open"):
        foreign.run("deploy", *committee, "--key", "op", "--passphrase-fd", fd)

    with lines(WORD) as fd:
        made = foreign.read("deploy", *committee, "--key", "op", "--passphrase-fd", fd)
    assert (sorted(made["members"]), made["threshold"]) == (sorted(members[:2]), 2)
    assert foreign.read("deploy") == made | {"new": False}  # no key is needed to look

    foreign.environment["CHAINREP_KEY"] = "op"
    with lines(WORD) as fd:
        source = foreign.read("source", "register", "https://a.example", "--passphrase-fd", fd)
    assert [source["owner"]] == [key["address"] for key in foreign.read("keys", "list")]
    with pytest.raises(InputError, match="Both --account and --key"):
        foreign.run("source", "retire", "1", "--yes", "--account", "4")
    with lines(WORD) as fd:
        gone = foreign.read("source", "retire", "1", "--yes", "--passphrase-fd", fd)
    assert gone["retired"] is True


@pytest.mark.parametrize("member", ["0x12", "f39F" + "0" * 36, "0xF" + "f" * 39])
def test_a_member_that_is_no_address_is_refused(terminal, embedded_url, member):
    with pytest.raises(InputError, match=r"--member .* is no address, or its checksum is wrong"):
        terminal.run("deploy", "--rpc", embedded_url, "--member", member, "--threshold", "1")


def test_a_committee_without_its_threshold_is_refused(terminal, embedded_url):
    with pytest.raises(InputError, match="--threshold"):
        terminal.run("deploy", "--rpc", embedded_url, "--member", dev_accounts(1)[0].address)

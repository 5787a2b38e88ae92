"""What a background chain survives: kills, half-written files, numbers used again."""

import json
import os
import signal
import subprocess
import time
from dataclasses import replace

import pytest

from chainrep.chain.devnet import dev_accounts, find_anvil
from chainrep.chain.local_chain import (
    find_local_chain,
    sole_use,
    start_local_chain,
    state_size,
    stop_local_chain,
)
from chainrep.chain.program import Program, end_program, program_of
from chainrep.chain.state_keeper import keep_state
from chainrep.errors import ConfigError
from tests.tools import ROOT, free_port, require_tool


@pytest.fixture
def anvil():
    program = find_anvil(ROOT / "contracts")
    require_tool(program, "anvil")
    return program


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "devnet"
    with sole_use(path):
        yield path
        found = find_local_chain(path)
        if found is not None:
            stop_local_chain(path, found)


def pay(client, times=1):
    payer, payee = dev_accounts(2)
    for _ in range(times):
        client.send({"to": payee.address, "value": 1}, payer.private_key)


def until(condition):
    for _ in range(1_200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen in a minute")


def test_a_killed_chain_comes_back_from_the_last_whole_state(folder, anvil):
    chain, client = start_local_chain(folder, free_port(), anvil)
    pay(client, 3)
    state = folder / "state.json"
    until(lambda: state.exists() and json.loads(state.read_text())["best_block_number"] == 3)
    os.kill(chain.program.pid, signal.SIGKILL)
    until(lambda: not chain.running)
    until(lambda: not chain.keeper.alive)
    whole = (folder / "dump.json").read_bytes()
    (folder / "dump.json").write_bytes(whole[: len(whole) // 2])

    again, client = start_local_chain(folder, free_port(), anvil)
    assert client.genesis == chain.genesis == again.genesis
    assert client.w3.eth.block_number == 3
    assert client.balance(dev_accounts(2)[1].address) == 10_000 * 10**18 + 3


def test_the_end_of_a_chain_that_nobody_stopped_is_kept_by_the_next_start(folder, anvil):
    chain, client = start_local_chain(folder, free_port(), anvil)
    end_program(chain.keeper, 5)
    pay(client)
    end_program(chain.program, 5)  # as at a shutdown: anvil writes, and no keeper is there
    _, client = start_local_chain(folder, free_port(), anvil)
    assert client.w3.eth.block_number == 1


def test_only_a_whole_state_takes_the_place_of_the_kept_one(tmp_path):
    dump, state = tmp_path / "dump.json", tmp_path / "state.json"
    assert not keep_state(tmp_path)
    dump.write_text('{"accounts": {"0x1": {}}}')
    assert keep_state(tmp_path)
    kept = state.read_text()
    for half in ["", "{", '{"accounts": {"0x1": {}}', '"accounts": {"0x1": {}}}']:
        dump.write_text(half)
        assert not keep_state(tmp_path)
        assert state.read_text() == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dump.json", "state.json"]


def test_a_stop_never_touches_a_program_that_took_the_number(folder, anvil):
    chain, _ = start_local_chain(folder, free_port(), anvil)
    stop_local_chain(folder, chain)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        taken = replace(chain, program=Program(other.pid, chain.program.began))
        assert not taken.running
        assert stop_local_chain(folder, taken)
        assert other.poll() is None
        other.kill()


def test_a_chain_that_does_not_end_when_asked_is_killed(folder, anvil):
    chain, _ = start_local_chain(folder, free_port(), anvil)
    os.kill(chain.program.pid, signal.SIGSTOP)
    assert not end_program(chain.program, 0.2)
    assert not chain.running


def test_a_zombie_is_no_running_program():
    with subprocess.Popen(["true"]) as ended:
        until(lambda: program_of(ended.pid) is None)


def test_a_state_that_anvil_refuses_is_an_error_with_its_reason_and_nothing_runs(folder, anvil):
    (folder / "state.json").write_text('{"block": 5}')
    with pytest.raises(ConfigError, match=r"last words: .*state\.json.*chainrep devnet reset"):
        start_local_chain(folder, free_port(), anvil)
    assert not find_local_chain(folder).running
    assert state_size(folder) == len('{"block": 5}')


def test_a_program_that_cannot_be_started_is_named(folder, tmp_path):
    with pytest.raises(ConfigError, match="cannot be started"):
        start_local_chain(folder, free_port(), tmp_path / "anvil")

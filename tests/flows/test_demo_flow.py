"""The whole idea at once, as a newcomer runs it."""

import json
import os
import subprocess
import sys

import pytest


def demo(home, *arguments):
    run = subprocess.run(
        [sys.executable, "-m", "chainrep", "demo", "--questions", "40", *arguments],
        env={**os.environ, "CHAINREP_HOME": str(home), "CHAINREP_RPC": ""},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_honest_sources_come_out_on_top_of_the_embedded_chain(tmp_path):
    result = json.loads(demo(tmp_path, "--json"))
    assert result["rho"] <= -0.9
    assert result["accuracy"]["weighted"] > result["accuracy"]["majority"]
    assert result["accuracy"]["weighted"] > result["accuracy"]["centralized"]
    assert result["transactions"] == 4
    assert 5_000 < result["gas"]["per_update"] < 40_000
    assert [source["pollution"] for source in result["sources"]] == pytest.approx(
        [0, 0.2, 0.4, 0.6, 0.8, 1], abs=0.03
    )
    assert all(len(source["history"]) == 5 for source in result["sources"])
    assert list(tmp_path.glob("demo/*")) == []


def test_the_same_seed_gives_the_same_demo_and_another_one_another(tmp_path):
    def figures(seed):
        result = json.loads(demo(tmp_path, "--json", "--seed", seed, "--questions", "10"))
        return result["accuracy"], [source["history"] for source in result["sources"]]

    first = figures("1")
    assert figures("1") == first
    assert figures("2") != first


def test_the_demo_shows_tables_and_draws_a_picture(tmp_path):
    picture = tmp_path / "reliabilities.png"
    shown = demo(tmp_path, "--plot", str(picture), "--questions", "10")
    for word in ("true pollution", "reliability", "evidence", "transactions", "gas", "majority"):
        assert word in shown
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_demo_runs_against_a_live_anvil_and_leaves_its_record_there(tmp_path, anvil_url):
    result = json.loads(demo(tmp_path, "--json", "--rpc", anvil_url))
    assert result["rho"] <= -0.9
    assert result["chain_id"] == 31_337
    top = subprocess.run(
        [sys.executable, "-m", "chainrep", "sources", "top", "--json",
         "--home", str(tmp_path), "--rpc", anvil_url],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    scores = {source["source"]: source["reliability"] for source in json.loads(top.stdout)}
    assert scores == {s["id"]: pytest.approx(s["reliability"]) for s in result["sources"]}
    again = json.loads(demo(tmp_path, "--json", "--rpc", anvil_url, "--questions", "10"))
    assert {source["id"] for source in again["sources"]} == set(range(7, 13))

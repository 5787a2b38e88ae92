"""`chainrep reputation` on files: scores, reasons, attacks, and mistakes in one sentence."""

import csv
import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from chainrep.cli.app import cli
from chainrep.cli.free_memory import free_memory
from chainrep.errors import ConfigError, InputError
from chainrep.reputation.edge_change import EdgeChange
from chainrep.reputation.edge_log import EdgeLog
from chainrep.reputation.formula import Formula, write_formula

LINES = [
    "rater,ratee,rating,time",
    *("ann,bob,9,1000", "ann,cid,1,1000", "bob,cid,4,1100", "cid,dee,5,1200"),
    *('dee,"Eve, Jr",5,1300', "dee,cid,-0.01,1400", "fox,ann,1,1400"),
]


@pytest.fixture
def ratings(tmp_path):
    path = tmp_path / "town.csv"
    path.write_text("\n".join(LINES))
    return str(path)


def run(*arguments):
    command = ["reputation", *map(str, arguments)]
    return CliRunner().invoke(cli, command, catch_exceptions=False, standalone_mode=False)


def told(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


def test_scores_of_a_file_are_computed_from_its_seeds(ratings, tmp_path):
    found = told("compute", ratings, "--seed", "ann", "--csv", tmp_path / "all.csv")
    assert (found["accounts"], found["edges"], found["before"]) == (6, 6, 1401)
    assert [row["account"] for row in found["scores"]] == ["ann", "bob", "cid", "dee", "Eve, Jr"]
    assert [row["rank"] for row in found["scores"]] == [1, 2, 3, 4, 5]
    assert 2**50 > found["scores"][0]["score"] > found["scores"][1]["score"] > 0
    rows = list(csv.reader((tmp_path / "all.csv").read_text().splitlines()))
    assert rows[0] == ["account", "score"]
    scores = {row["account"]: str(row["score"]) for row in found["scores"]}
    assert dict(rows[1:]) == scores
    run_ = run("compute", ratings, "--seed", "ann", "--limit", "2")
    assert "town.csv" in run_.stdout
    assert f"{found['scores'][0]['score'] * 100 / 2**50:.7f}" in run_.stdout
    assert f"digest: {found['digest']}" in run_.stdout
    assert "dee" not in run_.stdout
    assert run_.stderr.strip() == ""


def test_the_same_ratings_in_any_order_and_form_give_the_same_digest(ratings, tmp_path):
    first = told("compute", ratings, "--seed", "ann")
    other = tmp_path / "other.csv"
    other.write_text("\n".join(reversed(LINES[1:])))
    (tmp_path / "formula.json").write_bytes(write_formula(Formula(("ann",))) + b"\n")
    again = told("compute", other, "--formula", tmp_path / "formula.json")
    assert again == first
    assert told("compute", ratings, "--seed", "bob")["digest"] != first["digest"]
    assert json.loads(first["formula"])["seeds"] == ["ann"]


def test_only_what_was_said_before_counts_and_what_is_old_counts_less(ratings):
    early = told("compute", ratings, "--seed", "ann", "--before", "1200")
    assert early["edges"] == 3
    assert told("compute", ratings, "--seed", "ann", "--before", "1970-01-01T00:20") == early
    slow = told("compute", ratings, "--seed", "ann")
    fast = told("compute", ratings, "--seed", "ann", "--half-life", "0.001")
    assert fast["digest"] != slow["digest"]
    assert json.loads(fast["formula"])["half_life"] == 86


def test_a_log_of_edges_is_a_file_too(tmp_path):
    path = tmp_path / "edges"
    with EdgeLog(path) as log:
        log.append([EdgeChange("ann", "bob", 10, 5), EdgeChange("ann", "cid", 10, 9)])
    found = told("compute", path, "--seed", "ann")
    assert [row["account"] for row in found["scores"]] == ["ann", "bob", "cid"]
    assert told("compute", path, "--seed", "ann", "--before", "9")["accounts"] == 2


def test_one_account_is_shown_with_its_rank_and_explained_by_its_paths(ratings):
    shown = run("show", "cid", ratings, "--seed", "ann").stdout
    assert "rank 3 of 5" in shown
    assert "Vouched for by 2" in shown
    brief = told("show", "cid", ratings, "--seed", "ann")
    assert (brief["rank"], brief["seed"]) == (3, False)
    assert "paths" not in brief
    why = told("explain", "cid", ratings, "--seed", "ann")
    paths = [path["accounts"] for path in why["paths"]]
    assert sorted(paths) == [["ann", "bob", "cid"], ["ann", "cid"]]
    assert why["paths"][0]["worth"] >= why["paths"][1]["worth"] > 0
    assert {voice["account"] for voice in why["vouchers"]} == {"bob", "ann"}
    assert why["complete"]
    table = run("explain", "dee", ratings, "--seed", "ann").stdout
    assert "ann → bob → cid → dee" in table
    assert "who warns most" not in table
    warned = run("explain", "cid", ratings, "--seed", "ann").stdout
    assert "who warns most" in warned
    assert "Warnings took" in warned
    nobody = run("show", "fox", ratings, "--seed", "ann").stdout
    assert "no rank" in nobody


def test_an_attack_is_measured_and_drawn(ratings, tmp_path):
    many = ["ladder", ratings, "--seed", "ann", "--sybils", "3", "--attackers", "2"]
    plot = tmp_path / "attack.png"
    found = told("attack", *many, "--entries", "2", "--plot", plot)
    assert (found["attackers"], found["sybils"]) == (2, 6)
    assert found["own_gain"] == pytest.approx(1, abs=1e-6)
    assert found["total_gain"] == (found["have"] + found["sybils_have"]) / found["had"]
    assert found["victims_lost"] is None
    assert plot.read_bytes()[:4] == b"\x89PNG"
    assert told("attack", *many, "--draw", "1") == told("attack", *many)
    text = run("attack", *many).stdout
    assert "2 attackers with 6 Sybils." in text
    assert "Gain of all, Sybils included:" in text
    lost = told("attack", "slander", ratings, "--seed", "ann", "--attackers", "1")
    assert 0 <= lost["victims_lost"] <= 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "none is named"),
        (["--seed", "zed"], "'zed' is named as a seed but is not in the graph"),
        (["--seed", "ann", "--before", "soon"], "'soon' is no time"),
        (["--seed", "ann", "--epoch", "3"], "--epoch is of the chain"),
        (["--seed", "ann", "--plot", "a.txt"], "must end in"),
        (["--seed", "ann", "--csv", "no/folder.csv"], "The folder of no/folder.csv"),
        (["--formula", "gone.json"], "gone.json cannot be read"),
        (["--formula", "gone.json", "--seed", "ann"], "names the seeds"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(ratings, options, expected):
    with pytest.raises(InputError, match=expected):
        run("compute", ratings, *options)


def test_files_and_names_that_are_none_are_told(ratings, tmp_path):
    with pytest.raises(InputError, match=r"gone.csv cannot be read"):
        run("compute", tmp_path / "gone.csv", "--seed", "ann")
    with pytest.raises(InputError, match="'zed' is not in the graph"):
        run("explain", "zed", ratings, "--seed", "ann")
    with pytest.raises(InputError, match="go with a FILE"):
        run("compute", "--seed", "ann")
    with pytest.raises(InputError, match="nobody can attack"):
        run("attack", "parallel", ratings, "--seed", "Eve, Jr")
    with pytest.raises(click.BadParameter, match="is not one of"):
        run("attack", "earthquake", ratings, "--seed", "ann")


def test_a_file_that_does_not_fit_into_the_memory_is_refused(ratings, monkeypatch):
    monkeypatch.setattr("chainrep.cli.reputation_snapshot.free_memory", lambda: 500)
    with pytest.raises(InputError, match="Keep fewer ratings"):
        run("compute", ratings, "--seed", "ann")


def test_free_memory_is_what_the_system_says_or_a_guess(tmp_path):
    assert free_memory() > 2**20
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   7 kB\n")
    assert free_memory(tmp_path / "meminfo") == 7 * 1024
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\n")
    assert free_memory(tmp_path / "meminfo") == free_memory(tmp_path / "gone") == 4 * 2**30


def test_pictures_without_matplotlib_name_the_extra(ratings, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"chainrep\[plot\]"):
        run("compute", ratings, "--seed", "ann", "--plot", "a.png")


def test_help_does_not_wait_for_numba_or_a_picture():
    script = (
        "import sys\nfrom click.testing import CliRunner\nfrom chainrep.cli.app import cli\n"
        "for path in ([], ['compute'], ['attack'], ['prove'], ['vouch']):\n"
        "    assert CliRunner().invoke(cli, ['reputation', *path, '--help']).exit_code == 0\n"
        "slow = {'numba', 'numpy', 'matplotlib', 'networkx', 'web3'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {slow}' if slow else 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_every_attack_there_is_can_be_named():
    from chainrep.cli.reputation_attack import ATTACKS
    from chainrep.reputation import attacks

    assert list(ATTACKS) == list(attacks.ATTACKS)

"""What loading a package costs: people pay for what they use."""

import json
import resource
import statistics
import subprocess
import sys

import pytest

import chainrep

HEAVY = {"web3", "torch", "transformers", "faiss", "bm25s", "numpy", "eth_account", "sqlite3"}


def loaded_by(statement: str) -> set[str]:
    program = f"{statement}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return set(json.loads(run.stdout))


def test_importing_chainrep_loads_no_web3():
    assert not loaded_by("import chainrep") & (HEAVY | {"rag"})


def test_importing_rag_loads_no_torch():
    assert not loaded_by("from rag import Pipeline") & (HEAVY - {"numpy"} | {"chainrep"})


def test_chainrep_itself_needs_nothing_of_the_rag_extra():
    loaded = loaded_by(
        "import chainrep.session, chainrep.chain.embedded, chainrep.chain.rpc_server,"
        " chainrep.chain.deploy, chainrep.node.relayer"
    )
    assert "web3" in loaded
    assert not loaded & {"torch", "transformers", "faiss", "bm25s", "rag"}


def test_the_public_names_of_chainrep_are_pinned():
    assert chainrep.__all__ == [
        "ChainrepError", "Feedback", "FeedbackKind", "Report", "Score", "ScoreUpdate",
        "SignedReport", "__version__",
    ]  # fmt: skip
    assert all(hasattr(chainrep, name) for name in chainrep.__all__)


@pytest.mark.parametrize("arguments", [["--help"], ["feedback", "--help"]])
def test_help_answers_within_three_tenths_of_a_second_of_the_interpreters_own_start(arguments):
    # Processor time, not the clock's: what else the machine does is not our cost.
    def seconds(*command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    pairs = [(seconds("-m", "chainrep", *arguments), seconds("-c", "pass")) for _ in range(7)]
    assert statistics.median(ours - bare for ours, bare in pairs) <= 0.3

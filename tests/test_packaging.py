"""What people get from ``pip install``."""

import re
import subprocess
import sys
import zipfile

import pytest

from tests.tools import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


def metadata(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return wheel.read(name).decode()


def required(wheel):
    return re.findall(
        r"^Requires-Dist: ([\w.-]+)[^;\n]*(?:; extra == '([\w-]+)')?", metadata(wheel), re.M
    )


def test_the_wheel_brings_what_the_code_reads(wheel):
    names = set(wheel.namelist())
    assert {
        "chainrep/chain/artifacts/SourceRegistry.json",
        "chainrep/chain/artifacts/ScoreLedger.json",
        "chainrep/py.typed",
        "rag/demo_corpus.json",
        "rag/py.typed",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "contracts/"))]


def test_chainrep_alone_pulls_no_machine_learning(wheel):
    plain = {name for name, extra in required(wheel) if not extra}
    assert {"web3", "click", "eth-tester"} <= plain
    assert not plain & {"torch", "transformers", "faiss-cpu", "bm25s", "matplotlib"}
    assert {"torch", "bm25s"} <= {name for name, extra in required(wheel) if extra == "rag"}


def test_every_dependency_is_pinned(wheel):
    pins = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text().lower(), re.M))
    normal = {re.sub(r"[-_.]+", "-", pin) for pin in pins}
    wanted = {re.sub(r"[-_.]+", "-", name.lower()) for name, _ in required(wheel)}
    assert wanted <= normal


def test_torch_is_pinned_to_the_version_with_the_small_build():
    assert "\ntorch==2.13.0\n" in (ROOT / "constraints.txt").read_text()

"""The tree's own rules: small files, plain names, nothing at the top that does not belong."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 400
FORBIDDEN = {"manager", "helper", "helpers", "utils", "common", "process", "handle", "data", "misc"}
TOP = {
    ".ci", ".github", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md",
    "chainrep", "constraints.txt", "contracts", "docs", "pyproject.toml", "rag", "scripts", "tests",
}  # fmt: skip


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [Path(name) for name in names if (ROOT / name).exists()]


def sources() -> list[Path]:
    scripts = [path for path in tracked() if path.parts[0] == "scripts"]
    return scripts + [path for path in tracked() if path.suffix in {".py", ".sol"}]


@pytest.mark.parametrize("path", sources(), ids=str)
def test_no_file_is_longer_than_four_hundred_lines(path):
    assert len((ROOT / path).read_text().splitlines()) <= MAX_LINES


def test_no_module_has_a_name_that_says_nothing():
    vague = [
        path
        for path in sources()
        if FORBIDDEN & {part.lower() for part in path.with_suffix("").parts}
    ]
    assert vague == []


def test_the_top_level_holds_only_what_the_design_names():
    assert {path.parts[0] for path in tracked()} <= TOP


def test_every_test_folder_mirrors_a_package():
    folders = {path.parts[1] for path in tracked() if path.parts[0] == "tests" and path.parts[2:]}
    packages = {
        path.parts[1] for path in tracked() if path.parts[0] == "chainrep" and path.parts[2:]
    }
    assert folders <= packages | {"rag", "flows", "vectors", "contracts", "benchmarks", "fakes"}

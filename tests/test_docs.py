"""The documents are true of the tree."""

import re

import pytest

from tests.tools import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
MODULES = [
    path
    for package in ("chainrep", "rag")
    for path in (ROOT / package).rglob("*.py")
    if path.name not in {"__init__.py", "__main__.py"}
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_stands_in_the_tree_of_the_architecture(path):
    assert path.name in (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_every_script_is_named_in_the_changelog_or_the_architecture():
    told = (ROOT / "CHANGELOG.md").read_text() + (ROOT / "docs" / "architecture.md").read_text()
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    assert [path.name for path in scripts if path.name not in told] == []

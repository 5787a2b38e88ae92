"""Every command explains itself, and the documentation names every command."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chainrep.cli.app import cli


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, (*path, name))


@pytest.mark.parametrize("path", list(commands(cli)), ids=" ".join)
def test_every_command_has_help(path):
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output
    description = result.output.split("\n\n")[1]
    assert len(description.split()) >= 4


@pytest.mark.parametrize("path", list(commands(cli))[1:], ids=" ".join)
def test_every_command_is_documented(path):
    text = (Path(__file__).parent.parent / "docs" / "cli.md").read_text()
    assert f"`chainrep {' '.join(path)}" in text


def test_the_list_of_commands_says_what_each_says_of_itself():
    context = click.Context(cli)
    told = CliRunner().invoke(cli, ["--help"]).output
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert f"{name} " in told
        assert command.get_short_help_str(60) in " ".join(told.split())


def test_an_unknown_command_is_misuse():
    result = CliRunner().invoke(cli, ["reputaton"])
    assert result.exit_code == 2
    assert "No such command" in result.output

"""The ``chainrep`` command: finds its subcommands, and turns errors into sentences."""

from __future__ import annotations

import sqlite3
import sys
from typing import NoReturn

import click

from chainrep.cli.lazy_group import LazyGroup
from chainrep.errors import ChainrepError

_COMMANDS = {
    "committee": "chainrep.cli.committee:committee",
    "deploy": "chainrep.cli.deploy:deploy",
    "devnet": "chainrep.cli.devnet:devnet",
    "doctor": "chainrep.cli.doctor:doctor",
    "feedback": "chainrep.cli.feedback:feedback",
    "keys": "chainrep.cli.keys:keys",
    "node": "chainrep.cli.node:node",
    "reputation": "chainrep.cli.reputation:reputation",
    "source": "chainrep.cli.source:source",
    "sources": "chainrep.cli.sources:sources",
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    plugins="chainrep.commands",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="chainrep")
def cli() -> None:
    """Whom to believe: source reliability on a record nobody can quietly edit."""


def main() -> None:
    """Run the command line; exit 0 when done, 1 when it failed, 2 on misuse."""
    try:
        # A command that exits by click's own Exit makes `main` return its code here.
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output is gone: nothing is left to say
        sys.exit(1)
    except ChainrepError as error:
        _fail(error)
    except sqlite3.DatabaseError as error:
        from chainrep.store.db import store_failure

        _fail(store_failure(error))


def _fail(error: ChainrepError) -> NoReturn:
    click.echo(f"Error: {error}", err=True)
    sys.exit(error.exit_code)

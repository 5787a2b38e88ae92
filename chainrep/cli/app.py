"""The ``chainrep`` command: finds its subcommands, and turns errors into sentences."""

from __future__ import annotations

import sqlite3
import sys
from typing import NoReturn

import click

from chainrep.cli.lazy_group import LazyGroup
from chainrep.cli.output import printing
from chainrep.errors import ChainrepError

_COMMANDS = {
    "committee": ("chainrep.cli.committee:committee", "Show the committee, or sign as one of it."),
    "deploy": ("chainrep.cli.deploy:deploy", "Put the contracts on a chain."),
    "devnet": ("chainrep.cli.devnet:devnet", "Run a local chain to try things on."),
    "doctor": ("chainrep.cli.doctor:doctor", "Find what is not well here."),
    "feedback": ("chainrep.cli.feedback:feedback", "Record judgements and send them in batches."),
    "keys": ("chainrep.cli.keys:keys", "Make and list encrypted keys."),
    "node": ("chainrep.cli.node:node", "Relay, index and serve, until stopped."),
    "reputation": (
        "chainrep.cli.reputation:reputation",
        "Whom a community trusts, why, and how to check it.",
    ),
    "source": ("chainrep.cli.source:source", "Register, look up and serve sources."),
    "sources": ("chainrep.cli.sources:sources", "Compare sources by their record."),
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
        with printing():
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

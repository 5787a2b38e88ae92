"""A group of commands that are imported when they are asked for, some from other packages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import click

from chainrep.errors import ConfigError


class LazyGroup(click.Group):
    """``lazy`` has ("module:attribute", short help) by command, ``plugins`` an entry point group.

    Other packages (``rag``) add commands through that group. Our own come first where names meet.
    """

    def __init__(
        self,
        *arguments: Any,
        plugins: str,
        lazy: Mapping[str, tuple[str, str]] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self._lazy = dict(lazy or {})
        self._group = plugins

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        # Reading every installed package's metadata takes 20 ms: once is enough.
        return {point.name: point for point in entry_points(group=self._group)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own commands and those of the plug-ins, by name."""
        return sorted({*super().list_commands(ctx), *self._lazy, *self._plugins})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; those whose short help is known are not imported for it."""
        rows = []
        for name in self.list_commands(ctx):
            if name in self._lazy:
                rows.append((name, self._lazy[name][1]))
            elif (command := self.get_command(ctx, name)) is not None:
                rows.append((name, command.get_short_help_str(60)))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if cmd_name in self._lazy:
            module, _, name = self._lazy[cmd_name][0].partition(":")
            return cast(click.Command, getattr(import_module(module), name))
        if cmd_name in self._plugins:
            try:
                return cast(click.Command, self._plugins[cmd_name].load())
            except ImportError as error:
                return _broken(self._plugins[cmd_name], error)
        return None


def _broken(point: EntryPoint, error: ImportError) -> click.Command:
    """A command that only says why it is none: one package must not break the others' help."""

    @click.command(point.name, short_help="Cannot be loaded.", add_help_option=False)
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    def broken(rest: tuple[str, ...]) -> None:  # noqa: ARG001
        """Say what is missing."""
        raise ConfigError(
            f"The command {point.name} of {point.value.partition(':')[0]} cannot be loaded"
            f" ({error}).",
            "Install that package again, or what it needs.",
        )

    return broken

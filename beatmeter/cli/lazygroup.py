"""A click group that imports a subcommand only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

_LONGEST_LINE = 200
"""Characters: a first sentence that is no longer is not cut in the listing."""


class LazyGroup(click.Group):
    """A group whose subcommands are named by where they live.

    Parameters
    ----------
    lazy : dict of str to (str, str)
        ``{name: ("package.module:attribute", "one line of help")}``. The help stands in the
        group's listing, so that showing it imports nothing.
    """

    def __init__(
        self, *args: Any, lazy: dict[str, tuple[str, str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of eager and lazy subcommands, sorted."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The subcommand, imported now if it is a lazy one."""
        if name not in self.lazy:
            return super().get_command(ctx, name)
        module, _, attribute = self.lazy[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the listing without importing the lazy subcommands."""
        rows = []
        for name in self.list_commands(ctx):
            if name in self.lazy:
                rows.append((name, self.lazy[name][1]))
            else:
                command = self.get_command(ctx, name)
                if command is not None and not command.hidden:
                    rows.append((name, command.get_short_help_str(_LONGEST_LINE)))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

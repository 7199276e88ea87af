"""The hooks of the plugin: the signal ``mert`` and the commands ``beatmeter mert``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beatmeter import hookimpl

if TYPE_CHECKING:
    import click

    from beatmeter.signal import Signal


@hookimpl
def beatmeter_signals() -> list[Signal]:
    """Offer the signal ``mert``; its model loads with the first recording."""
    from beatmeter_mert.signal import MertSignal

    return [MertSignal()]


@hookimpl
def beatmeter_commands(cli: click.Group) -> None:
    """Add ``beatmeter mert``."""
    from beatmeter_mert.cli import mert

    cli.add_command(mert)

"""The door through which MERT enters the ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beatmeter import hookimpl

if TYPE_CHECKING:
    import click

    from beatmeter.signal import Signal


@hookimpl
def beatmeter_signals() -> list[Signal]:
    """Offer the signal ``mert``; its model loads when it is first asked."""
    from beatmeter_mert.signal import MertSignal

    return [MertSignal()]


@hookimpl
def beatmeter_commands(cli: click.Group) -> None:
    """Add ``beatmeter mert`` and ``beatmeter fixtures rebuild`` and ``bars``."""
    from beatmeter.cli.fixtures import fixtures
    from beatmeter_mert.cli import mert

    cli.add_command(mert)
    fixtures.lazy["rebuild"] = (
        "beatmeter.corpora.fixtures.cli:rebuild",
        "Make the rendered fixtures again and report what differs.",
    )
    fixtures.lazy["bars"] = (
        "beatmeter.corpora.fixtures.cli:bars",
        "Hold fixtures against the bars of their scores.",
    )

"""The command line: ``beatmeter``."""

from __future__ import annotations

import click

from beatmeter import __version__
from beatmeter.lazygroup import LazyGroup
from beatmeter.mistakes import told_in_one_line

COMMANDS = {
    "analyze": ("beatmeter.commands.analyze:analyze", "Tell the meter of recordings."),
    "calibrate": (
        "beatmeter.commands.calibrate:calibrate",
        "Fit the ensemble on labelled music.",
    ),
    "evaluate": (
        "beatmeter.commands.evaluate:evaluate",
        "Tell how often the ensemble is right.",
    ),
    "fixtures": ("beatmeter.commands.fixtures:fixtures", "The recordings of the gate."),
    "gate": ("beatmeter.commands.gate:gate", "Measure whether a signal may vote."),
    "signals": ("beatmeter.commands.listing:signals", "List every signal of the ensemble."),
    "plugins": ("beatmeter.commands.listing:plugins", "List plugins and their hooks."),
    "tune": ("beatmeter.commands.tune:tune", "Find the weight of a signal that may vote."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@click.version_option(__version__, prog_name="beatmeter")
def cli() -> None:
    """Hear a recording and tell its meter, time signature and tempo."""


def main() -> None:
    """Run the command line; what a user can mend is one line and exit code 2."""
    from beatmeter.plugins import add_commands, load_plugins

    with told_in_one_line():
        plugins = load_plugins()
        add_commands(plugins, cli)
        for name, reason in plugins.broken.items():
            click.echo(f"beatmeter: warning: plugin {name} is left out: {reason}", err=True)
        cli()

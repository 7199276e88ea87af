"""Running a command's module by itself, ``python -m beatmeter_mert...``."""

from __future__ import annotations

import click

from beatmeter.mistakes import told_in_one_line


def run(command: click.Command) -> None:
    """Run a command; what a user can mend is one line and exit code 2."""
    with told_in_one_line():
        command()

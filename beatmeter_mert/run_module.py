"""Running a command's module by itself, ``python -m beatmeter_mert...``."""

from __future__ import annotations

import click

from beatmeter._util.streams import open_closed_streams
from beatmeter.cli.errors import one_line_errors


def run(command: click.Command) -> None:
    """Run a command; what a user can mend is one line and exit code 2."""
    open_closed_streams()
    with one_line_errors():
        command()

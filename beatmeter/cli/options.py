"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

jobs_option = click.option(
    "--jobs", default=2, show_default=True, type=click.IntRange(1), help="Processes."
)
scores_option = click.option(
    "--scores",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of known scores; an empty one hears everything again.  [default: user's cache]",
)
report_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/gate"),
    show_default=True,
    help="Folder for the report.",
)

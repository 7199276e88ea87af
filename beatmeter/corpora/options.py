"""Options that commands of ``beatmeter corpus`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

Command = Callable[..., None]

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


def options(*several: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order in which the help shows them."""

    def add(command: Command) -> Command:
        for option in reversed(several):
            command = option(command)
        return command

    return add


clips = click.option("--clips", type=click.IntRange(min=1), required=True, help="How many clips.")
seed = click.option("--seed", default=0, show_default=True, help="Same seed, same clips.")
jobs = click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes."
)
out = click.option("--out", type=FOLDER, required=True, help="Folder, new or begun.")
shard = click.option(
    "--shard",
    "clips_per_shard",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Clips.",
)

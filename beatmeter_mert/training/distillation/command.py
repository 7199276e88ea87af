"""``beatmeter mert pretrain``."""

from __future__ import annotations

from pathlib import Path

import click

from beatmeter.cli.interrupts import resumable
from beatmeter_mert.training.distillation.settings import DistillationSettings
from beatmeter_mert.training.settings import settings_options, tables_help


@click.command(epilog=tables_help(DistillationSettings))
@settings_options(DistillationSettings)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the run, new or begun.",
)
def pretrain(settings: DistillationSettings, out: Path) -> None:
    """Train a small backbone with its head from scratch, on rendered music.

    Run again to go on with a run that was interrupted. OUT/model is a classifier;
    OUT/model/backbone is a model for 'beatmeter mert finetune --model'.
    """
    if not settings.data_dir:
        raise click.UsageError("Missing option '--data-dir'.")

    from beatmeter_mert.training.distillation.run import distill

    with resumable("what was pooled and trained"):
        figures = distill(settings, out)
    for name, row in figures.items():
        accuracy, clips = row["balanced_accuracy"], int(row["clips"])
        click.echo(f"{name}: balanced accuracy {accuracy:.3f} of {clips} clips")

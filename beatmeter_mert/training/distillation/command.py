"""``beatmeter mert pretrain``; also ``python -m beatmeter_mert.training.distillation``."""

from __future__ import annotations

from pathlib import Path

import click

from beatmeter_mert.training.distillation.settings import PretrainSettings
from beatmeter_mert.training.settings_file import read_settings, settings_help


@click.command(epilog=settings_help(PretrainSettings))
@click.option(
    "--data-dir",
    "folders",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    required=True,
    help="Rendered dataset; may be repeated.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the run, new or begun.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file of settings.",
)
@click.argument("settings", metavar="[KEY=VALUE]...", nargs=-1)
def pretrain(
    folders: tuple[Path, ...], out: Path, config: Path | None, settings: tuple[str, ...]
) -> None:
    """Train a small backbone from scratch to hear beats, bars and meters.

    Run again to go on with a run that was interrupted. OUT/model is a classifier;
    OUT/model/backbone is a model for 'beatmeter mert finetune --model'.
    """
    chosen = read_settings(PretrainSettings, config, settings)

    from beatmeter_mert.training.distillation.run import pretrain as run

    state = run(folders, out, chosen)
    click.echo(f"{state.step} of {chosen.steps} steps in {out}")

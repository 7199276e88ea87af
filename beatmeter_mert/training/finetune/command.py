"""``beatmeter mert finetune``; also ``python -m beatmeter_mert.training.finetune``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from beatmeter.cli.interrupts import resumable
from beatmeter_mert.training.finetune.settings import DEVICES, PRECISIONS, FinetuneSettings
from beatmeter_mert.training.settings_file import (
    described,
    read_settings,
    settings_help,
    with_values,
)

_DEFAULTS = {each.name: each.default for each in described(FinetuneSettings)}
_HELP = {each.name: each.help for each in described(FinetuneSettings)}
_Command = TypeVar("_Command", bound=Callable[..., Any])
_Folder = click.Path(exists=True, file_okay=False, path_type=Path)


def _option(flag: str, kind: Any = None) -> Callable[[_Command], _Command]:
    name = flag.removeprefix("--").replace("-", "_")
    return click.option(
        flag, type=kind or type(_DEFAULTS[name]), default=_DEFAULTS[name], help=_HELP[name]
    )


@click.command(epilog=settings_help(FinetuneSettings), context_settings={"show_default": True})
@click.option("--data-dir", type=_Folder, help=_HELP["data_dir"])
@click.option("--extra-data", type=_Folder, multiple=True, help=_HELP["extra_data"])
@_option("--limit")
@click.option(
    "--no-lora",
    "lora",
    flag_value=False,
    default=True,
    show_default=False,
    help="Train the head alone, on embeddings that are computed once.",
)
@_option("--model")
@_option("--epochs")
@_option("--lr")
@_option("--lora-lr")
@_option("--lora-rank")
@_option("--lora-alpha")
@_option("--batch-size")
@_option("--grad-accum")
@_option("--dropout")
@_option("--head-dim")
@_option("--label-smooth")
@_option("--chunk-seconds")
@_option("--max-layer")
@_option("--seed")
@_option("--device", click.Choice(DEVICES))
@_option("--precision", click.Choice(PRECISIONS))
@click.option("--resume", is_flag=True, help="Go on with the run in --out.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file of settings.",
)
@click.argument("settings", metavar="[KEY=VALUE]...", nargs=-1)
@click.pass_context
def finetune(
    context: click.Context,
    /,
    resume: bool,
    out: Path,
    config: Path | None,
    settings: tuple[str, ...],
    **flags: Any,
) -> None:
    """Train adapters and head on labelled clips.

    What is set by a flag wins over KEY=VALUE, that over the file, that over the defaults.
    OUT/model is the classifier as of its best epoch. The exit code is 130 when interrupted.
    """
    given = {
        name: value
        for name, value in flags.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    chosen = with_values(read_settings(FinetuneSettings, config, settings), given)
    if chosen.data_dir == Path():
        raise click.UsageError("Missing option '--data-dir'.")

    from beatmeter_mert.training.finetune.bars import layer_bars
    from beatmeter_mert.training.finetune.run import finetune as run

    with resumable("what was trained"):
        trained = run(chosen, out, resume=resume)
        if not trained.is_done:
            click.echo(f"{trained.epochs:.2f} epochs done; go on with --resume", err=True)
            raise KeyboardInterrupt
    click.echo(layer_bars(trained.model.head.layer_weights().tolist()))
    click.echo(f"{trained.epochs:g} epochs, best balanced accuracy {trained.best:.3f}, in {out}")

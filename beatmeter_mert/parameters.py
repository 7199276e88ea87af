"""``beatmeter mert parameters``: how much of a published MERT is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from beatmeter_mert.model.lora import LoraSettings, ParameterCount


@click.command()
@click.option(
    "--lora-rank",
    type=click.IntRange(1, 4096),
    default=16,
    show_default=True,
    help="Rank of the adapters.",
)
@click.option(
    "--max-layer",
    type=click.IntRange(min=1),
    help="Layers to load, from the first.  [default: all]",
)
def parameters(lora_rank: int, max_layer: int | None) -> None:
    """Count the parameters of the published MERTs, and those that LoRA trains.

    Nothing is downloaded, and no memory is used for weights.
    """
    from beatmeter_mert.model.lora import LoraSettings
    from beatmeter_mert.model.published import PUBLISHED

    for name in PUBLISHED:
        count = count_published(name, LoraSettings(r=lora_rank), max_layer)
        click.echo(f"{name}: {count}")


def count_published(name: str, lora: LoraSettings, max_layer: int | None = None) -> ParameterCount:
    """Count the parameters of a published backbone with adapters, without the head.

    Parameters
    ----------
    name : str
        Of :data:`beatmeter_mert.model.published.PUBLISHED`.
    lora : LoraSettings
    max_layer : int >= 1, optional
        Layers to build, from the first; all by default.

    Raises
    ------
    BackboneError
        If there are fewer layers.
    """
    import torch

    from beatmeter_mert.model.backbone import build_backbone, freeze
    from beatmeter_mert.model.lora import add_lora, count_parameters
    from beatmeter_mert.model.published import PUBLISHED

    architecture = PUBLISHED[name].architecture
    with torch.device("meta"):
        backbone = build_backbone(architecture, max_layer)
        freeze(backbone)
        return count_parameters(add_lora(backbone, lora, architecture["num_hidden_layers"]))

"""``beatmeter mert cost``: operations and GPU hours for fine-tuning a published MERT."""

from __future__ import annotations

from dataclasses import dataclass

import click

PEAK_TFLOPS = {"T4": 65.0, "L4": 121.0, "A100": 312.0}
"""Dense products in half precision, by the makers' data sheets."""
UTILISATION = 0.3
"""Share of that which a transformer of this size reaches with plain PyTorch; an assumption."""
CLIP_SECONDS = 30.0


@dataclass(frozen=True)
class Flops:
    """Floating-point operations on a clip of 30 s, counted by torch.

    Attributes
    ----------
    convolutions : int
        Which are frozen: forward only.
    transformer : int
        Forward.
    """

    convolutions: int
    transformer: int

    @property
    def forward(self) -> int:
        """To embed the clip."""
        return self.convolutions + self.transformer

    @property
    def lora_step(self) -> int:
        """For a training step: backward through the transformer costs as much as forward.

        The backbone's weights are frozen, so that only gradients of its activations are computed;
        those of the adapters cost less than a hundredth of that.
        """
        return self.convolutions + 2 * self.transformer


@click.command()
@click.option(
    "--clips",
    type=click.IntRange(min=1),
    default=2240,
    show_default=True,
    help="Clips of 30 s to learn from.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="How often each is learned from.",
)
@click.option(
    "--max-layer",
    type=click.IntRange(min=1),
    help="Layers to use, from the first.  [default: all]",
)
def cost(clips: int, epochs: int, max_layer: int | None) -> None:
    """Count the operations of fine-tuning the published MERTs, and estimate GPU hours.

    Nothing is downloaded. The hours rest on 30 % of each GPU's peak in half precision.
    """
    from beatmeter_mert.model.published import PUBLISHED

    for name in PUBLISHED:
        flops = count_flops(name, max_layer)
        click.echo(
            f"{name}, 30 s: {flops.forward / 1e9:.0f} GFLOP forward, "
            f"{flops.convolutions / 1e9:.0f} of them in the convolutions; "
            f"a step of LoRA {flops.lora_step / 1e9:.0f}"
        )
        whole, once = clips * epochs * flops.lora_step, clips * flops.forward
        click.echo(f"  {clips} clips, {epochs} epochs, LoRA: {_hours(whole)}")
        click.echo(f"  {clips} clips embedded once, for the head alone: {_hours(once)}")


def count_flops(name: str, max_layer: int | None = None) -> Flops:
    """Count the operations of a published backbone on 30 s, in chunks of 5 s.

    Parameters
    ----------
    name : str
        Of :data:`beatmeter_mert.model.published.PUBLISHED`.
    max_layer : int >= 1, optional
        Layers to build, from the first; all by default.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from beatmeter_mert.model.backbone import build_backbone
    from beatmeter_mert.model.preprocessing import CHUNK_SECONDS
    from beatmeter_mert.model.published import PUBLISHED

    with torch.device("meta"):
        hubert = build_backbone(PUBLISHED[name].architecture, max_layer).eval()  # type: ignore[no-untyped-call]
        chunk = torch.zeros(1, round(CHUNK_SECONDS * 24_000))
    counter = FlopCounterMode(display=False)
    with counter:
        hubert(chunk)
    chunks = round(CLIP_SECONDS / CHUNK_SECONDS)
    (convolutions,) = (
        sum(counts.values())
        for module, counts in counter.get_flop_counts().items()
        if module.endswith(".feature_extractor")
    )
    return Flops(chunks * convolutions, chunks * (counter.get_total_flops() - convolutions))


def _hours(flops: float) -> str:
    return ", ".join(
        f"{gpu} {flops / (UTILISATION * peak * 1e12) / 3600:.2g} h"
        for gpu, peak in PEAK_TFLOPS.items()
    )

"""From a trained bar network in torch to the file that numpy runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor, nn

from beatmeter.signals.neural.frame_network import KERNEL
from beatmeter.signals.neural.training.bars.network import BarLayer, TrainableBarNetwork
from beatmeter.signals.neural.training.export import Array, affine, write_weights


def bar_arrays(network: TrainableBarNetwork) -> dict[str, Array]:
    """The weights with batch normalisation as scale and shift, laid out for a matrix product."""
    tensors: dict[str, Tensor] = {}
    tensors["input.scale"], tensors["input.shift"] = affine(network.input_norm)
    linear: dict[str, nn.Module] = {
        name: getattr(network, name)
        for name in ("input", "pooled", "back", "length", "meter", "counted")
    }
    linear |= {f"downbeat.{number}": part for number, part in enumerate(network.downbeat)}
    for number, layer in enumerate(network.layers):
        assert isinstance(layer, BarLayer)
        name = f"layers.{number}"
        tensors[f"{name}.scale"], tensors[f"{name}.shift"] = affine(layer.norm)
        linear |= {name: layer.convolution, f"{name}.mix": layer.mix}
    for name, part in linear.items():
        assert isinstance(part, nn.Linear)
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = part.weight.T, part.bias
    return {
        name: np.ascontiguousarray(value.detach().cpu().float().numpy())
        for name, value in tensors.items()
    }


def write_bar_network(network: TrainableBarNetwork, frame_network: str, path: Path) -> None:
    """Write the file that ``BarNetwork.load`` reads, atomically; weights in float16.

    Parameters
    ----------
    network : TrainableBarNetwork
    frame_network : str
        SHA-256 of the file of the frame network that it learned from.
    path : Path
    """
    config = {
        "channels": network.config.channels,
        "dilations": list(network.config.dilations),
        "kernel": KERNEL,
        "frame_network": frame_network,
    }
    write_weights(path, config, bar_arrays(network))

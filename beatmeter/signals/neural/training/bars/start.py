"""From the file of a bar network back to one that can be trained further."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from beatmeter.signals.neural.bar_network import BarNetwork
from beatmeter.signals.neural.training.bars.export import linear_parts
from beatmeter.signals.neural.training.bars.network import BarLayer, TrainableBarNetwork
from beatmeter.signals.neural.training.start import set_affine


def begin_with(network: TrainableBarNetwork, path: Path) -> None:
    """Give a network the weights of a file.

    Parameters
    ----------
    network : TrainableBarNetwork
        Changed in place; its normalisation becomes a scale and a shift. It may hear more features
        than the one in the file, before those; they say nothing yet.
    path : Path
        As :func:`~beatmeter.signals.neural.training.bars.export.write_bar_network` writes it.

    Raises
    ------
    ValueError
        If it is no such file, or holds several networks or one of another shape.
    """
    stored = BarNetwork.load(path)
    if stored.members != 1:
        raise ValueError(f"{path}: {stored.members} networks as one (allowed: 1)")
    weights = {n: torch.from_numpy(np.ascontiguousarray(v[0])) for n, v in stored.weights.items()}
    new = network.input.in_features - stored.features
    shape = (stored.dilations, len(weights["input.bias"]))
    if new < 0 or shape != (network.config.dilations, network.config.channels):
        raise ValueError(
            f"{path}: hears {stored.features} features in {shape[1]} channels and "
            f"layers {list(shape[0])}, not at most {network.input.in_features} in "
            f"{network.config.channels} and {list(network.config.dilations)}"
        )
    with torch.no_grad():
        scale = functional.pad(weights["input.scale"], (new, 0), value=1.0)
        set_affine(network.input_norm, scale, functional.pad(weights["input.shift"], (new, 0)))
        weights["input.weight"] = functional.pad(weights["input.weight"], (0, 0, new, 0))
        for number, layer in enumerate(network.layers):
            assert isinstance(layer, BarLayer)
            name = f"layers.{number}"
            set_affine(layer.norm, weights[f"{name}.scale"], weights[f"{name}.shift"])
        for name, part in linear_parts(network).items():
            part.weight.copy_(weights[f"{name}.weight"].T)
            part.bias.copy_(weights[f"{name}.bias"])

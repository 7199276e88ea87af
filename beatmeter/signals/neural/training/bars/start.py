"""From the file of a bar network back to one that can be trained further."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from beatmeter.errors import NetworkError
from beatmeter.signals.neural.bar_network import BarNetwork
from beatmeter.signals.neural.training.bars.export import linear_parts, widened
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
    NetworkError
        If it is no such file, or holds several networks or one of another shape.
    """
    stored = BarNetwork.load(path)
    if stored.members != 1:
        raise NetworkError(f"{path}: {stored.members} networks as one (allowed: 1)")
    wanted = network.input.in_features
    shape = (stored.dilations, stored.weights["input.bias"].shape[1])
    if stored.features > wanted or shape != (network.config.dilations, network.config.channels):
        raise NetworkError(
            f"{path}: hears {stored.features} features in {shape[1]} channels and "
            f"layers {list(shape[0])}, not at most {wanted} in "
            f"{network.config.channels} and {list(network.config.dilations)}"
        )
    values = widened(stored, wanted).weights.items()
    weights = {name: torch.from_numpy(np.ascontiguousarray(value[0])) for name, value in values}
    with torch.no_grad():
        set_affine(network.input_norm, weights["input.scale"], weights["input.shift"])
        for number, layer in enumerate(network.layers):
            assert isinstance(layer, BarLayer)
            name = f"layers.{number}"
            set_affine(layer.norm, weights[f"{name}.scale"], weights[f"{name}.shift"])
        for name, part in linear_parts(network).items():
            part.weight.copy_(weights[f"{name}.weight"].T)
            part.bias.copy_(weights[f"{name}.bias"])

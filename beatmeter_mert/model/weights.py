"""Reading a backbone's weights, whatever they were saved as."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from beatmeter_mert.errors import BackboneError, CheckpointError, reason
from beatmeter_mert.model.hub import WEIGHT_FILES

if TYPE_CHECKING:
    import torch
    from torch import nn

_OLD_NAMES = {
    "conv.weight_g": "conv.parametrizations.weight.original0",
    "conv.weight_v": "conv.parametrizations.weight.original1",
}
_LAYER = re.compile(r"encoder\.layers\.(\d+)\.")
_PREFIXES = ("hubert.", "mert.")
_OTHER_HEADS = ("lm_head.", "projector.", "classifier.")


def read_backbone_weights(folder: Path, layers: int) -> dict[str, torch.Tensor]:
    """Read the weights of a backbone, of its first `layers` layers only.

    Parameters
    ----------
    folder : Path
        Holds ``model.safetensors`` or ``pytorch_model.bin``.
    layers : int >= 1
        Tensors of higher layers are left on the disk.

    Returns
    -------
    dict of str to Tensor
        By the names of ``HubertModel``, the weight norm's old ``weight_g`` and ``weight_v``
        renamed.

    Raises
    ------
    BackboneError
        If there is no such file, it is damaged, or holds anything but tensors.
    """
    path = next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    if path is None:
        raise BackboneError(f"{folder}: has no weights (allowed: {' or '.join(WEIGHT_FILES)})")
    read = read_safetensors if path.suffix == ".safetensors" else _read_bin
    named = {_current_name(name): tensor for name, tensor in read(path).items()}
    return {name: tensor for name, tensor in named.items() if _is_wanted(name, layers)}


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file, raising :class:`CheckpointError` if it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read ({reason(error)})") from error
    return tensors


def load_strictly(module: nn.Module, tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Put tensors into a module as they are, every one at its place.

    Raises
    ------
    CheckpointError
        If one is missing, left over, of another shape, or not of floating-point numbers.
    """
    expected = module.state_dict()
    missing = sorted(expected.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - expected.keys())
    if missing or unexpected:
        raise CheckpointError(
            f"{source}: does not fit: {len(missing)} tensors missing{_example(missing)}, "
            f"{len(unexpected)} unexpected{_example(unexpected)}"
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape or not tensor.is_floating_point():
            raise CheckpointError(
                f"{source}: {name} is {tensor.dtype} {tuple(tensor.shape)} "
                f"(allowed: floating point {tuple(expected[name].shape)})"
            )
    module.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)


def _read_bin(path: Path) -> dict[str, torch.Tensor]:
    import torch

    try:
        tensors = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except Exception as error:  # a damaged pickle can make torch raise anything
        raise BackboneError(f"{path}: cannot be read ({reason(error)})") from error
    if not isinstance(tensors, dict) or not all(map(torch.is_tensor, tensors.values())):
        raise BackboneError(f"{path}: holds something else than tensors (allowed: tensors by name)")
    return tensors


def _current_name(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    for old, new in _OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _is_wanted(name: str, layers: int) -> bool:
    if name.startswith(_OTHER_HEADS):
        return False
    match = _LAYER.match(name)
    return match is None or int(match[1]) < layers


def _example(names: list[str]) -> str:
    return f" ({names[0]}, ...)" if names else ""

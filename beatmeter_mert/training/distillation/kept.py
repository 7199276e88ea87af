"""Files that an interrupted run goes on from: what was learned, by whom, and what is drawn next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from beatmeter._util.atomic import replacing
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.training.distillation.settings import MAY_CHANGE
from beatmeter_mert.training.settings_file import SettingsError, refuse_changes, to_mapping

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.settings import PretrainSettings


def keep(path: Path, settings: PretrainSettings, content: dict[str, Any]) -> None:
    """Write a file, whole or not at all, with the state of the generators that layers draw from.

    Parameters
    ----------
    path : Path
    settings : PretrainSettings
        Of the run.
    content : dict
        Of what ``torch.load`` reads with ``weights_only=True``.
    """
    about = {
        "settings": json.dumps(to_mapping(settings)),
        "random": torch.get_rng_state(),
        "random_accelerator": _accelerator_random(),
    }
    with replacing(path) as partial:
        torch.save(content | about, partial)


@contextmanager
def kept(path: Path, settings: PretrainSettings) -> Iterator[dict[str, Any]]:
    """Read what was kept, and at the end of the block draw on from there.

    Yields
    ------
    dict

    Raises
    ------
    CheckpointError
        If it cannot be read, or the block fails.
    SettingsError
        If it was kept by a run whose settings change what is learned.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        refuse_changes(json.loads(content["settings"]), settings, MAY_CHANGE, path)
        yield content
        torch.set_rng_state(content["random"])
        accelerators = content["random_accelerator"]
    except SettingsError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
    if torch.cuda.is_available() and len(accelerators) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(accelerators)


def _accelerator_random() -> list[Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

"""Where a run stands: everything that a resumed run needs to go on as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.optim import AdamW
from torch.optim.swa_utils import AveragedModel

from beatmeter._util.atomic import PART
from beatmeter.errors import DatasetError
from beatmeter_mert.training.distillation.convolved import EncoderNetwork
from beatmeter_mert.training.distillation.decay import decay_groups
from beatmeter_mert.training.distillation.kept import keep, kept
from beatmeter_mert.training.distillation.network import PretrainNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from beatmeter_mert.training.distillation.settings import PretrainSettings

CHECKPOINT = "checkpoint.pt"


class TrainingState:
    """Network, optimizer, average of the weights, and the number of steps taken.

    Parameters
    ----------
    settings : PretrainSettings
    device : torch.device

    Attributes
    ----------
    network : PretrainNetwork
    average : AveragedModel
    optimizer : AdamW
    step : int
        Steps taken.
    """

    def __init__(self, settings: PretrainSettings, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.step = 0
        kind = EncoderNetwork if settings.keep_convolutions else PretrainNetwork
        self.network = kind(settings).to(device)
        self.average = AveragedModel(
            self.network, multi_avg_fn=_averaging(settings.optimizer.average)
        )
        self.optimizer = AdamW(
            decay_groups(self.network.parameters(), settings.optimizer.weight_decay),
            lr=settings.optimizer.learning_rate,
            betas=(0.9, 0.98),
        )

    @property
    def averaged(self) -> PretrainNetwork:
        """The network with the averaged weights."""
        return cast("PretrainNetwork", self.average.module)

    def begin_as(self, classifier: Path) -> None:
        """Begin with the weights of a classifier, averages too; the optimizer begins anew."""
        self.network.begin_as(classifier)
        self.averaged.load_state_dict(self.network.state_dict())

    def save(self, folder: Path) -> None:
        """Write the checkpoint of a run, whole or not at all."""
        content = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        keep(folder / CHECKPOINT, self.settings, content)

    def load(self, folder: Path) -> None:
        """Go on from the checkpoint of a run.

        Raises
        ------
        CheckpointError
            If it cannot be read.
        SettingsError
            If it was made with settings that change what is learned.
        """
        with kept(folder / CHECKPOINT, self.settings) as content:
            self.network.load_state_dict(content["network"])
            self.average.load_state_dict(content["average"])
            self.optimizer.load_state_dict(content["optimizer"])
            self.step = content["step"]


def prepare_folder(folder: Path) -> bool:
    """Make the folder of a run, and tell whether it holds a run to go on with.

    Raises
    ------
    DatasetError
        If it holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / CHECKPOINT).is_file():
        return True
    left = [path for path in folder.iterdir() if path.suffix != PART]
    if any(path.name not in _LEFT_BY_A_KILLED_START for path in left):
        raise DatasetError(f"{folder}: is not empty (allowed: a new folder, or a run)")
    return False


_LEFT_BY_A_KILLED_START = ("curve.jsonl", "tensorboard", "rehearsal")


def _averaging(decay: float) -> Any:
    """Average exponentially, over a tenth of the steps as long as there are few."""

    @torch.no_grad()
    def update(averages: Sequence[Tensor], current: Sequence[Tensor], count: Tensor | int) -> None:
        weight = 1 - min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(list(averages), list(current), weight)

    return update

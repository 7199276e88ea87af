"""How far a lesson on averages has come, so that an interrupted one goes on.

A lesson is kept in a file of the rehearsal, whole or not at all, every so many steps and at its
end; one that had ended is not taken again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from beatmeter_mert.training.distillation.decay import decay_groups
from beatmeter_mert.training.distillation.kept import keep, kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beatmeter_mert.training.distillation.settings import PretrainSettings, RehearsalSettings


class Lesson:
    """What changes from step to step.

    Parameters
    ----------
    learned : sequence of Parameter
    settings : RehearsalSettings
    seed : int
        Of what is drawn.

    Attributes
    ----------
    losses : list of float
        Of each step taken.
    random : Generator
        Draws clips, shifts and noise, on the device of the parameters.
    """

    def __init__(
        self, learned: Sequence[nn.Parameter], settings: RehearsalSettings, seed: int
    ) -> None:
        self.learned = nn.ParameterList(learned)
        self.losses: list[float] = []
        self.random = torch.Generator(learned[0].device).manual_seed(seed)
        self.optimizer = torch.optim.AdamW(decay_groups(self.learned, settings.weight_decay))
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            settings.learning_rate,
            settings.steps,
            pct_start=0.1,
            cycle_momentum=False,
        )

    def take_step(self, loss: torch.Tensor) -> None:
        """Learn from a loss."""
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.learned, 1.0, error_if_nonfinite=True)
        self.optimizer.step()
        self.schedule.step()
        self.losses.append(loss.item())


@dataclass(frozen=True)
class LessonFile:
    """Where a lesson is kept.

    Attributes
    ----------
    path : Path
    settings : PretrainSettings
        Of the run.
    """

    path: Path
    settings: PretrainSettings

    def save(self, lesson: Lesson) -> None:
        """Write how far a lesson has come."""
        content = {
            "learned": lesson.learned.state_dict(),
            "optimizer": lesson.optimizer.state_dict(),
            "schedule": lesson.schedule.state_dict(),
            "losses": lesson.losses,
            "drawn": lesson.random.get_state(),
        }
        keep(self.path, self.settings, content)

    def load(self, lesson: Lesson) -> None:
        """Go on from what was kept, if anything was.

        Raises
        ------
        CheckpointError
            If it cannot be read.
        SettingsError
            If it was kept by a run whose settings change what is learned.
        """
        if not self.path.is_file():
            return
        with kept(self.path, self.settings) as content:
            lesson.learned.load_state_dict(content["learned"])
            lesson.optimizer.load_state_dict(content["optimizer"])
            lesson.schedule.load_state_dict(content["schedule"])
            lesson.losses[:] = content["losses"]
            lesson.random.set_state(content["drawn"])

"""How the learning rate runs over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beatmeter_mert.training.distillation.settings import OptimizerSettings


def learning_rate(step: int, steps: int, settings: OptimizerSettings) -> float:
    """Rise linearly, stay, and fall linearly to zero over the last steps.

    Until the fall begins, the rate does not depend on how many steps there will be: a run can be
    prolonged at no cost (Hägele et al., "Scaling laws and compute-optimal training beyond fixed
    training durations", 2024).

    Parameters
    ----------
    step : int >= 0
        From 0.
    steps : int >= 1
        Of the whole run.
    settings : OptimizerSettings
    """
    risen = (step + 1) / max(settings.warmup_steps, 1)
    left = (steps - step) / max(settings.decay_share * steps, 1.0)
    return settings.learning_rate * min(1.0, risen, left)

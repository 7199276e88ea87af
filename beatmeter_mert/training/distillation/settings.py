"""Settings of a distillation run; the defaults are those of the embedded checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from beatmeter_mert.model.device import DEVICES
from beatmeter_mert.training.settings import (
    A_SEED,
    SECONDS,
    Settings,
    require_device,
    setting,
)

_AT_LEAST_0, _AT_LEAST_1 = "[0, inf)", "[1, inf)"


@dataclass(frozen=True)
class BackboneSettings(Settings):
    """The shape of the backbone: convolutions on raw audio, then transformer layers."""

    hidden_size: int = setting(352, "Width of the transformer.", _AT_LEAST_1)
    layers: int = setting(2, "Transformer layers.", _AT_LEAST_1)
    heads: int = setting(4, "Attention heads.", _AT_LEAST_1)
    feed_forward: int = setting(
        1536, "Width between the two linear layers of a transformer layer.", _AT_LEAST_1
    )
    conv_dim: tuple[int, ...] = setting(
        (64, 96, 96, 16, 888, 343), "Channels of each convolution; the last three are a lag bank."
    )
    conv_kernel: tuple[int, ...] = setting(
        (256, 8, 4, 5, 200, 1), "Samples or frames that each one sees."
    )
    conv_stride: tuple[int, ...] = setting(
        (120, 2, 2, 3, 1, 1), "Their strides; the product is a frame."
    )
    position_frames: int = setting(32, "Width of the convolution for positions.", _AT_LEAST_1)
    position_groups: int = setting(16, "Its groups.", _AT_LEAST_1)
    dropout: float = setting(0.0, "Dropout after attention and feed-forward.", "[0, 1)")


@dataclass(frozen=True)
class AugmentSettings(Settings):
    """Random changes of a clip in each view; probabilities of 0 switch a thing off."""

    speed: float = setting(0.5, "Played up to this share faster or slower.", "[0, 0.9)")
    noise: float = setting(0.3, "Probability of noise.", "[0, 1]")
    noise_db: float = setting(-10.0, "Loudest noise, relative to each channel's deviation.")
    gap: float = setting(0.1, "Probability of a short silence.", "[0, 1]")


@dataclass(frozen=True)
class DistillationSettings(Settings):
    """A distillation run."""

    backbone: BackboneSettings = field(default_factory=BackboneSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    data_dir: tuple[Path, ...] = setting((), "Rendered dataset; may be repeated.")
    leave_out: tuple[str, ...] = setting(
        (), "Family, source or soundfont never trained on, and evaluated by itself."
    )
    sample_rate: int = setting(24_000, "Hz.", "[1000, 384000]")
    chunk_seconds: float = setting(30.0, "Seconds that the classifier is given at once.", SECONDS)
    clip_seconds: float = setting(
        90.0,
        "Seconds that the classifier uses of a recording, chunk after chunk; its centre.",
        SECONDS,
    )
    augmented_convolutions: int = setting(
        4, "So many convolutions, from the first, come before the random changes.", _AT_LEAST_1
    )
    views: int = setting(4, "Random changes of each clip, pooled once each.", _AT_LEAST_1)
    steps: int = setting(10_000, "Steps of each teacher, and of the student.", _AT_LEAST_1)
    batch_size: int = setting(128, "Clips of a step.", _AT_LEAST_1)
    learning_rate: float = setting(1e-3, "Peak learning rate; it falls to 0.", "(0, inf)")
    weight_decay: float = setting(0.05, "Weight decay of matrices.", _AT_LEAST_0)
    feature_noise: float = setting(
        0.05, "Noise on pooled features, in standard deviations.", _AT_LEAST_0
    )
    lag_shift: int = setting(
        16, "Most places by which beat spectra are shifted, as if played faster.", _AT_LEAST_0
    )
    teachers: int = setting(1, "Teachers, whose mean answer is learned.", _AT_LEAST_1)
    teacher_dropout: float = setting(0.3, "Dropout in a teacher.", "[0, 1)")
    head_dropout: float = setting(0.0, "Dropout in the head.", "[0, 1)")
    eval_clips: int = setting(2000, "Most validation clips of each family.", _AT_LEAST_1)
    save_steps: int = setting(250, "Steps between checkpoints.", _AT_LEAST_1)
    log_steps: int = setting(100, "Steps between lines of the learning curve.", _AT_LEAST_1)
    seed: int = setting(0, "Of weights, order and noise.", A_SEED)
    device: str = setting("auto", f"Where it is computed: {DEVICES}.")
    licence: str = setting("mit", "Hub identifier of the licence of the weights.")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_device(self.device)


MAY_CHANGE = frozenset({"eval_clips", "save_steps", "log_steps", "device", "licence"})
"""Settings that a resumed run may have otherwise than the run it goes on with."""

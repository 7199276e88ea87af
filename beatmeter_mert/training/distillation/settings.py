"""Everything that a pre-training run can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from beatmeter_mert.training.settings_file import SettingsError, setting

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class BackboneSettings:
    """The shape of the backbone: convolutions on raw audio, then transformer layers."""

    hidden_size: int = setting(192, "Width of the transformer.")
    layers: int = setting(6, "Transformer layers.")
    heads: int = setting(6, "Attention heads.")
    feed_forward: int = setting(768, "Width between the two linear layers of a transformer layer.")
    conv_dim: tuple[int, ...] = setting((64, 128, 192, 192), "Channels of each convolution.")
    conv_kernel: tuple[int, ...] = setting((256, 8, 4, 3), "Samples or frames each one sees.")
    conv_stride: tuple[int, ...] = setting((60, 4, 2, 2), "Their strides; the product is a frame.")
    musical_start: bool = setting(
        True, "Convolutions begin as filter bank, onset detectors and lags, not at random."
    )
    position_frames: int = setting(192, "Width of the convolution that tells positions.")
    position_groups: int = setting(16, "Its groups.")
    dropout: float = setting(0.1, "Dropout after attention and feed-forward.")


@dataclass(frozen=True)
class LossSettings:
    """What the network is asked, and how much each answer counts."""

    frames: float = setting(1.0, "Weight of the frame-level loss; 0 trains on the meter alone.")
    meter: float = setting(3.0, "Weight of the loss of the clip's meters.")
    phase: float = setting(2.0, "Weight of the position in the bar within the frame-level loss.")
    frame_meter: float = setting(2.0, "Weight of the meters within the frame-level loss.")
    beat_positive: float = setting(2.0, "How much more a frame with a beat counts.")
    downbeat_positive: float = setting(6.0, "How much more a frame with a downbeat counts.")
    head_dropout: float = setting(0.2, "Dropout in the head that answers for the clip.")


@dataclass(frozen=True)
class AugmentSettings:
    """What is done to a chunk each time it is heard; probabilities of 0 switch a thing off."""

    speed: float = setting(0.2, "Played up to this share faster or slower, pitch and all.")
    gain_db: float = setting(9.0, "Louder or softer by up to so many decibels.")
    equalizer_db: float = setting(9.0, "Standard deviation of a random frequency response.")
    noise: float = setting(0.5, "Probability of noise, of a random colour.")
    noise_db: float = setting(-20.0, "Loudest noise, relative to the music.")
    invert: float = setting(0.5, "Probability of inverted polarity.")
    dropout: float = setting(0.2, "Probability of a short silence or a swell.")


@dataclass(frozen=True)
class StreamSettings:
    """Music rendered while it is heard, by the workers that load it."""

    share: float = setting(0.0, "Share of the training clips that are rendered afresh.")
    soundfonts: tuple[Path, ...] = setting((), "Soundfonts; those of the system if none.")
    scores: Path | None = setting(  # noqa: RUF009  it makes a field
        None, "Folder of scores; without it, music is composed."
    )
    recordings: Path | None = setting(  # noqa: RUF009  it makes a field
        None, "Folder of recordings to splice; without it, none are."
    )
    families: tuple[str, ...] = setting((), "Ways of making music; all if none.")
    seconds: float = setting(20.0, "Length of a rendered clip.")


@dataclass(frozen=True)
class RehearsalSettings:
    """A run before the first step, on averages over time instead of whole sequences."""

    steps: int = setting(0, "Its steps; 0 does without. It needs keep_convolutions.")
    views: int = setting(10, "Random changes of each clip, each averaged once.")
    batch_size: int = setting(128, "Clips of a step.")
    learning_rate: float = setting(1e-3, "Peak learning rate; it falls to 0.")
    weight_decay: float = setting(0.05, "Weight decay of matrices.")
    noise: float = setting(0.1, "Noise on the averages, in standard deviations.")
    shift: int = setting(0, "Most places by which beat spectra are shifted, as if played faster.")
    teachers: int = setting(
        0, "Networks made for beat spectra, trained first, whose answers are learned."
    )
    teacher_dropout: float = setting(0.3, "Dropout in those networks.")


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW, with a constant rate between warm-up and decay, and an average of the weights."""

    learning_rate: float = setting(1e-3, "Peak learning rate.")
    weight_decay: float = setting(0.02, "Weight decay of matrices.")
    warmup_steps: int = setting(200, "Steps of linear warm-up.")
    decay_share: float = setting(0.25, "Share of the steps, at the end, over which it falls to 0.")
    clip_norm: float = setting(1.0, "Largest norm of the gradient.")
    average: float = setting(0.999, "Decay of the average of weights that is exported.")


@dataclass(frozen=True)
class PretrainSettings:
    """A pre-training run.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    backbone: BackboneSettings = field(default_factory=BackboneSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)
    rehearsal: RehearsalSettings = field(default_factory=RehearsalSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    keep_convolutions: int = setting(
        0, "So many convolutions stay as they begin, and are asked once about each clip."
    )
    start_from: Path | None = setting(  # noqa: RUF009  it makes a field
        None, "Classifier whose backbone and head the network begins as; random if none."
    )
    chunk_seconds: float = setting(15.0, "What is heard at once; every chunk is exactly as long.")
    clip_seconds: float = setting(
        30.0, "What the classifier hears of a recording, chunk after chunk; its centre."
    )
    sample_rate: int = setting(24_000, "Hz.")
    batch_size: int = setting(16, "Chunks of a step.")
    steps: int = setting(20_000, "Steps of the whole run.")
    leave_out: tuple[str, ...] = setting(
        (), "Families, sources and soundfonts never trained on; evaluated by themselves."
    )
    eval_steps: int = setting(500, "Steps between evaluations.")
    eval_clips: int = setting(300, "Most clips of each evaluation set.")
    save_steps: int = setting(250, "Steps between checkpoints.")
    log_steps: int = setting(20, "Steps between lines of the learning curve.")
    seed: int = setting(0, "Of weights, order, crops, augmentation and rendered clips.")
    workers: int = setting(0, "Processes that load, render and augment; 0 does it in between.")
    device: str = setting("auto", "auto, cuda, mps or cpu.")
    precision: str = setting("auto", "float32, bfloat16, or auto: bfloat16 on an accelerator.")
    licence: str = setting("mit", "Hub identifier of the licence of the weights.")
    max_minutes: float = setting(0.0, "Stop and save after so many minutes; 0 never does.")

    def __post_init__(self) -> None:
        at_least_one = (
            "batch_size",
            "eval_steps",
            "eval_clips",
            "save_steps",
            "log_steps",
        )
        for name in at_least_one:
            if getattr(self, name) < 1:
                raise SettingsError(f"setting: {name} {getattr(self, name)} (allowed: 1 or more)")
        for name in ("steps", "seed", "workers", "max_minutes"):
            if getattr(self, name) < 0:
                raise SettingsError(f"setting: {name} {getattr(self, name)} (allowed: 0 or more)")
        if not 0 <= self.stream.share <= 1:
            raise SettingsError(f"setting: stream.share {self.stream.share} (allowed: 0 to 1)")
        if not 0 <= self.keep_convolutions <= len(self.backbone.conv_dim):
            raise SettingsError(
                f"setting: keep_convolutions {self.keep_convolutions} "
                f"(allowed: 0 to {len(self.backbone.conv_dim)})"
            )
        for name in ("views", "batch_size"):
            value = getattr(self.rehearsal, name)
            if value < 1:
                raise SettingsError(f"setting: rehearsal.{name} {value} (allowed: 1 or more)")
        for name in ("steps", "shift", "teachers"):
            value = getattr(self.rehearsal, name)
            if value < 0:
                raise SettingsError(f"setting: rehearsal.{name} {value} (allowed: 0 or more)")
        if not self.steps and not self.rehearsal.steps:
            raise SettingsError("setting: steps 0 (allowed without rehearsal: 1 or more)")
        if self.rehearsal.steps and not self.keep_convolutions:
            raise SettingsError(
                f"setting: rehearsal.steps {self.rehearsal.steps} "
                "(allowed without keep_convolutions: 0)"
            )
        if self.keep_convolutions and self.stream.share:
            raise SettingsError(
                f"setting: stream.share {self.stream.share} (allowed with keep_convolutions: 0)"
            )
        if not 0 <= self.augment.speed < 0.9:
            raise SettingsError(f"setting: augment.speed {self.augment.speed} (allowed: 0 to 0.9)")
        if self.precision not in PRECISIONS:
            raise SettingsError(
                f"setting: precision {self.precision!r} (allowed: {', '.join(PRECISIONS)})"
            )


MAY_CHANGE = frozenset(
    {
        "clip_seconds",
        "steps",
        "eval_steps",
        "eval_clips",
        "save_steps",
        "log_steps",
        "workers",
        "device",
        "precision",
        "max_minutes",
    }
)
"""Settings that a resumed run may have otherwise than the run it goes on with."""

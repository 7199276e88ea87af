"""Settings of pre-training on frames."""

from __future__ import annotations

from dataclasses import dataclass, field

from beatmeter_mert.training.settings import A_SEED, Settings, SettingsError, setting

_AT_LEAST_0, _AT_LEAST_1 = "[0, inf)", "[1, inf)"


@dataclass(frozen=True)
class SpectralSettings(Settings):
    """The shape of the backbone: a stem on a spectrogram, then transformer layers."""

    channels: tuple[int, ...] = setting(
        (16, 32, 192), "Channels of each convolution of the stem; the last go through the rest."
    )
    kernels: tuple[int, ...] = setting((3, 3, 5), "Frames that each of them sees.")
    strides: tuple[int, ...] = setting((1, 1, 2), "Their strides; the product is 2.")
    dilations: tuple[int, ...] = setting(
        (1, 2, 4, 8, 16, 32, 64, 128), "Of the residual layers, in frames of the backbone."
    )
    hidden_size: int = setting(256, "Width of the transformer.", _AT_LEAST_1)
    layers: int = setting(4, "Transformer layers.", _AT_LEAST_1)
    heads: int = setting(4, "Attention heads.", _AT_LEAST_1)
    feed_forward: int = setting(
        1024, "Width between the two linear layers of a transformer layer.", _AT_LEAST_1
    )
    position_frames: int = setting(64, "Width of the convolution for positions.", _AT_LEAST_1)
    position_groups: int = setting(16, "Its groups.", _AT_LEAST_1)
    dropout: float = setting(0.1, "Dropout in the residual layers and the transformer.", "[0, 1)")


@dataclass(frozen=True)
class FrameLossSettings(Settings):
    """Weights of the losses."""

    bar: float = setting(
        0.3, "Weight of the bar length, beside 1 for beats and 1 for downbeats.", _AT_LEAST_0
    )
    early: float = setting(
        0.3,
        "Weight of the same losses on the input of the transformer, so that both halves learn.",
        _AT_LEAST_0,
    )
    meter: float = setting(1.0, "Weight of the meters of the whole clip.", _AT_LEAST_0)
    smoothing: float = setting(0.05, "Target of a meter that is not there.", "[0, 1)")
    pos_weight_cap: float = setting(4.0, "Most that a meter's positives count.", "(0, inf)")
    head_dropout: float = setting(0.3, "Dropout in the head that answers for the clip.", "[0, 1)")


@dataclass(frozen=True)
class FramesSettings(Settings):
    """A pre-training run on frames.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    backbone: SpectralSettings = field(default_factory=SpectralSettings)
    loss: FrameLossSettings = field(default_factory=FrameLossSettings)
    batch_size: int = setting(96, "Windows of a step, of 24 s; more of shorter ones.", _AT_LEAST_1)
    windows: tuple[int, ...] = setting(
        (1200, 1200, 800, 500),
        "Lengths of a window in fiftieths of a second; each step draws one of them.",
    )
    learning_rate: float = setting(1.2e-3, "Peak learning rate; it falls to 0.", "(0, inf)")
    weight_decay: float = setting(0.05, "Weight decay of matrices.", _AT_LEAST_0)
    warm_up: float = setting(0.04, "Share of the run over which the learning rate rises.", "(0, 1]")
    clip_norm: float = setting(1.0, "Largest norm of the gradient.", "(0, inf)")
    average: float = setting(0.998, "Decay of the average of weights that is exported.", "[0, 1)")
    least_clips: int = setting(1, "Wait until so many clips to learn from are there.", _AT_LEAST_1)
    least_held_out: int = setting(
        1, "Wait until so many clips to be judged by are there.", _AT_LEAST_1
    )
    most_held_out: int = setting(2000, "Judge by no more clips than these.", _AT_LEAST_1)
    growth: float = setting(
        1.2, "Read the shards again when so many times as many clips are there.", _AT_LEAST_1
    )
    look_seconds: float = setting(20.0, "Seconds between looks for new shards.", _AT_LEAST_0)
    save_seconds: float = setting(60.0, "Seconds between checkpoints and figures.", _AT_LEAST_0)
    seed: int = setting(0, "Of weights, order, windows and changes.", A_SEED)
    licence: str = setting("mit", "Hub identifier of the licence of the weights.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.windows or min(self.windows) < 50:
            raise SettingsError(f"setting: windows {list(self.windows)} (allowed: 50 or more each)")
        shape = self.backbone
        if not len(shape.channels) == len(shape.kernels) == len(shape.strides):
            raise SettingsError(
                f"setting: backbone.strides {list(shape.strides)} "
                f"(allowed: {len(shape.channels)} values, as many as channels and kernels)"
            )

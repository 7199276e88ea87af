"""Everything that a fine-tuning run can be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path

from beatmeter_mert.training.settings_file import SettingsError, setting

DEVICES = ("auto", "cuda", "mps", "cpu")
PRECISIONS = ("auto", "float32", "bfloat16")
_RANGES: tuple[tuple[tuple[str, ...], Callable[[float], bool], str], ...] = (
    (
        ("epochs", "patience", "batch_size", "grad_accum", "views", "head_dim"),
        lambda value: value >= 1,
        "1 or more",
    ),
    (("limit", "max_layer", "seed", "workers"), lambda value: value >= 0, "0 or more"),
    (
        ("lr", "lora_lr", "weight_decay", "pos_weight_cap", "noise", "shift_s"),
        lambda value: 0 <= value < inf,
        "0 or more",
    ),
    (("clip_norm", "chunk_seconds", "clip_seconds"), lambda value: 0 < value < inf, "above 0"),
    (("dropout", "lora_dropout"), lambda value: 0 <= value < 1, "from 0 to below 1"),
    (("label_smooth",), lambda value: 0 <= value < 0.5, "from 0 to below 0.5"),
    (("bad_share",), lambda value: 0 <= value <= 1, "from 0 to 1"),
)


@dataclass(frozen=True)
class FinetuneSettings:
    """A fine-tuning run; the defaults are those of the method.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    data_dir: Path = setting(Path(), "Folder of labelled clips.")  # noqa: RUF009
    extra_data: tuple[Path, ...] = setting((), "More folders, of which all is trained on.")
    limit: int = setting(0, "Most clips of each meter in each split; 0 takes all.")
    model: str = setting("m-a-p/MERT-v1-330M", "Backbone: a folder, or a repository of the hub.")
    lora: bool = setting(True, "Adapters on the backbone; without them it stays frozen.")
    lora_rank: int = setting(16, "Rank of the adapters.")
    lora_alpha: int = setting(32, "The adapters' output is scaled by alpha / rank.")
    lora_dropout: float = setting(0.05, "Dropout before the adapters.")
    max_layer: int = setting(0, "Layers of the backbone to use, from the first; 0 uses all.")
    chunk_seconds: float = setting(5.0, "What the backbone hears at once.")
    clip_seconds: float = setting(30.0, "What is heard of a recording.")
    head_dim: int = setting(256, "Width of the head.")
    dropout: float = setting(0.3, "Dropout in the head.")
    epochs: int = setting(30, "Most epochs; the rate falls along a cosine over them.")
    patience: int = setting(10, "Epochs without a better one before it stops.")
    batch_size: int = setting(4, "Clips of a batch, on each device.")
    grad_accum: int = setting(8, "Batches of a step.")
    lr: float = setting(0.0, "Learning rate of the head; 0 chooses by the backbone's width.")
    lora_lr: float = setting(0.0, "Learning rate of the adapters; 0 chooses likewise.")
    weight_decay: float = setting(1e-4, "Weight decay.")
    clip_norm: float = setting(1.0, "Largest norm of the gradient of everything trained.")
    label_smooth: float = setting(0.1, "Target of the meters that a clip does not have.")
    pos_weight_cap: float = setting(0.0, "Most that a rare meter's clips count; 0 sets no limit.")
    random_crop: bool = setting(True, "A random clip of a longer recording in each epoch.")
    noise: float = setting(0.005, "Standard deviation of the noise added in training.")
    shift_s: float = setting(0.5, "Seconds that a clip is rotated by at most in training.")
    views: int = setting(4, "Random clips of each recording that are embedded without adapters.")
    bad_share: float = setting(0.02, "Share of clips that may be unusable.")
    seed: int = setting(0, "Of weights, order, crops and noise.")
    device: str = setting("auto", "auto, cuda, mps or cpu.")
    precision: str = setting("auto", "float32, bfloat16, or auto: bfloat16 where cuda has it.")
    checkpoint_activations: bool = setting(False, "Less memory, more time.")
    workers: int = setting(2, "Processes that decode clips.")
    carry_backbone: str = setting("", "Licence under which the backbone goes into the checkpoint.")

    def __post_init__(self) -> None:
        for names, is_allowed, allowed in _RANGES:
            for name in names:
                value = getattr(self, name)
                if not is_allowed(value):
                    raise SettingsError(f"setting: {name} {value} (allowed: {allowed})")
        for name, choices in (("device", DEVICES), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                raise SettingsError(
                    f"setting: {name} {getattr(self, name)!r} (allowed: {', '.join(choices)})"
                )


MAY_CHANGE = frozenset({"device", "workers", "checkpoint_activations"})
"""Settings that a resumed run may have otherwise than the run it goes on with."""


def learning_rates(settings: FinetuneSettings, hidden_size: int) -> tuple[float, float]:
    """Learning rates of head and adapters: as set, or those that suit the backbone's width.

    Returns
    -------
    head, adapters : float
        5e-4 and 1e-4 up to the width of the 95M, 1e-4 and 2e-5 above.
    """
    head, adapters = (5e-4, 1e-4) if hidden_size <= 768 else (1e-4, 2e-5)
    return settings.lr or head, settings.lora_lr or adapters

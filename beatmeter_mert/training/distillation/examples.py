"""What the network hears in a step: chunks of exactly one length, with their targets.

Which clip an example is, where it is cut and how it is changed depend on the seed and the
example's number alone. So a run that goes on at step n hears what an uninterrupted one hears,
whatever the number of workers.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import soxr
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from beatmeter.audio.decode import Samples
from beatmeter.corpora.clip import ClipLabels
from beatmeter.errors import DatasetError
from beatmeter.meters import METERS
from beatmeter_mert.training.distillation.augment import augment, draw_speed
from beatmeter_mert.training.distillation.backbone import frame_times
from beatmeter_mert.training.distillation.material import Material
from beatmeter_mert.training.distillation.settings import (
    AugmentSettings,
    BackboneSettings,
    PretrainSettings,
)
from beatmeter_mert.training.distillation.targets import frame_targets

Example = dict[str, torch.Tensor]
"""``input_values`` (samples,), ``labels`` (6,), ``beats`` (frames,), ``downbeats`` (frames,),
``phase`` (frames, 2), ``in_bar`` (frames,), all float32."""


class ClipSource(Protocol):
    """Where the clip of an example comes from."""

    def clip(self, number: int) -> tuple[Samples, ClipLabels]:
        """Give audio and labels for the example numbered `number`."""


@dataclass(frozen=True)
class Shuffled:
    """The clips of a material in a new order each epoch, without end."""

    material: Material
    seed: int

    def clip(self, number: int) -> tuple[Samples, ClipLabels]:
        """Give audio and labels for the example numbered `number`."""
        epoch, position = divmod(number, len(self.material))
        order = np.random.default_rng((self.seed, 1, epoch)).permutation(len(self.material))
        index = int(order[position])
        return self.material.samples(index), self.material.labels[index]


@dataclass(frozen=True)
class Cutter:
    """Cuts examples out of clips.

    Attributes
    ----------
    backbone : BackboneSettings
    samples : int
        Length of a chunk.
    sample_rate : int
        Hz.
    """

    backbone: BackboneSettings
    samples: int
    sample_rate: int

    @cached_property
    def times(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Times of the frames of a chunk, in seconds."""
        return frame_times(self.backbone, self.samples, self.sample_rate)

    @property
    def length(self) -> int:
        """Length of a chunk, in what clips are measured in."""
        return self.samples

    @property
    def rate(self) -> float:
        """How much of it there is in a second."""
        return self.sample_rate

    @property
    def first_s(self) -> float:
        """Time of the first of it in a clip, in seconds."""
        return 0.0

    def stretched(self, clip: Samples) -> Samples:
        """Resample to the length of a chunk, so that it sounds faster or slower."""
        if len(clip) == self.length:
            return clip
        stretched = soxr.resample(clip, len(clip), self.length, quality="LQ")[: self.length]
        return np.pad(stretched, (0, self.length - len(stretched))).astype(np.float32)

    def changed(
        self, chunk: Samples, settings: AugmentSettings, rng: np.random.Generator
    ) -> Samples:
        """Change the sound of a chunk."""
        return augment(chunk, self.sample_rate, settings, rng)

    def cut(self, clip: Samples, labels: ClipLabels, place: float, speed: float = 1.0) -> Example:
        """Cut a chunk, played faster or slower.

        Parameters
        ----------
        clip : ndarray of float32, shape (n,)
            At least a chunk.
        labels : ClipLabels
        place : float in [0, 1]
            From the first possible beginning to the last.
        speed : float > 0
            No more than the clip is long enough for.

        Raises
        ------
        DatasetError
            If the clip is shorter than a chunk.
        """
        if len(clip) < self.length:
            raise DatasetError(
                f"clip of {labels.work}: {len(clip) / self.rate:g} s "
                f"(allowed: {self.length / self.rate:g} s or more)"
            )
        wanted = min(len(clip), round(self.length * speed))
        start = round(place * (len(clip) - wanted))
        chunk = self.stretched(clip[start : start + wanted])
        start_s, speed = start / self.rate + self.first_s, wanted / self.length
        targets = frame_targets(
            self.times,
            [(time - start_s) / speed + self.first_s for time in labels.beats],
            [(time - start_s) / speed + self.first_s for time in labels.downbeats],
        )
        return {
            "input_values": torch.from_numpy(chunk),
            "labels": torch.from_numpy(np.isin(METERS, labels.meters).astype(np.float32)),
            "beats": torch.from_numpy(targets.beats),
            "downbeats": torch.from_numpy(targets.downbeats),
            "phase": torch.from_numpy(targets.phase),
            "in_bar": torch.from_numpy(targets.in_bar),
        }


class TrainingExamples(Dataset[Example]):
    """Chunks cut at random and changed at random.

    Parameters
    ----------
    source : ClipSource
    cutter : Cutter
    settings : AugmentSettings
    seed : int
    """

    def __init__(
        self, source: ClipSource, cutter: Cutter, settings: AugmentSettings, seed: int
    ) -> None:
        self._source = source
        self._cutter = cutter
        self._settings = settings
        self._seed = seed

    def __getitem__(self, number: int) -> Example:
        rng = np.random.default_rng((self._seed, 2, number))
        clip, labels = self._source.clip(number)
        speed = draw_speed(self._settings, rng)
        example = self._cutter.cut(clip, labels, rng.random(), speed)
        chunk = example["input_values"].numpy()
        changed = self._cutter.changed(chunk, self._settings, rng)
        return example | {"input_values": torch.from_numpy(changed)}


class HeldOutExamples(Dataset[Example]):
    """The middle of each clip, as it is.

    Parameters
    ----------
    material : Material
    cutter : Cutter
    """

    def __init__(self, material: Material, cutter: Cutter) -> None:
        self._material = material
        self._cutter = cutter

    def __len__(self) -> int:
        return len(self._material)

    def __getitem__(self, index: int) -> Example:
        labels = self._material.labels[index]
        return self._cutter.cut(self._material.samples(index), labels, place=0.5)


class StepSampler(Sampler[list[int]]):
    """The numbers of the examples of each step.

    Parameters
    ----------
    first_step, steps : int
        The first step to take, and one past the last.
    batch_size : int
    """

    def __init__(self, first_step: int, steps: int, batch_size: int) -> None:
        self._steps = range(first_step, steps)
        self._batch_size = batch_size

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self._steps:
            yield list(range(step * self._batch_size, (step + 1) * self._batch_size))


def training_loader(
    examples: TrainingExamples, settings: PretrainSettings, first_step: int
) -> DataLoader[Example]:
    """Load the batches of a run from its step `first_step` on."""
    return DataLoader(
        examples,
        batch_sampler=StepSampler(first_step, settings.steps, settings.batch_size),
        num_workers=settings.workers,
        worker_init_fn=_leave_interrupts_to_the_parent,
        generator=torch.Generator(),
        pin_memory=torch.cuda.is_available(),
    )


def evaluation_loader(examples: HeldOutExamples, settings: PretrainSettings) -> DataLoader[Example]:
    """Load the batches of an evaluation set, once."""
    return DataLoader(examples, batch_size=settings.batch_size, generator=torch.Generator())


def _leave_interrupts_to_the_parent(_worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)

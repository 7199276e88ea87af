"""The clips of a run, read from shards that may still be written while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch

from beatmeter.signals.neural.training.frames import Clips, count_clips, load_clips
from beatmeter_mert.training.frames.settings import FramesSettings
from beatmeter_mert.training.frames.targets import ClipMeters
from beatmeter_mert.training.labels import pos_weight

_POLL_S = 1.0


class Shards:
    """Clips to learn from and to be judged by.

    Parameters
    ----------
    folder : Path
        Holds ``train`` and ``val``.
    settings : FramesSettings
    device : torch.device

    Attributes
    ----------
    clips, held_out : Clips
    meters : ClipMeters
        Of `clips`.
    pos_weight : Tensor, shape (6,)
        How much more the positives of each meter count.
    """

    clips: Clips
    held_out: Clips
    meters: ClipMeters
    pos_weight: torch.Tensor

    def __init__(self, folder: Path, settings: FramesSettings, device: torch.device) -> None:
        self._folder = folder
        self._settings = settings
        self.device = device
        self._reader = ThreadPoolExecutor(1)
        self._coming: Future[Clips] | None = None

    @property
    def count(self) -> int:
        """Clips to learn from."""
        return len(self.clips)

    def wait(self, until: float) -> None:
        """Wait until there are enough clips, at most half of the time until `until`; read them.

        Raises
        ------
        ValueError
            If there are none then.
        """
        latest = (time.monotonic() + until) / 2
        settings = self._settings
        while time.monotonic() < latest and (
            count_clips(self._folder / "train") < settings.least_clips
            or count_clips(self._folder / "val") < settings.least_held_out
        ):
            time.sleep(_POLL_S)
        self._take(load_clips(self._folder / "train", self.device))
        self._read_held_out()

    def look(self, report: Callable[[str], None]) -> None:
        """Take over clips that were read in the meantime, and begin to read if there are more."""
        if self._coming is not None and self._coming.done():
            self._take(self._coming.result())
            self._coming = None
            self._read_held_out()
            report(f"{self.count} clips to learn from, {len(self.held_out)} to be judged by")
        elif self._coming is None:
            there = count_clips(self._folder / "train")
            if there >= self._settings.growth * self.count:
                self._coming = self._reader.submit(load_clips, self._folder / "train", self.device)

    def _take(self, clips: Clips) -> None:
        self.clips = clips
        self.meters = ClipMeters.of(clips.rows, self.device)
        weights = pos_weight(self.meters.named.cpu().numpy(), self._settings.loss.pos_weight_cap)
        self.pos_weight = torch.from_numpy(weights).to(self.device)

    def _read_held_out(self) -> None:
        self.held_out = load_clips(self._folder / "val", self.device, self._settings.most_held_out)

"""Examples from music that is rendered while it is heard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beatmeter.audio.decode import Samples
from beatmeter.corpora.clip import ClipLabels
from beatmeter.corpora.config import ClipMaker, CorpusConfig
from beatmeter.corpora.dataset import SplitShares
from beatmeter.corpora.training_soundfonts import training_soundfonts
from beatmeter.errors import DatasetError
from beatmeter_mert.training.distillation.examples import ClipSource
from beatmeter_mert.training.distillation.material import belongs_to
from beatmeter_mert.training.distillation.settings import PretrainSettings

_MOST_TRIES = 100


def corpus_config(settings: PretrainSettings) -> CorpusConfig:
    """Configure the corpus of a run: its seed is the run's, its clips are as long as set."""
    wanted = settings.stream
    return CorpusConfig(
        soundfonts=wanted.soundfonts or training_soundfonts(),
        seconds=wanted.seconds,
        seed=settings.seed,
        scores=wanted.scores,
        recordings=wanted.recordings,
        families=wanted.families,
    )


@dataclass(frozen=True)
class Rendered:
    """Clips of a corpus without end, of works that rendered datasets put into training.

    Attributes
    ----------
    config : CorpusConfig
    leave_out : tuple of str
        Families, sources and soundfonts of which nothing is used.
    """

    config: CorpusConfig
    leave_out: tuple[str, ...] = ()

    @cached_property
    def _maker(self) -> ClipMaker:
        return ClipMaker(self.config)

    def clip(self, number: int) -> tuple[Samples, ClipLabels]:
        """Give audio and labels for the example numbered `number`."""
        shares, left_out = SplitShares(), belongs_to(self.leave_out)
        for attempt in range(_MOST_TRIES):
            clip = self._maker.make(number + attempt * 2**32)
            if shares.split_of(clip.labels.work) == "train" and not left_out(clip.labels):
                return clip.samples, clip.labels
        raise DatasetError(f"leave_out: {self.leave_out} leaves nothing to render")


@dataclass(frozen=True)
class Mixed:
    """Some examples from one source, the others from another.

    Attributes
    ----------
    rendered, stored : ClipSource
    share : float in [0, 1]
        Of examples from the first one.
    seed : int
    """

    rendered: ClipSource
    stored: ClipSource
    share: float
    seed: int

    def clip(self, number: int) -> tuple[Samples, ClipLabels]:
        """Give audio and labels for the example numbered `number`."""
        is_rendered = np.random.default_rng((self.seed, 3, number)).random() < self.share
        return (self.rendered if is_rendered else self.stored).clip(number)

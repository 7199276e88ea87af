"""What a rendered corpus is made of, and the maker of its clips."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from beatmeter._util.folders import cache_folder
from beatmeter.corpora.clip import Clip, make_clip
from beatmeter.corpora.perform.soundfonts import fingerprint, open_soundfont
from beatmeter.corpora.reserved import reserved
from beatmeter.corpora.schedule import Schedule, balanced_block
from beatmeter.corpora.source_excerpt import Source
from beatmeter.corpora.synth_source import PlayedScores
from beatmeter.errors import DatasetError

SHORTEST_S = 4.0
LONGEST_S = 600.0


@dataclass(frozen=True)
class CorpusConfig:
    """Everything that the clips of a corpus depend on.

    Attributes
    ----------
    soundfonts : tuple of Path
        Files, at least one with General MIDI.
    seconds : float, 4 to 600
        Length of every clip.
    seed : int >= 0
        The same seed gives the same corpus.
    scores : Path or None
        Folder of scores; without one, rendered music is composed.
    recordings : Path or None
        Folder of recordings to splice.
    families : tuple of str
        Ways of making music; if empty, all that have music in every meter.

    Raises
    ------
    DatasetError
        If `seconds` or `seed` is out of range.
    """

    soundfonts: tuple[Path, ...]
    seconds: float
    seed: int
    scores: Path | None = None
    recordings: Path | None = None
    families: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not SHORTEST_S <= self.seconds <= LONGEST_S:
            raise DatasetError(
                f"seconds: {self.seconds:g} (allowed: {SHORTEST_S:g} to {LONGEST_S:g})"
            )
        if self.seed < 0:
            raise DatasetError(f"seed: {self.seed} (allowed: 0 or above)")
        reserved().refuse_seed(self.seed)

    def as_json(self) -> dict[str, Any]:
        """Give the configuration as plain JSON values.

        Soundfonts are named with their hashes, and what is reserved by its list's.
        """
        values = asdict(self)
        fonts = [open_soundfont(path) for path in self.soundfonts]
        values["soundfonts"] = {font.name: fingerprint(font) for font in fonts}
        for name in ("scores", "recordings"):
            values[name] = None if values[name] is None else str(values[name])
        values["families"] = list(self.families)
        reserved_list = files(__package__).joinpath("reserved.toml").read_bytes()
        values["reserved"] = hashlib.sha256(reserved_list).hexdigest()
        return values


class ClipMaker:
    """Makes the clips of a corpus, any of them, in any order.

    Parameters
    ----------
    config : CorpusConfig

    Raises
    ------
    DatasetError
        If a folder, soundfont or family cannot be used.
    ReservedError
        If a soundfont or the seed belongs to the fixtures.
    """

    def __init__(self, config: CorpusConfig) -> None:
        self._config = config
        self._sources = open_sources(config)
        block = balanced_block(self._families_for, config.families)
        self._schedule = Schedule(block, config.seed)

    def make(self, index: int) -> Clip:
        """Make the clip numbered `index`, from 0."""
        assignment = self._schedule[index]
        source = self._source_of(assignment.family, assignment.meters)
        seed = clip_seed(self._config.seed, index)
        return make_clip(source, seed, self._config.seconds, assignment.family, assignment.meters)

    def _families_for(self, meters: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(f for source in self._sources for f in source.families_for(meters))

    def _source_of(self, family: str, meters: tuple[int, ...]) -> Source:
        return next(s for s in self._sources if family in s.families_for(meters))


def open_sources(config: CorpusConfig) -> tuple[Source, ...]:
    """Open what a configuration names, after refusing what belongs to the fixtures.

    Recordings not searched before for steady beats are searched now, which takes its time; see
    :func:`~beatmeter.corpora.splicing.source.search_recordings`.
    """
    from beatmeter.corpora.material_pool import MaterialPool

    for path in config.soundfonts:
        reserved().refuse_soundfont(path)
    soundfonts = [open_soundfont(path) for path in config.soundfonts]
    pool = MaterialPool.training(config.scores, reserved(), cache=scorecache_folder())
    played = PlayedScores(pool, soundfonts)
    if config.recordings is None:
        return (played,)
    from beatmeter.corpora.splicing.source import (
        SplicedRecordings,
        recordings_index,
        search_recordings,
    )

    stretches = search_recordings(config.recordings, recordings_index(config.recordings))
    return (played, SplicedRecordings(config.recordings, stretches))


def scorecache_folder() -> Path:
    """Tell which folder of the user's cache keeps parsed scores."""
    return cache_folder() / "scores"


def clip_seed(seed: int, index: int) -> int:
    """Draw the seed of a clip from the corpus's, outside those of the fixtures."""
    for candidate in np.random.SeedSequence((seed, index)).generate_state(8, np.uint64) >> 1:
        if not reserved().has_seed(int(candidate)):
            return int(candidate)
    raise DatasetError(f"seed: {seed} leads to reserved seeds only (allowed: any other)")

"""What the fixtures keep for themselves: works, seeds, styles, and the soundfont.

``reserved.toml`` lists it.

Everything that makes training material asks here first, so that no training corpus holds a note,
a random choice or a sound of the fixtures.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path, PurePath

from beatmeter.errors import BeatMeterError


class ReservedError(BeatMeterError):
    """Training material that belongs to the fixtures."""


@dataclass(frozen=True)
class Reserved:
    """The works, seeds, soundfonts and styles of the fixtures.

    Attributes
    ----------
    works : mapping of str to str
        Title of the work by score file, relative to the scores folder.
    seeds : range
        Seeds of every random choice behind a fixture.
    soundfonts : tuple of str
        Beginnings of the file names of soundfonts.
    styles : frozenset of str
        Styles of the composer that only fixtures are composed in.
    """

    works: Mapping[str, str]
    seeds: range
    soundfonts: tuple[str, ...]
    styles: frozenset[str] = frozenset()

    @cached_property
    def _work_names(self) -> frozenset[str]:
        """Titles, and files without folder and suffix."""
        stems = frozenset(PurePath(file).stem for file in self.works)
        return stems | frozenset(map(_title, self.works.values()))

    def has_work(self, name: str) -> bool:
        """Whether a score is reserved, by its title or its file, whatever folder it lies in."""
        return _title(name) in self._work_names or PurePath(name).stem in self._work_names

    def has_seed(self, seed: int) -> bool:
        """Whether a seed is reserved."""
        return seed in self.seeds

    def has_soundfont(self, path: str | Path) -> bool:
        """Whether a soundfont is reserved, under its own name or behind a link."""
        return Path(path).resolve().name.startswith(self.soundfonts)

    def refuse_seed(self, seed: int) -> None:
        """Raise :class:`ReservedError` if `seed` is reserved."""
        if self.has_seed(seed):
            raise ReservedError(
                f"seed: {seed} is reserved for the fixtures "
                f"(allowed: outside {self.seeds.start} to {self.seeds.stop - 1})"
            )

    def refuse_soundfont(self, path: str | Path) -> None:
        """Raise :class:`ReservedError` if the soundfont at `path` is reserved."""
        if self.has_soundfont(path):
            raise ReservedError(
                f"soundfont: {path} is reserved for the fixtures (allowed: any other)"
            )


@cache
def reserved() -> Reserved:
    """Read the project's own ``reserved.toml``, once."""
    text = files(__package__).joinpath("reserved.toml").read_text("utf-8")
    content = tomllib.loads(text)
    seeds = content["seeds"]
    return Reserved(
        works=content["works"],
        seeds=range(seeds["first"], seeds["last"] + 1),
        soundfonts=tuple(content["soundfonts"]["names"]),
        styles=frozenset(content["styles"]["names"]),
    )


def _title(work: str) -> str:
    parts = (" ".join(part.split()) for part in work.split("/"))
    return " / ".join(part for part in parts if part)

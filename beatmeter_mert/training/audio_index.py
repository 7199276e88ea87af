"""Finding the audio of a table's clips, in whichever layout a dataset was unpacked.

A table that names ``MAG/00553.wav`` finds its clip as ``MAG/00553.wav`` itself, in another format
or another folder named ``MAG``, flattened as ``audio/MAG_00553.mp3``, and, where only one file of
the dataset is called so, as ``audio/00553.mp3``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from beatmeter.audio.decode import AUDIO_SUFFIXES
from beatmeter.datasets.labels import LabelledClip


@dataclass(frozen=True)
class LabelledFile:
    """A clip and where its audio is."""

    clip: LabelledClip
    path: Path


@dataclass(frozen=True)
class LeftOut:
    """A clip that is not used, and why."""

    filename: str
    reason: str


def find_audio(
    folder: Path, clips: Sequence[LabelledClip]
) -> tuple[list[LabelledFile], list[LeftOut]]:
    """Find the audio files of clips, and the clips that have none.

    Parameters
    ----------
    folder : Path
        The dataset; only files inside it are found.
    clips : sequence of LabelledClip

    Returns
    -------
    files : list of LabelledFile
        In the order of the clips.
    left_out : list of LeftOut
        Clips without a file, with several that could be meant, or sharing one with another clip.
    """
    index = _Index(folder)
    found = [(clip, index.candidates(clip.filename)) for clip in clips]
    claims = Counter(paths[0] for _, paths in found if len(paths) == 1)
    files, left_out = [], []
    for clip, paths in found:
        if not paths:
            left_out.append(LeftOut(clip.filename, "no such file"))
        elif len(paths) > 1:
            names = " or ".join(str(path.relative_to(folder)) for path in paths)
            left_out.append(LeftOut(clip.filename, f"could be {names}"))
        elif claims[paths[0]] > 1:
            name = paths[0].relative_to(folder)
            left_out.append(LeftOut(clip.filename, f"{name} is found for another clip too"))
        else:
            files.append(LabelledFile(clip, paths[0]))
    return files, left_out


class _Index:
    """The audio files of a folder, by every name a table may know them under."""

    def __init__(self, folder: Path) -> None:
        self._by_path: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(_audio_files(folder)):
            relative = PurePosixPath(path.relative_to(folder).as_posix())
            self._by_path[str(relative)] = path
            names = {relative.stem, f"{relative.parent.name}/{relative.stem}"}
            for name in names:
                self._by_name[name.lower()].append(path)

    def candidates(self, filename: str) -> list[Path]:
        """Files that may be meant, from the surest way of naming that finds any."""
        if filename in self._by_path:
            return [self._by_path[filename]]
        wanted = PurePosixPath(filename)
        collection, stem = wanted.parent.name, wanted.stem
        for name in (f"{collection}/{stem}", f"{collection}_{stem}", stem):
            paths = self._by_name.get(name.lower(), [])
            if paths:
                return _one_per_place(paths, wanted.suffix)
        return []


def _audio_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("."):
            yield path


def _one_per_place(paths: list[Path], suffix: str) -> list[Path]:
    """Of files that differ only in their format, the one in the format wanted, or the first."""
    places: dict[Path, Path] = {}
    for path in paths:
        place = path.with_suffix("")
        if place not in places or path.suffix.lower() == suffix.lower():
            places[place] = path
    return list(places.values())

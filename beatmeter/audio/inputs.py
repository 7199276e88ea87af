"""Finding recordings: files, folders and globs, and where their reports belong."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beatmeter.audio.decode import AUDIO_SUFFIXES
from beatmeter.errors import AudioError, ReportError

_SUFFIXES = ", ".join(sorted(AUDIO_SUFFIXES))


@dataclass(frozen=True)
class Found:
    """A recording to analyse.

    Attributes
    ----------
    path : Path
    place : Path
        Relative: where it lies below the folder that was named, or below the folder before the
        first wildcard of a glob; just its name when the file itself was named.
    """

    path: Path
    place: Path


@dataclass(frozen=True)
class Search:
    """What a list of files, folders and globs stands for.

    Attributes
    ----------
    found : tuple of Found
        Each file once, in the order named; folders in alphabetical order.
    problems : tuple of AudioError
        Folders without audio and globs that match nothing.
    batch : bool
        Whether there may be several: False when one name was given and it is no folder or glob,
        or stands for nothing.
    """

    found: tuple[Found, ...]
    problems: tuple[AudioError, ...]
    batch: bool


def search(names: Sequence[str]) -> Search:
    """Find the recordings that files, folders and globs stand for.

    A name that exists is never taken for a glob. Folders are searched in depth for files with an
    audio suffix; hidden ones are left out. A file that does not exist is found all the same: to
    open it is what fails.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    Search
    """
    found: dict[Path, Found] = {}
    problems: list[AudioError] = []
    for name in names:
        try:
            for recording in _stands_for(name):
                found.setdefault(recording.path, recording)
        except AudioError as problem:
            problems.append(problem)
    batch = len(names) > 1 or (not problems and Path(names[0]) not in found)
    return Search(tuple(found.values()), tuple(problems), batch)


def destinations(found: Sequence[Found], folder: str | Path, suffix: str) -> list[Path]:
    """Name one report for each recording, mirroring the folders they were found in.

    Parameters
    ----------
    found : sequence of Found
    folder : str or Path
        Where the reports go.
    suffix : str
        Appended to the recording's whole name: ``a/b.mp3`` becomes ``folder/a/b.mp3.json``.

    Returns
    -------
    list of Path
        As long as `found`.

    Raises
    ------
    ReportError
        If two recordings would share one report.
    """
    owners: dict[Path, Path] = {}
    for recording in found:
        target = Path(folder) / recording.place.with_name(recording.place.name + suffix)
        first = owners.setdefault(target, recording.path)
        if first != recording.path:
            raise ReportError(
                f"{target}: would hold both {first} and {recording.path} "
                "(name the folder above them instead)"
            )
    return list(owners)


def _stands_for(name: str) -> list[Found]:
    path = Path(name)
    try:
        if path.is_dir():
            return _below(path, _audio_files(path), f"{name}: holds no audio ({_SUFFIXES})")
        if glob.has_magic(name) and not path.exists():
            root, pattern = _split_glob(path)
            matches = sorted(match for match in root.glob(pattern) if match.is_file())
            return _below(root, matches, f"{name}: matches no file")
    except OSError as error:
        raise AudioError(f"{name}: cannot be read ({error.strerror})") from error
    return [Found(path, Path(path.name))]


def _below(root: Path, files: Iterable[Path], complaint: str) -> list[Found]:
    found = [Found(file, file.relative_to(root)) for file in files]
    if not found:
        raise AudioError(complaint)
    return found


def _split_glob(path: Path) -> tuple[Path, str]:
    """Split into the folder before the first wildcard, and the rest."""
    first = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
    return Path(*path.parts[:first]), str(Path(*path.parts[first:]))


def _audio_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix.lower() in AUDIO_SUFFIXES and not name.startswith("."):
                yield path

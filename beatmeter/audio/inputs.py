"""Finding recordings: files, folders and globs, and where their reports belong."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from beatmeter._util.atomic import longest_name
from beatmeter.audio.formats import AUDIO_SUFFIXES
from beatmeter.errors import AudioError, ReportError

Problems = dict[Path, AudioError]
"""What stands in the way of a search, by the file or folder concerned."""

_SUFFIXES = ", ".join(sorted(AUDIO_SUFFIXES))
_DIGITS = 10
"""Hexadecimal digits of the hash in a shortened name: enough for no two names to share them."""


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
        Folders without audio, folders that may not be read, and globs that match nothing.
    batch : bool
        Whether there may be several: False when one name was given and it is no folder or glob,
        or stands for nothing.
    """

    found: tuple[Found, ...]
    problems: tuple[AudioError, ...]
    batch: bool


def search(names: Sequence[str]) -> Search:
    """Find the recordings that files, folders and globs stand for.

    A name that exists is never taken for a glob. Folders are searched in depth, through links,
    for files with an audio suffix; hidden ones are left out. A glob matches hidden names only where
    it has the point itself. A file that does not exist is found all the same: to open it is what
    fails.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    Search
    """
    found: dict[Path, Found] = {}
    problems: Problems = {}
    for name in names:
        try:
            for recording in _stands_for(name, problems):
                found.setdefault(recording.path, recording)
        except AudioError as problem:
            problems[Path(name)] = problem
    alone = len(names) == 1 and (Path(names[0]) in found or not found)
    return Search(tuple(found.values()), tuple(problems.values()), batch=not alone)


def audio_files(folder: Path, problems: Problems) -> list[Path]:
    """List the files with an audio suffix in a folder and those below it, hidden ones left out.

    Links to folders are followed. A folder that can be reached on several ways is searched once,
    so a circle of links ends; its files come under the path without links where there is one.

    Parameters
    ----------
    folder : Path
    problems : dict of Path to AudioError
        Takes one for each folder that may not be read.

    Returns
    -------
    list of Path
        Beginning with `folder`; the files of a folder in alphabetical order, then its folders.
    """
    return [
        file
        for files in _tree(folder, problems).values()
        for file in files
        if file.suffix.lower() in AUDIO_SUFFIXES
    ]


def destinations(found: Sequence[Found], folder: str | Path, suffix: str) -> list[Path]:
    """Name one report for each recording, mirroring the folders they were found in.

    Parameters
    ----------
    found : sequence of Found
    folder : str or Path
        Where the reports go.
    suffix : str
        Appended to the recording's whole name: ``a/b.mp3`` becomes ``folder/a/b.mp3.json``. A name
        too long for that is cut, and ends in a hash of the whole.

    Returns
    -------
    list of Path
        As long as `found`.

    Raises
    ------
    ReportError
        If two recordings would share one report.
    """
    longest = longest_name(Path(folder))
    owners: dict[Path, Path] = {}
    for recording in found:
        name = _shortened(recording.place.name, suffix, longest)
        target = Path(folder) / recording.place.with_name(name)
        first = owners.setdefault(target, recording.path)
        if first != recording.path:
            raise ReportError(
                f"{target}: would hold both {first} and {recording.path} "
                "(name the folder above them instead)"
            )
    return list(owners)


def _shortened(name: str, suffix: str, longest: int) -> str:
    if len(os.fsencode(name + suffix)) <= longest:
        return name + suffix
    ending = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:_DIGITS]}{suffix}"
    while len(os.fsencode(name + ending)) > longest:
        name = name[:-1]
    return name + ending


def _stands_for(name: str, problems: Problems) -> list[Found]:
    if not name:  # which Path takes for the working folder
        raise AudioError("'': is no name (allowed: a file, a folder or a glob)")
    path = Path(name)
    known = len(problems)
    try:
        if path.is_dir():
            files, complaint = audio_files(path, problems), f"holds no audio ({_SUFFIXES})"
            found = [Found(file, file.relative_to(path)) for file in files]
        elif glob.has_magic(name) and not path.exists():
            root, pattern = _split_glob(path)
            matches, complaint = set(_matches(root, pattern, problems)), "matches no file"
            found = [Found(file, file.relative_to(root)) for file in sorted(matches)]
        else:
            return [Found(path, Path(path.name))]
    except OSError as error:
        raise AudioError(f"{name}: cannot be read ({error.strerror})") from error
    if not found and len(problems) == known:
        raise AudioError(f"{name}: {complaint}")
    return found


def _split_glob(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Split into the folder before the first wildcard, and the parts of the rest."""
    first = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
    if ".." in path.parts[first:]:  # reports of what it matches would lie above their folder
        raise AudioError(f"{path}: has '..' after a wildcard (allowed: before it)")
    return Path(*path.parts[:first]), path.parts[first:]


def _matches(folder: Path, pattern: tuple[str, ...], problems: Problems) -> Iterator[Path]:
    """The files below a folder that match the parts of a glob; ``**`` is any folders, or none."""
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        for below in _tree(folder, problems):
            yield from _matches(below, rest or ("*",), problems)
        return
    paths = [folder / first]
    if glob.has_magic(first):
        paths = [Path(e) for e in _entries(folder, problems) if _fits(e.name, first)]
    for path in paths:
        if rest and path.is_dir():
            yield from _matches(path, rest, problems)
        elif not rest and path.is_file():
            yield path


def _tree(root: Path, problems: Problems) -> dict[Path, list[Path]]:
    """The folders from `root` down, each once, and the files of each; none of them hidden."""
    files: dict[Path, list[Path]] = {}
    seen: set[tuple[int, int]] = set()
    folders, links = deque([root]), deque[Path]()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        try:
            status = folder.stat()
        except OSError as error:  # gone meanwhile, or in a folder that may be listed, not entered
            problems[folder] = _unreadable(folder, error)
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        files[folder] = []
        for entry in _entries(folder, problems):
            if _is_hidden(entry.name):
                continue
            if not _is_folder(entry):
                files[folder].append(Path(entry))
            else:
                (links if entry.is_symlink() else folders).append(Path(entry))
    return {folder: files[folder] for folder in sorted(files, key=lambda folder: folder.parts)}


def _entries(folder: Path, problems: Problems) -> list[os.DirEntry[str]]:
    """What lies in a folder, in alphabetical order; nothing where it may not be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        problems[folder] = _unreadable(folder, error)
        return []


def _unreadable(folder: Path, error: OSError) -> AudioError:
    return AudioError(f"{folder}: cannot be read ({error.strerror})")


def _fits(name: str, pattern: str) -> bool:
    return fnmatch(name, pattern) and (_is_hidden(pattern) or not _is_hidden(name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False

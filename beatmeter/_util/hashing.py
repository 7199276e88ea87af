"""Hashes of groups of files: of code, of checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

Stamp = tuple[Path, int, int]


def files_below(places: Iterable[Path], *suffixes: str) -> Iterator[Path]:
    """The named files, and those with one of the suffixes below the named folders, sorted.

    Raises
    ------
    FileNotFoundError
        If a place is not there: a hash that passes it over would not change with it.
    """
    for place in places:
        if place.is_file():
            yield place
        elif not place.is_dir():
            raise FileNotFoundError(f"{place}: no such file or folder to hash")
        else:
            yield from sorted(path for path in place.rglob("*") if path.suffix in suffixes)


def hash_files(root: Path, paths: Iterable[Path], seed: str = "") -> str:
    """SHA-256 over the names, relative to `root`, and the contents of files.

    Parameters
    ----------
    paths : iterable of Path
        Below `root`; their order counts.
    seed : str
        What else the hash is to depend on.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(seed.encode())
    for path in paths:
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def hash_named(folder: Path, names: Iterable[str]) -> str:
    """SHA-256 of the named files of a folder, as far as they are there; others do not count.

    They are read again only when the size or the date of one has changed.

    Parameters
    ----------
    names : iterable of str
        Relative to `folder`; their order does not count.
    """
    paths = (folder / name for name in sorted(names))
    return _hash_stamped(folder, tuple(_stamp(path) for path in paths if path.is_file()))


def sha256_of(path: Path) -> str:
    """SHA-256 of what a file holds: 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of what a file holds; it is read again only when its size or date has changed."""
    return _hash_contents(_stamp(path))


@cache
def _hash_contents(stamp: Stamp) -> str:
    return sha256_of(stamp[0])


@cache
def _hash_stamped(folder: Path, stamps: tuple[Stamp, ...]) -> str:
    return hash_files(folder, (path for path, _, _ in stamps))


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return path, status.st_size, status.st_mtime_ns

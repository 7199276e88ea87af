"""Where recordings are listed and parts are kept: local folders, and addresses that fsspec knows.

A part is a Parquet file of :func:`beatmeter.archive.schema.part_schema`. It is named after the
recordings that it holds, so that whoever does its work again writes the same file once more. In a
local folder a part is there whole or not at all, and so it is in an object store, to which it is
sent in one piece.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import Any

from beatmeter._util.atomic import replacing, require_writable
from beatmeter.archive.places import file_system, is_address
from beatmeter.archive.schema import identity, line_of, part_schema
from beatmeter.audio.formats import AUDIO_SUFFIXES
from beatmeter.audio.inputs import search
from beatmeter.errors import ArchiveError

_PREFIX, _SUFFIX, _LINES_SUFFIX = "part-", ".parquet", ".jsonl"
_READERS = 32
"""Parts that are looked into at a time: a store far away answers slowly, but many at once."""
_ALLOWED_SUFFIXES = ", ".join(sorted(AUDIO_SUFFIXES))


class Store:
    """A folder of parts.

    Parameters
    ----------
    place : str
        An absolute path, or an address.

    Raises
    ------
    ArchiveError
        If fsspec does not know the address, or a package for it is missing.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._is_local = not is_address(place)
        self._files, self._root = file_system(place)

    def prepare(self) -> None:
        """Make the folder.

        Raises
        ------
        ArchiveError
            If it cannot be made or written to.
        """
        try:
            self._files.makedirs(self._root, exist_ok=True)
            if self._is_local:
                require_writable(Path(self._root, part_name([])))
        except OSError as error:
            raise self._unwritable(error) from error

    def ids(self) -> set[bytes]:
        """Return the ``id`` of every recording that a part holds.

        Raises
        ------
        ArchiveError
            If a part cannot be read.
        """
        found = self._files.find(self._root, maxdepth=1)  # a glob would read a "[" in its name
        parts = [path for path in found if PurePosixPath(path).match(f"{_PREFIX}*{_SUFFIX}")]
        with ThreadPoolExecutor(_READERS) as readers:
            return set().union(*readers.map(self._ids_of, parts))

    def write(self, name: str, rows: Sequence[Mapping[str, Any]], lines: bool) -> None:
        """Write a part, and the same rows as lines of JSON before it if these are wanted.

        Raises
        ------
        ArchiveError
            If it cannot be written.
        """
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.Table.from_pylist([*rows], part_schema())
        content = io.BytesIO()
        parquet.write_table(table, content, compression="zstd")
        try:
            if lines:
                told = "".join(json.dumps(line_of(row), allow_nan=False) + "\n" for row in rows)
                self._put(name + _LINES_SUFFIX, told.encode("ascii"))
            self._put(name + _SUFFIX, content.getvalue())
        except OSError as error:
            raise self._unwritable(error) from error

    def _put(self, name: str, content: bytes) -> None:
        if self._is_local:
            with replacing(Path(self._root, name)) as partial:
                partial.write_bytes(content)
        else:
            self._files.pipe_file(f"{self._root}/{name}", content)

    def _ids_of(self, part: str) -> list[bytes]:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with self._files.open(part, "rb") as file:
                ids: list[bytes] = parquet.read_table(file, columns=["id"])["id"].to_pylist()
        except (pa.ArrowException, KeyError, OSError) as error:
            raise ArchiveError(
                f"{part}: is no part of an archive ({error}); "
                "without it, its recordings are analysed again"
            ) from error
        return ids

    def _unwritable(self, error: OSError) -> ArchiveError:
        return ArchiveError(f"{self.place}: cannot be written to ({error.strerror or error})")


def part_name(paths: Iterable[str]) -> str:
    """Name the part that holds some recordings, in this order; a suffix is added."""
    told = hashlib.sha256(b"".join(map(identity, paths)))
    return _PREFIX + told.hexdigest()[:32]


def list_recordings(names: Sequence[str], known: set[bytes]) -> tuple[list[str], int, list[str]]:
    """Find the recordings that files, folders, globs and addresses stand for.

    Parameters
    ----------
    names : sequence of str
        Absolute paths, searched as :func:`beatmeter.audio.inputs.search` does, and addresses.
    known : set of bytes
        Recordings that are left out, by ``id``.

    Returns
    -------
    left : list of str
        Paths and addresses, each once.
    total : int
        How many there are with the known ones.
    problems : list of str
        Why a name, or a folder below it, stands for nothing; one line each.
    """
    wanted = search([name for name in names if not is_address(name)])
    found = dict.fromkeys(str(recording.path) for recording in wanted.found)
    problems = [str(problem) for problem in wanted.problems]
    for name in filter(is_address, names):
        try:
            found.update(dict.fromkeys(_behind(name)))
        except ArchiveError as problem:
            problems.append(str(problem))
    left = [path for path in found if identity(path) not in known] if known else [*found]
    return left, len(found), problems


def _behind(address: str) -> list[str]:
    """The addresses of the recordings in a folder, in depth, of a glob, or of one file."""
    files, root = file_system(address)
    try:
        if files.isfile(root):
            return [address]
        if has_magic(root):
            found = [path for path in files.glob(root) if files.isfile(path)]
        else:
            found = [path for path in files.find(root) if _is_recording(path, root)]
    except OSError as error:
        raise ArchiveError(f"{address}: cannot be read ({error.strerror or error})") from error
    if not found:
        raise ArchiveError(f"{address}: holds no audio ({_ALLOWED_SUFFIXES})")
    return [files.unstrip_protocol(path) for path in sorted(found)]


def _is_recording(path: str, root: str) -> bool:
    """Whether a file has an audio suffix, and neither it nor a folder above it is hidden."""
    place = PurePosixPath(path.removeprefix(root))
    hidden = any(part.startswith(".") for part in place.parts)
    return not hidden and place.suffix.lower() in AUDIO_SUFFIXES

"""Recordings dropped on the page: streamed to the disk, bounded in size and number."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from beatmeter._util.atomic import PART, longest_name
from beatmeter.audio.formats import AUDIO_SUFFIXES
from beatmeter.errors import BeatMeterError

FOLDER = "dropped"
"""Below the folder that is served."""

AT_ONCE = 4
"""Uploads that are written at a time; the next ones wait their turn."""
MOST_WAITING = 32
"""Uploads that may wait; what comes on top is refused."""
MOST_FILES = 10_000
"""Dropped recordings that a folder may hold."""

_PATIENCE_S = 30.0  # without a byte, after which an upload is given up
_SPARE_BYTES = 2**30  # that an upload must leave on the disk
_MOST_NUMBERED = 1000  # copies of one name
_SUFFIX_BYTES = 16  # room for a number before the suffix


class UploadError(BeatMeterError):
    """An upload that is refused.

    Parameters
    ----------
    status : int
        Of HTTP.
    """

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class Uploads:
    """Takes uploads into one folder.

    Parameters
    ----------
    folder : Path
        Made when the first upload comes.
    most_bytes : int
        Of one upload.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._under_way = 0

    async def take(self, name: str, length: str | None, chunks: AsyncIterator[bytes]) -> Path:
        """Write one upload.

        Parameters
        ----------
        name : str
            As the sender calls the file.
        length : str or None
            What the sender says of its length; the stream is counted all the same.

        Returns
        -------
        Path
            The file, under its own name or that name with a number.

        Raises
        ------
        UploadError
            If it is refused, or breaks off.
        OSError
            If it cannot be written.
        """
        name = safe_name(name, longest_name(self.folder))
        self._check_length(length)
        if self._under_way >= AT_ONCE + MOST_WAITING:
            raise UploadError(503, f"uploads: too many at once (allowed: {AT_ONCE + MOST_WAITING})")
        self._under_way += 1
        try:
            async with self._turns:
                return await self._write(name, chunks)
        finally:
            self._under_way -= 1

    def _check_length(self, length: str | None) -> None:
        if length is None:
            return
        if not (length.isascii() and length.isdigit()):
            raise UploadError(400, "Content-Length: (allowed: a number of bytes)")
        if len(length) > len(str(self.most_bytes)) or int(length) > self.most_bytes:
            raise self._too_large()

    def _too_large(self) -> UploadError:
        return UploadError(413, f"upload: too large (allowed: {self.most_bytes / 1e6:.0f} MB)")

    async def _write(self, name: str, chunks: AsyncIterator[bytes]) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.folder.is_symlink():
            raise UploadError(403, f"{self.folder}: is a link (allowed: a folder)")
        with os.scandir(self.folder) as entries:
            if sum(1 for _ in entries) >= MOST_FILES:
                raise UploadError(507, f"{self.folder}: is full (allowed: {MOST_FILES} files)")
        partial = self.folder / f".{os.urandom(12).hex()}{PART}"
        try:
            with partial.open("xb") as file:
                size = 0
                async for chunk in _patiently(chunks):
                    size += len(chunk)
                    if size > self.most_bytes:
                        raise self._too_large()
                    if shutil.disk_usage(self.folder).free < _SPARE_BYTES:
                        raise UploadError(507, "upload: the disk is full (allowed: 1 GB spare)")
                    file.write(chunk)
            if size == 0:
                raise UploadError(400, f"{name}: is empty (allowed: a recording)")
            return _give_name(partial, self.folder / name)
        finally:
            partial.unlink(missing_ok=True)


def safe_name(name: str, longest: int) -> str:
    """The name of a file as it may stand in the folder: no path, not hidden, an audio suffix.

    Parameters
    ----------
    longest : int
        Bytes that a name may have.

    Raises
    ------
    UploadError
        If there is no such name.
    """
    base = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())
    base = base.strip(" .")
    suffix = Path(base).suffix
    if suffix.lower() not in AUDIO_SUFFIXES:
        raise UploadError(415, f"{name[:80]!r}: (allowed: a name that ends as sound does, .flac)")
    stem = base.removesuffix(suffix)
    while len(os.fsencode(stem + suffix)) > longest - _SUFFIX_BYTES:
        stem = stem[:-1]
    if not stem:
        raise UploadError(400, f"{name[:80]!r}: has no name (allowed: such as song.flac)")
    return stem + suffix


async def _patiently(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks; whoever sends none for long, or goes away, is given up."""
    from starlette.requests import ClientDisconnect

    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks), _PATIENCE_S)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadError(408, "upload: nothing came for 30 s (allowed: no pause)") from error
        except ClientDisconnect as error:
            raise UploadError(400, "upload: broke off (allowed: the whole file)") from error
        yield chunk


def _give_name(partial: Path, target: Path) -> Path:
    """Name a finished file, with a number where the name is taken; nothing is written over."""
    for number in range(1, _MOST_NUMBERED):
        ending = f" ({number})" if number > 1 else ""
        named = target.with_name(f"{target.stem}{ending}{target.suffix}")
        try:
            os.link(partial, named)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if os.path.lexists(named):
                continue
            partial.rename(named)
        return named
    raise UploadError(409, f"{target.name}: is there often enough (allowed: another name)")

"""Embeddings on the disk, so that a recording heard before costs nothing.

Every entry is a file of its own: a SHA-256 digest, then an array in numpy's format. Entries are
written whole or not at all, verified when read, thrown away when damaged; when the folder grows
over its limit, those that were not used for longest go. Any number of processes may share it.
"""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beatmeter._util.atomic import replacing

Embeddings = npt.NDArray[np.float32]

_DIGEST_BYTES = 32
_SUFFIX = ".embedding"
_KEPT_SHARE = 0.9


class EmbeddingCache:
    """A folder of embeddings, bounded in size.

    Parameters
    ----------
    folder : Path
        Made when the first entry is written.
    limit_bytes : int >= 0
        Size above which old entries are thrown away; 0 keeps none.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes

    def get(self, key: str) -> Embeddings | None:
        """Return the entry of that key, or None if there is none or it is damaged."""
        path = self._path(key)
        with suppress(OSError):
            embeddings = _decode(path.read_bytes())
            if embeddings is None:
                path.unlink(missing_ok=True)
            else:
                os.utime(path)
            return embeddings
        return None

    def put(self, key: str, embeddings: Embeddings) -> None:
        """Keep an entry; a disk that is full or read-only is no error, the entry is not kept."""
        content = _encode(embeddings)
        if len(content) > self.limit_bytes:
            return
        with suppress(OSError):
            with replacing(self._path(key)) as partial:
                partial.write_bytes(content)
            self._make_room()

    def _path(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + _SUFFIX)

    def _make_room(self) -> None:
        entries = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            with suppress(FileNotFoundError):
                status = path.stat()
                entries.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in entries)
        if total <= self.limit_bytes:
            return
        for _, size, path in sorted(entries):
            path.unlink(missing_ok=True)
            total -= size
            if total <= _KEPT_SHARE * self.limit_bytes:
                return


def _encode(embeddings: Embeddings) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, embeddings, allow_pickle=False)
    content = buffer.getvalue()
    return hashlib.sha256(content).digest() + content


def _decode(entry: bytes) -> Embeddings | None:
    digest, content = entry[:_DIGEST_BYTES], entry[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        return None
    embeddings: Embeddings = np.load(io.BytesIO(content), allow_pickle=False)
    return embeddings

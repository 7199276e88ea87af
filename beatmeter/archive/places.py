"""Places where archives lie: local paths, and addresses that fsspec knows, such as ``s3://``."""

from __future__ import annotations

import re
from typing import Any

from beatmeter.errors import ArchiveError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*(::[a-z][a-z0-9+.-]*)*://", re.IGNORECASE)


def is_address(name: str) -> bool:
    """Whether a name is an address, such as ``s3://bucket/folder``, and no local path."""
    return _ADDRESS.match(name) is not None


def file_system(place: str) -> tuple[Any, str]:
    """Find what fsspec has for a path or an address, and the name of the place there.

    Raises
    ------
    ArchiveError
        If fsspec does not know the address, or a package for it is missing.
    """
    from fsspec.core import url_to_fs
    from fsspec.implementations.local import LocalFileSystem

    if not is_address(place):
        return LocalFileSystem(), place.rstrip("/") or "/"
    try:
        files, root = url_to_fs(place)
    except (ImportError, ValueError, OSError) as error:
        raise ArchiveError(f"{place}: {error}") from error
    return files, root.rstrip("/")

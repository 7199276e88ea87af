"""Folders of the user, of whom the system need not know a home."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def home() -> Path:
    """The user's home; the root folder for one with neither ``HOME`` nor a passwd entry."""
    found = expanded("~")
    return found if found.is_absolute() else Path("/")


def expanded(name: str) -> Path:
    """A path whose ``~`` or ``~user`` stands for a home; as it is where that is not known."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path.expanduser raises instead


def data_folder() -> Path:
    """Where what the user made is kept; it need not be there.

    That of a user without a home is below the root folder, where only the administrator writes.
    """
    import platformdirs

    if not _is_known("XDG_DATA_HOME"):
        return home() / ".local/share/beatmeter"
    return platformdirs.user_data_path("beatmeter")


def cache_folder() -> Path:
    """Where what can be made again is kept; it need not be there.

    Raises
    ------
    FileNotFoundError
        If the user has no home and names no other place.
    """
    import pooch

    if not _is_known("XDG_CACHE_HOME"):
        wanted = "there is no home folder (set HOME or XDG_CACHE_HOME)"
        raise FileNotFoundError(errno.ENOENT, wanted, "~")
    return Path(pooch.os_cache("beatmeter"))


def _is_known(variable: str) -> bool:
    """Whether there is a home, or the variable names a folder instead of one below it."""
    return bool(os.environ.get(variable)) or expanded("~").is_absolute()

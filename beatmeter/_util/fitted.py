"""What was fitted: weights, calibrations, gate records.

What ships lies in ``beatmeter/fitted`` and is only read. What a user fits, tunes or measures lies
in the user's data folder under the same names, and comes first. The environment variable
``BEATMETER_DATA`` names another data folder, a relative one below the working folder.
"""

from __future__ import annotations

import hashlib
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from beatmeter._util.folders import data_folder, expanded

SHIPPED = Path(str(files("beatmeter"))) / "fitted"
DATA_VARIABLE = "BEATMETER_DATA"


def user_path(name: str) -> Path:
    """Where the user's own file or folder of that name lies, whether or not it is there."""
    named = os.environ.get(DATA_VARIABLE)
    return (expanded(named).absolute() if named else data_folder()) / name


def find_fitted(name: str) -> Path:
    """The user's own file of that name, else the one that ships, whether or not it is there."""
    own = user_path(name)
    return own if own.is_file() else SHIPPED / name


def fitted_files(folder: str) -> list[Path]:
    """The JSON files of a folder, by name: the user's, and what ships beside them."""
    found = {path.name: path for path in SHIPPED.joinpath(folder).glob("*.json")}
    found |= {path.name: path for path in user_path(folder).glob("*.json")}
    return [found[name] for name in sorted(found)]


def hash_fitted(folder: str, seed: str = "") -> str:
    """SHA-256 over names and contents of the files of a folder that are in force."""
    digest = hashlib.sha256(seed.encode())
    for path in fitted_files(folder):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def rounded(value: Any, digits: int) -> Any:
    """Numbers, within lists and dictionaries too, to so many significant digits, as floats."""
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return float(f"{value:.{digits}g}")


def is_own(path: Path) -> bool:
    """Whether a fitted file is the user's own."""
    return not path.is_relative_to(SHIPPED)

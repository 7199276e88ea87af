"""What a user can mend, told in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from beatmeter._util.text import escape_control
from beatmeter.errors import BeatMeterError

USER_ERROR = 2
_OURS = ("beatmeter", "beatmeter_mert")
EXTRAS = {
    "jams": ("jams",),
    "beatnet": ("BeatNet", "madmom_infer"),
    "ray": ("ray",),
    "train": (
        "accelerate",
        "audiomentations",
        "filelock",
        "huggingface_hub",
        "librosa",
        "mido",
        "mir_eval",
        "partitura",
        "peft",
        "requests",
        "safetensors",
        "sklearn",
        "tensorboard",
        "torch",
        "transformers",
        "yt_dlp",
    ),
}
"""Packages, as they are imported, by the extra that installs them."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with one line and exit code 2 when the block meets what a user can mend.

    That is every :class:`~beatmeter.errors.BeatMeterError`, a package that is not installed, and a
    file or folder that the system does not let us use. Defects pass with their traceback.
    """
    try:
        yield
    except BeatMeterError as error:
        _end(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in _OURS:
            raise
        _end(f"needs the package {package}{_how_to_install(package)}")
    except OSError as error:
        _end(_reason(error))


def _how_to_install(package: str) -> str:
    extras = [extra for extra, packages in EXTRAS.items() if package in packages]
    return f": pip install 'beatmeter[{extras[0]}]'" if extras else ", which is not installed"


def _reason(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return f"{type(error).__name__}: {error}"
    return f"{error.filename}: {error.strerror}"


def _end(line: str) -> NoReturn:
    click.echo(f"beatmeter: {escape_control(line)}", err=True)
    sys.exit(USER_ERROR)

"""Soundfonts: the sampled instruments that scores are played on.

Different files may hold the same recordings. Notes rendered from two files were compared by
cross-correlation: MuseScore_General shares all its drums and most of its instruments with Fluid,
and csound's sf_GMbank with TimGM6mb. Files of one *material* count as one when training and
fixtures are kept apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from beatmeter._util.folders import cache_folder, home
from beatmeter._util.memo import code_hash
from beatmeter.corpora.perform.synthetic_soundfont import write_synthetic_soundfont
from beatmeter.corpora.reserved import reserved
from beatmeter.errors import DatasetError

SUFFIXES = (".sf2", ".sf3")

_MADE_UP_SEEDS = range(4)
"""Of the soundfonts that are made up where the system has none."""

SYNTHETIC = "synthetic"
"""Material of the soundfonts of :mod:`~beatmeter.corpora.perform.synthetic_soundfont`."""


@dataclass(frozen=True)
class Soundfont:
    """One soundfont file.

    Attributes
    ----------
    path : Path
        The file itself, links resolved.
    material : str
        Names the recordings in it; files of one material sound alike.
    licence : str
        ``unknown`` for files that the project does not know.
    is_kit : bool
        Whether it holds a single drum kit, laid out by AVL Drumkits, and no General MIDI.
    """

    path: Path
    material: str
    licence: str
    is_kit: bool

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


@dataclass(frozen=True)
class _Known:
    stem: str
    material: str
    licence: str
    is_kit: bool = False


_KNOWN = (
    _Known("FluidR3", "fluid", "MIT"),
    _Known("MuseScore_General", "fluid", "MIT"),
    _Known("TimGM6mb", "gmbank", "GPL-2.0"),
    _Known("sf_GMbank", "gmbank", "public domain"),
    _Known("OPL-3_FM_128M", "opl3", "CC BY-SA 4.0"),
    _Known("synthetic", SYNTHETIC, "CC0"),
    _Known("Black_Pearl_4", "black-pearl", "CC BY-SA 3.0", is_kit=True),
    _Known("Red_Zeppelin_4", "red-zeppelin", "CC BY-SA 3.0", is_kit=True),
)


def system_folders() -> tuple[Path, ...]:
    """Where the system and the user keep soundfonts."""
    kinds = ("sounds/sf2", "sounds/sf3", "soundfonts")
    shares = (Path("/usr/share"), home() / ".local/share")
    return tuple(share / kind for share in shares for kind in kinds)


def find_soundfonts(folders: Iterable[Path] | None = None) -> list[Soundfont]:
    """List the soundfonts in `folders` (the system's if None), each once, ordered by name."""
    searched = system_folders() if folders is None else tuple(folders)
    files = {
        entry.resolve()
        for folder in searched
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.suffix.lower() in SUFFIXES and entry.is_file()
    }
    return [_describe(path) for path in sorted(files, key=lambda path: path.name)]


def open_soundfont(path: str | Path) -> Soundfont:
    """Open a soundfont that the user names.

    Raises
    ------
    DatasetError
        If there is no such file, or it is no soundfont.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise DatasetError(f"soundfont: {path}: cannot be read ({error.strerror})") from error
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise DatasetError(f"soundfont: {path}: not a soundfont (allowed: .sf2 and .sf3 files)")
    return _describe(path.resolve())


def fingerprint(soundfont: Soundfont) -> str:
    """Hash the file with SHA-256: in hexadecimal."""
    with soundfont.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def training_soundfonts() -> tuple[Path, ...]:
    """The soundfonts that corpora are played on unless the user names others.

    Those of the system that are not kept for the fixtures, else made-up ones.
    """
    found = tuple(
        soundfont.path
        for soundfont in find_soundfonts()
        if not reserved().has_soundfont(soundfont.path)
    )
    return found or _made_up()


def _made_up() -> tuple[Path, ...]:
    """Each is made once: a folder of the user's cache holds those of one state of the code."""
    made_by = code_hash("corpora/perform/synthetic_soundfont.py", "corpora/random.py")
    folder = cache_folder() / "soundfonts" / made_by
    paths = tuple(folder / f"{SYNTHETIC}-{seed}.sf2" for seed in _MADE_UP_SEEDS)
    for seed, path in zip(_MADE_UP_SEEDS, paths, strict=True):
        if not path.is_file():
            write_synthetic_soundfont(path, seed)
    return paths


def _describe(path: Path) -> Soundfont:
    for known in _KNOWN:
        if path.stem.startswith(known.stem):
            return Soundfont(path, known.material, known.licence, known.is_kit)
    return Soundfont(path, path.stem, "unknown", is_kit=False)

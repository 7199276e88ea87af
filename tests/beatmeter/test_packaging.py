"""What the wheel holds besides code."""

from __future__ import annotations

import tomllib
from glob import glob
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PATTERNS = PROJECT["tool"]["setuptools"]["package-data"]


@pytest.mark.parametrize("package", PATTERNS)
def test_every_file_that_is_no_code_is_packed(package):
    folder = ROOT / package
    there = {
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and not path.name.startswith(".")
    }
    packed = {
        folder / name
        for pattern in PATTERNS[package]
        for name in glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207 - as setuptools
    }
    assert packed == there

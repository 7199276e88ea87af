"""The plugin of the manual, installed and run as a user's would be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

MANUAL = Path(__file__).parents[2] / "docs" / "plugins.md"


def block(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    return code


@pytest.fixture
def installed(tmp_path) -> Path:
    """A folder holding what ``pip install --target`` leaves there."""
    project = tomllib.loads(block("toml"))
    name, version = project["project"]["name"], project["project"]["version"]
    (module,) = project["tool"]["setuptools"]["py-modules"]
    (tmp_path / f"{module}.py").write_text(block("python"))
    info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["project"]["entry-points"]["beatmeter"].items()
    lines = [f"{point} = {target}\n" for point, target in points]
    (info / "entry_points.txt").write_text("[beatmeter]\n" + "".join(lines))
    return tmp_path


def beatmeter(installed: Path, *arguments: str, **environment: str) -> str:
    program = "import sys; from beatmeter.cli import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return result.stdout


def test_it_is_listed_with_version_and_hooks(installed):
    line = next(li for li in beatmeter(installed, "plugins").splitlines() if li.startswith("echo"))
    assert line.split() == ["echo", "1.0", "loaded", "beatmeter_commands,", "beatmeter_signals"]
    line = next(li for li in beatmeter(installed, "signals").splitlines() if li.startswith("echo"))
    assert line.split() == ["echo", "echo", "1.0", "0.00", "ready"]


def test_its_command_is_there_and_goes_when_it_is_disabled(installed):
    assert "the tempo that the echo signal counts in" in beatmeter(installed, "--help")
    disabled = beatmeter(installed, "--help", BEATMETER_DISABLE_PLUGINS="echo")
    assert "the echo signal" not in disabled


def test_its_signal_hears_a_bar_of_five(installed, monkeypatch):
    monkeypatch.syspath_prepend(str(installed))
    import beatmeter_echo

    from beatmeter import Abstain, Rhythm

    rng = np.random.default_rng(0)
    clicks = np.zeros(22050 * 24)
    for beat in range(48):
        for offset in (0, 5512) if beat % 5 == 0 else (0,):
            start = beat * 11025 + offset
            clicks[start : start + 400] = rng.uniform(-1, 1, 400)
    signal = beatmeter_echo.Echo()
    assert signal.score(Rhythm(clicks, 22050)).best == 5
    with pytest.raises(Abstain, match="too few bars"):
        signal.score(Rhythm(clicks[: 22050 * 5], 22050))

"""What is imported, and when: a command line that starts at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "peft", "librosa", "numba", "scipy", "sklearn", "matplotlib")
HELP = """
import sys
from beatmeter.cli import main
sys.argv = ["beatmeter", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
"""


def imported_by(program: str, *arguments: str) -> set[str]:
    """Top-level packages that a fresh Python holds after a program."""
    report = "\nimport sys\nprint('|', *{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", program + report, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stdout.rpartition("|")[2].split())


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "beatmeter", "analyze", "missing.wav"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, "beatmeter: missing.wav: no such file\n")


def test_import_beatmeter_imports_nothing_heavy():
    modules = imported_by("import beatmeter")
    assert "beatmeter" in modules
    assert not modules & {*HEAVY, "numpy", "rich", "beatmeter_mert"}


def test_beatmeter_itself_never_imports_its_mert_plugin_or_torch():
    modules = imported_by(
        "import os; os.environ['BEATMETER_DISABLE_PLUGINS'] = 'all'\n"
        "import beatmeter; beatmeter.analyze; beatmeter.Rhythm; beatmeter.METERS"
    )
    assert "numpy" in modules
    assert not modules & {"torch", "transformers", "peft", "beatmeter_mert"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["analyze", "--help"], ["plugins"], ["signals"]]
)
def test_the_command_line_starts_light(arguments):
    assert not imported_by(HELP, *arguments) & set(HEAVY)

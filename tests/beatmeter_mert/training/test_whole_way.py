"""From rendered music to the ensemble, by the commands a user types."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from beatmeter.cli import cli
from beatmeter.datasets.folder import read_splits
from beatmeter.fusion.weights import load_weights
from beatmeter_mert.cli import mert
from beatmeter_mert.diagnostics.results import read_predictions
from beatmeter_mert.settings import CHECKPOINT_VARIABLE
from beatmeter_mert.training.curve import read_curve
from beatmeter_mert.training.finetune.trainer import last_complete_checkpoint

BEATMETER = Path(sys.executable).with_name("beatmeter")
RECORDING = Path(__file__).parents[3] / "docs" / "demo" / "escape-from-chaosland.opus"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def kill_after_an_epoch(arguments, folder):
    """Start a command, and kill it as soon as its first checkpoint is whole."""
    command = [str(BEATMETER), "mert", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    while last_complete_checkpoint(folder) is None and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()


def test_from_rendered_music_to_the_ensemble(
    small_soundfont_path, tiny_mert, tmp_path, monkeypatch
):
    data, folder = tmp_path / "data", tmp_path / "run"
    rendering = ("--clips", 24, "--seconds", 4, "--split", 0.6, 0.2, 0.2)
    run(mert, "corpus", "render", "--soundfont", small_soundfont_path, *rendering, "--out", data)
    splits = read_splits(data)
    assert {m for file in splits["train"].files for m in file.clip.meters} == {3, 4, 5, 7, 9, 11}

    training = ("finetune", "--data-dir", data, "--model", tiny_mert, "--out", folder)
    training += ("--limit", 3, "--epochs", 3, "--chunk-seconds", 1, "--batch-size", 4)
    training += ("--grad-accum", 1, "--device", "cpu", "workers=0")
    kill_after_an_epoch(training, folder)
    assert "3 epochs, best balanced accuracy" in run(mert, *training, "--resume")
    epochs = [row["epoch"] for row in read_curve(folder) if row["of"] == "val"]
    assert epochs == [1, 2, 3]

    model = folder / "model"
    assert (model / "adapter_model.safetensors").is_file()
    on_data = (model, "--data-dir", data, "--device", "cpu")
    run(mert, "evaluate", *on_data, "--out", tmp_path / "evaluation")
    _, predictions = read_predictions(tmp_path / "evaluation" / "evaluation.json")
    assert len(predictions.names) == len(splits["test"].files)
    assert (tmp_path / "evaluation" / "evaluation.html").is_file()
    _, *by_meter = run(mert, "calibrate", *on_data, "--split", "all").splitlines()
    clips = [file.clip for split in splits.values() for file in split.files]
    assert sum(int(line.split()[3]) for line in by_meter) == sum(len(c.meters) == 1 for c in clips)

    voting = load_weights().with_signals({"mert": 0.3})
    monkeypatch.setattr("beatmeter.fusion.effective.load_weights", lambda: voting)
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(model))  # no gate record is of this one
    output = json.loads(run(cli, "analyze", "--json", "--signals", "all", RECORDING))["signals"][
        "mert"
    ]
    assert output["weight"] == 0.0
    assert all(0 < score < 1 for score in output["scores"].values())

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from beatmeter.errors import DatasetError
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model import MertMeterClassifier
from beatmeter_mert.model.backbone import hidden_states, round_to_half
from beatmeter_mert.model.pooling import pool_time
from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.training.curve import read_curve
from beatmeter_mert.training.distillation.backbone import preprocessing_of
from beatmeter_mert.training.distillation.command import pretrain
from beatmeter_mert.training.distillation.dataset import read_rendered, spread_over_families
from beatmeter_mert.training.distillation.run import distill
from beatmeter_mert.training.distillation.settings import DistillationSettings
from beatmeter_mert.training.distillation.student import Student
from beatmeter_mert.training.distillation.train import TrainState
from beatmeter_mert.training.export import export
from beatmeter_mert.training.settings import SettingsError, read_settings, to_json


def weights_of(folder):
    files = sorted(folder.glob("model/**/*.safetensors"))
    return {f"{file.name} {n}": t for file in files for n, t in load_file(file).items()}


def test_a_run_leaves_a_classifier_its_figures_and_its_curve(tiny_settings, tmp_path):
    figures = distill(tiny_settings(), tmp_path)
    assert set(figures) == {"val", "odd", "plain"}
    assert figures["val"]["clips"] == figures["odd"]["clips"] + figures["plain"]["clips"]
    rows = read_curve(tmp_path)
    kinds = [row["of"] for row in rows]
    assert kinds == ["teacher-1"] * 3 + ["teacher-2"] * 3 + ["student"] * 3 + list(figures)
    assert [row["step"] for row in rows] == [1, 2, 3] * 3 + [3] * 3
    model = MertMeterClassifier.from_pretrained(tmp_path / "model", device="cpu", dtype="float32")
    card = {name: row["balanced_accuracy"] for name, row in model.config.evaluation.items()}
    assert card == {name: row["balanced_accuracy"] for name, row in figures.items()}
    backbone = tmp_path / "model" / "backbone"
    dtypes = {tensor.dtype for tensor in load_file(backbone / "model.safetensors").values()}
    assert dtypes == {torch.float16}
    assert MertMeterClassifier.from_backbone(str(backbone)).config.max_layer == 2


@pytest.mark.parametrize("after", [2, 8])
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(
    tiny_settings, tmp_path, monkeypatch, after
):
    whole = distill(tiny_settings(), tmp_path / "whole")
    settings = replace(tiny_settings(), save_steps=1)
    taken = []
    take_step = TrainState.take_step

    def killed(state, loss):
        if len(taken) == after:
            raise SystemExit
        taken.append(loss)
        take_step(state, loss)

    monkeypatch.setattr(TrainState, "take_step", killed)
    with pytest.raises(SystemExit):
        distill(settings, tmp_path / "cut")
    after = None
    torch.manual_seed(99)
    assert distill(settings, tmp_path / "cut") == whole
    assert len(taken) == 9
    one, other = (weights_of(tmp_path / name) for name in ("whole", "cut"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert read_curve(tmp_path / "whole") == read_curve(tmp_path / "cut")


def test_a_run_learns(tiny_settings, tmp_path):
    settings = tiny_settings(
        steps=150, batch_size=16, learning_rate=1e-2, augment={"speed": 0.0}, log_steps=30
    )
    distill(settings, tmp_path)
    for name in ("teacher-1", "student"):
        first, *_, last = [row["loss"] for row in read_curve(tmp_path) if row["of"] == name]
        assert last < 0.9 * first


def test_what_is_left_out_is_evaluated_by_itself(tiny_settings, tmp_path):
    figures = distill(tiny_settings(leave_out=["odd"]), tmp_path)
    assert set(figures) == {"val", "left_out", "plain", "odd"}
    assert figures["left_out"] == figures["odd"]
    assert figures["val"] == figures["plain"]
    with pytest.raises(DatasetError, match="leaves nothing"):
        distill(tiny_settings(leave_out=["odd", "plain"]), tmp_path / "nothing")


def test_datasets_may_name_their_clips_alike(tiny_settings, click_dataset, tmp_path):
    other = shutil.copytree(click_dataset, tmp_path / "other")
    alone = distill(tiny_settings(), tmp_path / "alone")
    both = distill(tiny_settings(data_dir=[str(click_dataset), str(other)]), tmp_path / "both")
    assert both["val"]["clips"] == alone["val"]["clips"]


def test_clips_of_each_family_are_spread_over_the_dataset(click_dataset):
    clips = read_rendered([click_dataset], "val")
    assert len(spread_over_families(clips, 1000)) == len(clips)
    few = spread_over_families(clips, 2)
    assert [clip.labels.family for clip in few].count("odd") == 2
    assert len(few) == 4


def test_a_run_with_other_settings_is_refused(tiny_settings, tmp_path):
    distill(tiny_settings(), tmp_path)
    with pytest.raises(SettingsError, match="seed = 0, not 1"):
        distill(tiny_settings(seed=1), tmp_path)


def test_foreign_folders_and_data_that_was_not_rendered_are_refused(tiny_settings, tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(DatasetError, match="not empty"):
        distill(tiny_settings(), tmp_path)
    with pytest.raises(DatasetError, match=str(tmp_path)):
        distill(tiny_settings(data_dir=[str(tmp_path)]), tmp_path / "run")


def test_what_the_classifier_could_not_be_given_is_refused_first(tiny_settings, tmp_path):
    settings = tiny_settings(chunk_seconds=1.0)
    with pytest.raises(CheckpointError, match=r"chunk_seconds: 1\.0 \(allowed: "):
        distill(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_export_is_a_classifier_that_answers_as_the_student(tiny_settings, tmp_path, clicks):
    torch.manual_seed(0)
    student = Student(tiny_settings()).eval()
    audio = preprocessing_of(tiny_settings())
    export(tmp_path, student.backbone, student.head, audio, licence="mit", note="Not trained.")
    model = MertMeterClassifier.from_pretrained(tmp_path, device="cpu", dtype="float32")
    samples = clicks(5, seconds=2.8).samples
    round_to_half(student.backbone)
    with torch.inference_mode():
        states = hidden_states(student.backbone, z_score(torch.from_numpy(samples)[None]))
        pooled = torch.stack([pool_time(state) for state in states], dim=1)
        expected = student.head(pooled)[0].sigmoid()
    said = list(model.predict(samples, 24_000).probabilities.values())
    np.testing.assert_allclose(said, expected.numpy(), atol=1e-5)


def test_the_command_takes_files_flags_and_pairs(tiny_settings, tmp_path):
    backbone = to_json(tiny_settings())["backbone"]
    rows = "\n".join(f"{key} = {value}" for key, value in backbone.items())
    file = tmp_path / "tiny.toml"
    file.write_text(f"chunk_seconds = 2.8\nviews = 1\nbatch_size = 4\n[backbone]\n{rows}\n")
    (data,) = tiny_settings().data_dir
    arguments = [f"--data-dir={data}", f"--out={tmp_path / 'out'}", f"--config={file}"]
    arguments += ["--steps=1", "--eval-clips=1", "augment.gap=0", "device=cpu", "lag_shift=3"]
    result = CliRunner().invoke(pretrain, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "odd: balanced accuracy" in result.stdout
    told = " ".join(CliRunner().invoke(pretrain, ["--help"]).stdout.split())
    assert "augment.gap Probability of a short silence. [default: 0.1, within [0, 1]]" in told


def test_the_embedded_checkpoint_is_made_by_the_defaults():
    file = Path(__file__).parents[4] / "docs" / "embedded.toml"
    assert read_settings(DistillationSettings, file) == DistillationSettings()

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from beatmeter.errors import DatasetError
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model import MertMeterClassifier
from beatmeter_mert.model.backbone import round_to_half
from beatmeter_mert.training.curve import read_curve
from beatmeter_mert.training.distillation import run
from beatmeter_mert.training.distillation.command import pretrain as command
from beatmeter_mert.training.distillation.examples import Cutter
from beatmeter_mert.training.distillation.network import PretrainNetwork, losses
from beatmeter_mert.training.distillation.state import CHECKPOINT, TrainingState
from beatmeter_mert.training.settings_file import SettingsError


def without_speed(curve):
    return [{k: v for k, v in row.items() if k != "clips_per_s"} for row in curve]


def kill_at(monkeypatch, step):
    take_step = run._take_step

    def killed(state, *args):
        if state.step == step:
            raise SystemExit
        return take_step(state, *args)

    monkeypatch.setattr(run, "_take_step", killed)


def test_a_killed_run_goes_on_bit_for_bit(click_dataset, tmp_path, tiny_settings, monkeypatch):
    whole = run.pretrain([click_dataset], tmp_path / "whole", tiny_settings())
    with monkeypatch.context() as patch:
        kill_at(patch, 4)
        with pytest.raises(SystemExit):
            run.pretrain([click_dataset], tmp_path / "killed", tiny_settings())
    torch.manual_seed(99)
    resumed = run.pretrain([click_dataset], tmp_path / "killed", tiny_settings())
    for one, other in zip(
        whole.average.state_dict().values(), resumed.average.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)
    curves = [without_speed(read_curve(tmp_path / name)) for name in ("whole", "killed")]
    assert curves[0] == curves[1]
    assert {row["of"] for row in curves[0]} == {"train", "val", "plain", "odd"}


def test_the_export_is_a_classifier_that_answers_as_the_network(
    click_dataset, tmp_path, tiny_settings, clicks
):
    state = run.pretrain([click_dataset], tmp_path, tiny_settings(steps=2))
    model = MertMeterClassifier.from_pretrained(tmp_path / "model", device="cpu", dtype="float32")
    samples = clicks(5).samples[:48_000]
    round_to_half(state.averaged.backbone)
    with torch.inference_mode():
        logits = state.averaged.eval()(torch.from_numpy(samples)[None]).meters[0]
    said = list(model.predict(samples, 24_000).probabilities.values())
    np.testing.assert_allclose(said, logits.sigmoid().numpy(), atol=1e-5)
    backbone = tmp_path / "model" / "backbone"
    assert {tensor.dtype for tensor in load_file(backbone / "model.safetensors").values()} == {
        torch.float16
    }
    fresh = MertMeterClassifier.from_backbone(str(backbone))
    assert fresh.config.max_layer == 2


def test_what_is_left_out_is_evaluated_by_itself(click_dataset, tmp_path, tiny_settings):
    run.pretrain([click_dataset], tmp_path, tiny_settings(steps=1, leave_out=["odd"]))
    figures = {row["of"]: row for row in read_curve(tmp_path)}
    assert set(figures) == {"train", "val", "left_out", "plain", "odd"}
    assert figures["left_out"] == figures["odd"] | {"of": "left_out"}
    assert figures["val"] == figures["plain"] | {"of": "val"}


def test_a_run_with_other_settings_is_refused(click_dataset, tmp_path, tiny_settings):
    run.pretrain([click_dataset], tmp_path, tiny_settings(steps=1))
    with pytest.raises(SettingsError, match="seed = 0, not 1"):
        run.pretrain([click_dataset], tmp_path, tiny_settings(seed=1))
    state = run.pretrain([click_dataset], tmp_path, tiny_settings(steps=2))
    assert state.step == 2


def test_foreign_folders_and_damaged_checkpoints_are_refused(
    click_dataset, tmp_path, tiny_settings
):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(DatasetError, match="not empty"):
        run.pretrain([click_dataset], tmp_path, tiny_settings())
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="cannot be read"):
        run.pretrain([click_dataset], tmp_path, tiny_settings())


def test_it_stops_in_time_and_saves(click_dataset, tmp_path, tiny_settings):
    state = run.pretrain([click_dataset], tmp_path, tiny_settings(max_minutes=1e-9))
    assert state.step == 1
    assert (tmp_path / CHECKPOINT).is_file()


def test_frames_learn_the_clicks(click_dataset, tiny_settings, clicks):
    settings = tiny_settings()
    state = TrainingState(settings, torch.device("cpu"))
    cutter = Cutter(settings.backbone, 48_000, 24_000)
    clip = clicks(4)
    one = cutter.cut(clip.samples, clip.labels, 0.5)
    batch = {name: torch.stack([tensor, tensor]) for name, tensor in one.items()}
    for group in state.optimizer.param_groups:
        group["lr"] = 1e-2
    first = losses(state.network(batch["input_values"]), batch, settings.loss)
    for _ in range(120):
        state.optimizer.zero_grad()
        loss = losses(state.network(batch["input_values"]), batch, settings.loss)
        loss.total.backward()
        state.optimizer.step()
    assert loss.beats < 0.7 * first.beats
    assert loss.total < 0.3 * first.total


def test_every_layer_answers(tiny_settings):
    settings = tiny_settings()
    answers = PretrainNetwork(settings).eval()(torch.randn(3, 48_000))
    frames = answers.beats.shape[-1]
    assert answers.beats.shape == answers.downbeats.shape == (2, 3, frames)
    assert answers.phase.shape == (2, 3, frames, 2)
    assert answers.frame_meters.shape == (2, 3, frames, 6)
    assert answers.meters.shape == (3, 6)


def test_the_command_takes_settings(click_dataset, tmp_path, tiny_settings):
    file = tmp_path / "tiny.toml"
    backbone = vars(tiny_settings().backbone)
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in backbone.items())
    file.write_text(f"chunk_seconds = 2.0\nbatch_size = 1\neval_clips = 1\n[backbone]\n{text}\n")
    result = CliRunner().invoke(
        command,
        [
            f"--data-dir={click_dataset}",
            f"--out={tmp_path / 'out'}",
            f"--config={file}",
            "steps=1",
            "device=cpu",
        ],
        catch_exceptions=False,
    )
    assert result.exit_code == 0
    assert "1 of 1 steps" in result.output

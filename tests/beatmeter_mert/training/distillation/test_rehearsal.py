import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from beatmeter.meters import METERS
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.training.curve import read_curve
from beatmeter_mert.training.distillation import averages as averages_module
from beatmeter_mert.training.distillation import run
from beatmeter_mert.training.distillation.averages import Averages, averaged, joined
from beatmeter_mert.training.distillation.convolved import EncoderNetwork, convolved
from beatmeter_mert.training.distillation.lesson import Lesson
from beatmeter_mert.training.distillation.material import read_material
from beatmeter_mert.training.distillation.rehearsal import (
    pooled_of,
    rehearse,
    standardised,
    states_of,
)
from beatmeter_mert.training.distillation.settings import RehearsalSettings
from beatmeter_mert.training.settings_file import SettingsError

KEPT = 2
WITH_REHEARSAL = {
    "keep_convolutions": KEPT,
    "rehearsal": {"steps": 4, "views": 2, "batch_size": 4},
}


@pytest.fixture
def as_it_is(tiny_settings):
    return replace(tiny_settings().augment, speed=0.0, noise=0.0, dropout=0.0, equalizer_db=0.0)


@pytest.fixture
def network(tiny_settings):
    return EncoderNetwork(tiny_settings(**WITH_REHEARSAL)).eval()


@pytest.fixture
def heard(network, click_dataset, as_it_is):
    material = read_material([click_dataset], "train", 24_000)
    return averaged(convolved(material, network.backbone, KEPT), network, as_it_is, 0)


def test_averages_are_of_whole_clips_with_their_meters(
    network, heard, click_dataset, as_it_is, tiny_settings
):
    material = read_material([click_dataset], "train", 24_000)
    assert len(heard) == len(material)
    counts = [sum(meter in labels.meters for labels in material.labels) for meter in METERS]
    assert heard.labels.sum(dim=0).tolist() == counts
    clips = convolved(material, network.backbone, KEPT)
    changes = replace(tiny_settings().augment, speed=0.5)
    faster = averaged(clips, network, changes, 0)
    assert not torch.equal(faster.normalised, heard.normalised)
    assert torch.equal(averaged(clips, network, changes, 0).normalised, faster.normalised)
    assert not torch.equal(averaged(clips, network, changes, 1).normalised, faster.normalised)


def test_averages_are_made_once(network, heard, click_dataset, as_it_is, monkeypatch):
    monkeypatch.setattr(averages_module, "_average", None)
    held_out = read_material([click_dataset], "val", 24_000)
    clips = convolved(held_out, network.backbone, KEPT)
    assert len(averaged(clips, network, as_it_is, 0)) == len(held_out)
    with torch.no_grad():
        network.backbone.feature_projection.projection.weight[0] += 1.0
    with pytest.raises(TypeError, match="not callable"):
        averaged(clips, network, as_it_is, 0)


def test_averages_of_a_dataset_that_has_grown_are_made_anew(
    network, click_dataset, as_it_is, tmp_path, monkeypatch
):
    folder = tmp_path / "growing"
    shutil.copytree(click_dataset, folder)
    clips = convolved(read_material([folder], "train", 24_000), network.backbone, KEPT)
    whole = averaged(clips, network, as_it_is, 0)
    for path in folder.glob("*-averaged-*.npy"):
        np.save(path, np.load(path)[:3])
    assert torch.equal(averaged(clips, network, as_it_is, 0).normalised, whole.normalised)
    monkeypatch.setattr(averages_module, "_average", None)
    assert len(averaged(clips, network, as_it_is, 0)) == len(clips)


def test_one_frame_stands_for_all_where_attention_looks_everywhere_alike(tiny_settings):
    torch.manual_seed(0)
    musical = vars(tiny_settings().backbone) | {"musical_start": True}
    network = EncoderNetwork(tiny_settings(backbone=musical, keep_convolutions=KEPT)).eval()
    with torch.no_grad():
        positions = network.backbone.encoder.pos_conv_embed.conv
        positions.weight = 1e-6 * positions.weight
        frames = network.projected(torch.rand(3, 60, 8))
        first = network.backbone.encoder.layers[0]
        averages = Averages(
            frames.mean(dim=1), first.layer_norm(frames).mean(dim=1), torch.zeros(3, 6)
        )
        ours, theirs = states_of(network, averages), network.transformed(frames)
    for one, all_frames in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, all_frames.mean(dim=1), rtol=0.02, atol=0.02)


def test_rehearsing_learns_and_leaves_convolutions_queries_and_positions(network):
    torch.manual_seed(0)
    labels = torch.eye(6)[torch.arange(120) % 6]
    normalised = labels @ torch.randn(6, 16) + 0.1 * torch.randn(120, 16)
    heard = Averages(0.01 * torch.randn(120, 16), normalised, labels)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    settings = RehearsalSettings(steps=200, batch_size=8, learning_rate=5e-3, noise=0.0)
    losses = list(rehearse(network, heard, None, [], settings, seed=0))
    assert len(losses) == settings.steps
    assert losses[-1] < 0.2 * losses[0]
    with torch.no_grad():
        heard_as = network.meter_head(pooled_of(network.eval(), heard)).argmax(dim=1)
    assert (heard_as == labels.argmax(dim=1)).float().mean() > 0.9
    stays = ("conv", "q_proj", "k_proj", "frame", "feature_projection", "masked", "encoder.layer_n")
    stays += ("layers.0.layer_norm",)
    for name, tensor in network.state_dict().items():
        if any(part in name for part in stays):
            assert torch.equal(tensor, before[name]), name


def test_what_is_rehearsed_is_standardised(network, heard):
    standard = standardised(network, heard).normalised[:, heard.projected.std(dim=0) > 0]
    assert standard.shape[1] > 0
    torch.testing.assert_close(
        standard.mean(dim=0), torch.zeros(standard.shape[1]), rtol=0, atol=1e-3
    )


class OfOneMind(torch.nn.Module):
    """A teacher that hears 7 in everything."""

    def forward(self, normalised):
        return torch.tensor([-9.0, -9.0, -9.0, 9.0, -9.0, -9.0]).repeat(len(normalised), 1)


def test_teachers_are_believed_rather_than_labels(network):
    torch.manual_seed(0)
    labels = torch.eye(6)[torch.arange(60) % 6]
    heard = Averages(torch.zeros(60, 16), torch.randn(60, 16), labels)
    settings = RehearsalSettings(steps=60, batch_size=8, learning_rate=1e-2)
    list(rehearse(network, heard, None, [OfOneMind()], settings, seed=0))
    with torch.no_grad():
        answers = network.meter_head(pooled_of(network.eval(), heard))
    assert (answers.argmax(dim=1) == 3).all()


def test_what_was_standardised_before_is_standardised_anew(network, heard):
    norm = network.backbone.encoder.layers[0].layer_norm
    with torch.no_grad():
        norm.weight.mul_(3.0)
        norm.bias.add_(2.0)
    scaled = replace(heard, normalised=heard.normalised * 3.0 + 2.0)
    expected = standardised(network, scaled).normalised
    with torch.no_grad():
        said = heard.normalised * norm.weight + norm.bias
    torch.testing.assert_close(said, expected, rtol=1e-3, atol=1e-3)


def test_what_is_joined_is_all_there(network, heard):
    twice = joined([heard, heard])
    assert len(twice) == 2 * len(heard)
    pooled = pooled_of(network, twice)
    torch.testing.assert_close(pooled[: len(heard)], pooled[len(heard) :])
    means, maxima = pooled.chunk(2, dim=-1)
    assert torch.equal(means, maxima)


def test_a_run_may_be_a_rehearsal_alone(click_dataset, tmp_path, tiny_settings):
    settings = tiny_settings(**WITH_REHEARSAL, steps=0)
    state = run.pretrain([click_dataset], tmp_path, settings)
    assert state.step == 0
    assert [row["of"] for row in read_curve(tmp_path)] == ["val", "odd", "plain"]
    assert [row["step"] for row in read_curve(tmp_path / "rehearsal")] == [1, 2, 3, 4]
    assert (tmp_path / "model" / "head" / "model.safetensors").is_file()
    again = run.pretrain([click_dataset], tmp_path / "again", settings)
    for name, tensor in state.averaged.state_dict().items():
        assert torch.equal(tensor, again.averaged.state_dict()[name]), name


def test_a_run_goes_on_after_its_rehearsal(click_dataset, tmp_path, tiny_settings, monkeypatch):
    run.pretrain([click_dataset], tmp_path, tiny_settings(**WITH_REHEARSAL, steps=0))
    monkeypatch.setattr(run, "_rehearse", None)
    assert run.pretrain([click_dataset], tmp_path, tiny_settings(**WITH_REHEARSAL)).step == 6


WITH_LAGS = {
    "musical_start": True,
    "hidden_size": 40,
    "conv_dim": [32, 24, 24, 4, 28, 28],
    "conv_kernel": [256, 8, 4, 5, 20, 1],
    "conv_stride": [120, 2, 2, 3, 1, 1],
}


def lag_settings(tiny_settings, **backbone):
    return tiny_settings(
        backbone=vars(tiny_settings().backbone) | WITH_LAGS | backbone,
        keep_convolutions=4,
        chunk_seconds=2.8,
        steps=0,
        rehearsal={"steps": 3, "views": 1, "batch_size": 4, "teachers": 2, "shift": 3},
    )


def test_teachers_learn_first_and_their_curves_are_kept(click_dataset, tmp_path, tiny_settings):
    state = run.pretrain([click_dataset], tmp_path, lag_settings(tiny_settings))
    kinds = [row["of"] for row in read_curve(tmp_path / "rehearsal")]
    assert kinds == ["teacher 1"] * 3 + ["teacher 2"] * 3 + ["train"] * 3
    again = run.pretrain([click_dataset], tmp_path / "again", lag_settings(tiny_settings))
    for name, tensor in state.averaged.state_dict().items():
        assert torch.equal(tensor, again.averaged.state_dict()[name]), name


@pytest.mark.parametrize("after", [2, 8])
def test_an_interrupted_rehearsal_goes_on_as_if_nothing_had_happened(
    click_dataset, tmp_path, tiny_settings, monkeypatch, after
):
    settings = lag_settings(tiny_settings)
    whole = run.pretrain([click_dataset], tmp_path / "whole", settings)
    settings = replace(settings, save_steps=1)
    taken = []
    take_step = Lesson.take_step

    def interrupted(lesson, loss):
        if len(taken) == after:
            raise KeyboardInterrupt
        taken.append(loss)
        take_step(lesson, loss)

    monkeypatch.setattr(Lesson, "take_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.pretrain([click_dataset], tmp_path / "cut", settings)
    after = None
    resumed = run.pretrain([click_dataset], tmp_path / "cut", settings)
    assert len(taken) == 9
    for name, tensor in whole.averaged.state_dict().items():
        assert torch.equal(tensor, resumed.averaged.state_dict()[name]), name
    curves = [read_curve(tmp_path / name / "rehearsal") for name in ("whole", "cut")]
    assert curves[0] == curves[1]
    assert not list((tmp_path / "cut" / "rehearsal").glob("*.pt"))


@pytest.fixture
def kept(click_dataset, tmp_path, tiny_settings, monkeypatch):
    """The file of a lesson that was interrupted, and how to go on: (file, settings -> run)."""
    monkeypatch.setattr(run, "rehearse", None)
    with pytest.raises(TypeError, match="not callable"):
        run.pretrain([click_dataset], tmp_path, lag_settings(tiny_settings))
    return tmp_path / "rehearsal" / "teacher-1.pt", lambda settings: run.pretrain(
        [click_dataset], tmp_path, settings
    )


def test_a_lesson_is_not_gone_on_with_under_other_settings(kept, tiny_settings):
    _, go_on = kept
    with pytest.raises(SettingsError, match="seed"):
        go_on(replace(lag_settings(tiny_settings), seed=5))


def test_a_damaged_lesson_is_named(kept, tiny_settings):
    file, go_on = kept
    file.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"teacher-1\.pt: cannot be read"):
        go_on(lag_settings(tiny_settings))


@pytest.mark.parametrize(
    "backbone", [{"hidden_size": 20, "heads": 2}, {"conv_dim": [32, 24, 24, 4, 28, 27]}]
)
def test_without_whole_beat_spectra_there_is_nothing_to_teach(
    click_dataset, tmp_path, tiny_settings, backbone, monkeypatch
):
    monkeypatch.setattr(run, "read_material", None)
    with pytest.raises(SettingsError, match=r"rehearsal\.shift 3 \(allowed .* 0\)"):
        run.pretrain([click_dataset], tmp_path, lag_settings(tiny_settings, **backbone))


@pytest.mark.parametrize("name", ["steps", "shift", "teachers"])
def test_what_is_counted_is_not_negative(tiny_settings, name):
    with pytest.raises(SettingsError, match=rf"rehearsal\.{name} -1 \(allowed: 0 or more\)"):
        tiny_settings(keep_convolutions=KEPT, rehearsal={name: -1})


@pytest.mark.parametrize("name", ["views", "batch_size"])
def test_a_rehearsal_hears_something(tiny_settings, name):
    with pytest.raises(SettingsError, match=rf"rehearsal\.{name} 0 \(allowed: 1 or more\)"):
        tiny_settings(keep_convolutions=KEPT, rehearsal={"steps": 1, name: 0})


def test_a_run_without_a_rehearsal_takes_steps(tiny_settings):
    with pytest.raises(SettingsError, match=r"steps 0 \(allowed without rehearsal: 1 or more\)"):
        tiny_settings(steps=0)


def test_a_rehearsal_needs_kept_convolutions(tiny_settings):
    with pytest.raises(SettingsError, match="allowed without keep_convolutions: 0"):
        tiny_settings(rehearsal={"steps": 1})

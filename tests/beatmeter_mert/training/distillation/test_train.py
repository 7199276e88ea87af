import os

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from beatmeter_mert.errors import CheckpointError, TrainingError
from beatmeter_mert.training.distillation.lag_bank import LagShape
from beatmeter_mert.training.distillation.pooled import PooledFeatures
from beatmeter_mert.training.distillation.settings import DistillationSettings
from beatmeter_mert.training.distillation.teacher import Teacher
from beatmeter_mert.training.distillation.train import TrainState, train
from beatmeter_mert.training.optimizer import decay_groups

SHAPE = LagShape(bands=2, lags=64, groups=2)


def settings(**differences):
    common = {"steps": 6, "batch_size": 4, "lag_shift": 4, "feature_noise": 0.1, "save_steps": 2}
    return DistillationSettings(**common | differences)


@pytest.fixture
def features():
    torch.manual_seed(0)
    spectra = torch.randn(20, 2 * 64 + 3)
    return PooledFeatures(spectra, spectra.clone(), torch.eye(6)[torch.arange(20) % 6])


def train_teacher(features, path, **differences):
    torch.manual_seed(1)
    teacher = Teacher(SHAPE, dropout=0.5)

    def loss_of(batch, noisy):
        return binary_cross_entropy_with_logits(teacher(noisy), batch.labels)

    losses = train(teacher, loss_of, features, SHAPE, settings(**differences), 0, path)
    return teacher, losses


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_killed_training_goes_on_bit_for_bit(features, tmp_path, monkeypatch, after):
    whole, losses = train_teacher(features, tmp_path / "whole.pt")
    take_step = TrainState.take_step

    def killed(state, loss):
        if len(state.losses) == after:
            raise SystemExit
        take_step(state, loss)

    with monkeypatch.context() as patch:
        patch.setattr(TrainState, "take_step", killed)
        with pytest.raises(SystemExit):
            train_teacher(features, tmp_path / "killed.pt")
    resumed, again = train_teacher(features, tmp_path / "killed.pt")
    assert again == losses
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_interrupted_training_keeps_its_last_step(features, tmp_path, monkeypatch):
    _, losses = train_teacher(features, tmp_path / "whole.pt")
    take_step = TrainState.take_step

    def interrupted(state, loss):
        take_step(state, loss)
        if len(state.losses) == 3:
            os.kill(os.getpid(), 2)

    with monkeypatch.context() as patch:
        patch.setattr(TrainState, "take_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_teacher(features, tmp_path / "cut.pt")
    taken = []
    monkeypatch.setattr(
        TrainState, "take_step", lambda *step: taken.append(step) or take_step(*step)
    )
    assert train_teacher(features, tmp_path / "cut.pt")[1] == losses
    assert len(taken) == 3


def test_a_training_that_ended_is_not_taken_again(features, tmp_path, monkeypatch):
    first, losses = train_teacher(features, tmp_path / "it.pt")
    monkeypatch.setattr(TrainState, "take_step", None)
    second, again = train_teacher(features, tmp_path / "it.pt")
    assert again == losses
    assert not second.training
    assert torch.equal(first.out.weight, second.out.weight)


def test_a_damaged_state_is_named(features, tmp_path):
    path = tmp_path / "teacher-1.pt"
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"teacher-1\.pt: cannot be read"):
        train_teacher(features, path)


def test_a_gradient_that_is_not_finite_stops_it(features, tmp_path):
    features.normalised[:] = float("nan")
    with pytest.raises(TrainingError, match=r"gradient: norm nan after step \d+ \(allowed: finite"):
        train_teacher(features, tmp_path / "it.pt")


@pytest.fixture
def batches(tmp_path):
    """What is taken of many clips of 4 and few of 9: a list of (clean, noisy)."""
    labels = torch.zeros(110, 6)
    labels[:100, 1] = 1.0
    labels[100:, 4] = 1.0
    spectra = torch.arange(64.0).repeat(110, 2)
    features = PooledFeatures(spectra, spectra.clone(), labels)
    network = torch.nn.Linear(1, 1)
    taken = []

    def loss_of(batch, noisy):
        taken.append((batch, noisy))
        return network.weight.square().sum() + network.bias.square().sum()

    many = settings(steps=150, batch_size=32)
    train(network, loss_of, features, SHAPE, many, 0, tmp_path / "it.pt")
    return taken


def test_every_meter_is_drawn_equally_often(batches):
    shares = torch.stack([batch.labels.mean(dim=0) for batch, _ in batches]).mean(dim=0)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[1] == pytest.approx(0.5, abs=0.03)
    assert shares[4] == pytest.approx(0.5, abs=0.03)


def test_a_batch_is_shifted_as_a_whole_and_noise_comes_on_top(batches):
    firsts = {float(batch.normalised[0, 30]) - 30 for batch, _ in batches}
    assert firsts == set(range(-4, 5))
    for clean, noisy in batches[:5]:
        assert torch.equal(clean.projected, noisy.projected)
        assert (clean.normalised == clean.normalised[0]).all()
        noise = noisy.normalised - clean.normalised
        assert noise.std() == pytest.approx(0.1, rel=0.1)


def test_matrices_decay_and_biases_do_not():
    parameters = torch.nn.ParameterList(torch.nn.Linear(2, 3).parameters())
    decaying, others = decay_groups(parameters, 0.1)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert [p.ndim for p in decaying["params"]] == [2]
    assert [p.ndim for p in others["params"]] == [1]

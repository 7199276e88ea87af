import numpy as np
import pytest
import torch

from beatmeter_mert.training.distillation.averages import Averages
from beatmeter_mert.training.distillation.drill import drill
from beatmeter_mert.training.distillation.lag_bank import LagShape
from beatmeter_mert.training.distillation.settings import RehearsalSettings
from beatmeter_mert.training.distillation.teacher import Teacher, answers_of, teach

SHAPE = LagShape(bands=2, lags=64, groups=2)
SETTINGS = RehearsalSettings(steps=150, batch_size=32, learning_rate=5e-3, noise=0.1, shift=4)


def spectra_with_dips(places, seed=0):
    """Six classes, told by how far apart two dips are, wherever they lie: Averages."""
    rng = np.random.default_rng(seed)
    normalised = 0.3 * rng.standard_normal((len(places), 2 * 64 + 3)).astype(np.float32)
    classes = np.arange(len(places)) % 6
    for row, (place, number) in enumerate(zip(places, classes, strict=True)):
        for group in (0, 64):
            normalised[row, [group + place, group + place + 4 + 2 * number]] -= 3.0
    heard = torch.from_numpy(normalised)
    return Averages(0.01 * heard, heard, torch.eye(6)[classes])


@pytest.fixture(scope="module")
def taught():
    torch.manual_seed(0)
    teacher = Teacher(SHAPE, dropout=0.1)
    heard = spectra_with_dips(np.random.default_rng(1).integers(8, 24, size=240))
    return teacher, list(teach(teacher, heard, SETTINGS, seed=0))


def test_a_teacher_learns(taught):
    teacher, losses = taught
    assert len(losses) == SETTINGS.steps
    assert losses[-1] < 0.3 * losses[0]
    assert not teacher.training


def test_a_teacher_knows_what_it_has_learned_at_tempi_it_has_not_heard(taught):
    teacher, _ = taught
    slower = spectra_with_dips(np.random.default_rng(2).integers(32, 40, size=60), seed=3)
    heard_as = answers_of([teacher], slower).argmax(dim=1)
    assert (heard_as == slower.labels.argmax(dim=1)).float().mean() > 0.8


def test_the_answer_of_several_teachers_is_their_average(taught):
    teacher, _ = taught
    torch.manual_seed(1)
    other = Teacher(SHAPE, dropout=0.1).eval()
    heard = spectra_with_dips([10, 20])
    both = answers_of([teacher, other], heard)
    expected = (answers_of([teacher], heard) + answers_of([other], heard)) / 2
    torch.testing.assert_close(both, expected)
    assert not both.requires_grad


@pytest.fixture
def batches():
    """What a drill on many clips of 4 and few of 9 takes: a list of (clean, noisy)."""
    labels = torch.zeros(110, 6)
    labels[:100, 1] = 1.0
    labels[100:, 4] = 1.0
    spectra = torch.arange(64.0).repeat(110, 2)
    heard = Averages(spectra, spectra.clone(), labels)
    weight = torch.nn.Parameter(torch.zeros(()))
    taken = []

    def loss_of(batch, noisy):
        taken.append((batch, noisy))
        return weight.square()

    list(drill([weight], loss_of, heard, SHAPE, SETTINGS, seed=0))
    return taken


def test_every_meter_is_drilled_equally_often(batches):
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
        assert noise.std() == pytest.approx(SETTINGS.noise, rel=0.1)

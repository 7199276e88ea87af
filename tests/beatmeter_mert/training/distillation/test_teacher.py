import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from beatmeter_mert.training.distillation.lag_bank import LagShape
from beatmeter_mert.training.distillation.pooled import PooledFeatures
from beatmeter_mert.training.distillation.settings import DistillationSettings
from beatmeter_mert.training.distillation.teacher import Teacher, mean_answer
from beatmeter_mert.training.distillation.train import train

SHAPE = LagShape(bands=2, lags=64, groups=2)
SETTINGS = DistillationSettings(
    steps=150, batch_size=32, learning_rate=5e-3, feature_noise=0.1, lag_shift=4
)


def spectra_with_dips(places, seed=0):
    """Six classes, told by how far apart two dips are, wherever they lie: PooledFeatures."""
    rng = np.random.default_rng(seed)
    normalised = 0.3 * rng.standard_normal((len(places), 2 * 64 + 3)).astype(np.float32)
    classes = np.arange(len(places)) % 6
    for row, (place, number) in enumerate(zip(places, classes, strict=True)):
        for group in (0, 64):
            normalised[row, [group + place, group + place + 4 + 2 * number]] -= 3.0
    features = torch.from_numpy(normalised)
    return PooledFeatures(0.01 * features, features, torch.eye(6)[classes])


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    torch.manual_seed(0)
    teacher = Teacher(SHAPE, dropout=0.1)
    features = spectra_with_dips(np.random.default_rng(1).integers(8, 24, size=240))

    def loss_of(batch, noisy):
        return binary_cross_entropy_with_logits(teacher(noisy), batch.labels)

    path = tmp_path_factory.mktemp("taught") / "teacher.pt"
    return teacher, train(teacher, loss_of, features, SHAPE, SETTINGS, 0, path)


def test_a_teacher_learns(taught):
    teacher, losses = taught
    assert len(losses) == SETTINGS.steps
    assert losses[-1] < 0.3 * losses[0]
    assert not teacher.training


def test_a_teacher_knows_what_it_has_learned_at_tempi_it_has_not_features(taught):
    teacher, _ = taught
    slower = spectra_with_dips(np.random.default_rng(2).integers(32, 40, size=60), seed=3)
    found = mean_answer([teacher], slower).argmax(dim=1)
    assert (found == slower.labels.argmax(dim=1)).float().mean() > 0.8


def test_the_answer_of_several_teachers_is_their_average(taught):
    teacher, _ = taught
    torch.manual_seed(1)
    other = Teacher(SHAPE, dropout=0.1).eval()
    features = spectra_with_dips([10, 20])
    both = mean_answer([teacher, other], features)
    expected = (mean_answer([teacher], features) + mean_answer([other], features)) / 2
    torch.testing.assert_close(both, expected)
    assert not both.requires_grad

import pytest

from beatmeter_mert.training.distillation.schedule import learning_rate
from beatmeter_mert.training.distillation.settings import OptimizerSettings

SETTINGS = OptimizerSettings(learning_rate=0.1, warmup_steps=10, decay_share=0.2)


def test_it_rises_stays_and_falls_to_zero():
    rates = [learning_rate(step, 100, SETTINGS) for step in range(100)]
    assert rates[:10] == pytest.approx([0.01 * step for step in range(1, 11)])
    assert set(rates[9:81]) == {0.1}
    assert rates[80:] == pytest.approx([0.1 * left / 20 for left in range(20, 0, -1)])


def test_prolonging_a_run_changes_nothing_before_its_fall():
    for step in range(80):
        assert learning_rate(step, 100, SETTINGS) == learning_rate(step, 1000, SETTINGS)

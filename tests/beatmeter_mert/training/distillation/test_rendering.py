import numpy as np

from beatmeter.corpora.dataset import SplitShares
from beatmeter_mert.training.distillation import rendering
from beatmeter_mert.training.distillation.rendering import Mixed, Rendered


def test_rendered_works_are_of_training_and_not_left_out(monkeypatch, clicks):
    class Maker:
        def __init__(self, config):
            pass

        def make(self, index):
            family = ("plain", "odd")[index % 3 == 0]
            return clicks(4, seconds=0.5, work=f"work {index}", family=family)

    monkeypatch.setattr(rendering, "ClipMaker", Maker)
    source = Rendered(None, leave_out=("odd",))
    drawn = [source.clip(number)[1] for number in range(40)]
    assert {SplitShares().split_of(labels.work) for labels in drawn} == {"train"}
    assert {labels.family for labels in drawn} == {"plain"}
    assert len({labels.work for labels in drawn}) == 40


def test_a_share_of_the_examples_is_rendered():
    class Named:
        def __init__(self, name):
            self.name = name

        def clip(self, number):
            return self.name, number

    source = Mixed(Named("rendered"), Named("stored"), 0.3, 0)
    names = [source.clip(number)[0] for number in range(1000)]
    assert abs(np.mean([name == "rendered" for name in names]) - 0.3) < 0.05
    assert names == [source.clip(number)[0] for number in range(1000)]

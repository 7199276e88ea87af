from dataclasses import replace

import numpy as np
import pytest
import torch

from beatmeter.errors import DatasetError
from beatmeter.meters import METERS
from beatmeter_mert.training.distillation.examples import (
    Cutter,
    Shuffled,
    StepSampler,
    TrainingExamples,
    training_loader,
)
from beatmeter_mert.training.distillation.material import belongs_to, read_material


@pytest.fixture
def cutter(tiny_settings):
    return Cutter(tiny_settings().backbone, 48_000, 24_000)


def test_frames_with_beats_are_where_the_clicks_are(cutter, clicks):
    clip = clicks(3, period=0.4)
    for place, speed in ((0.0, 1.0), (0.7, 1.0), (0.3, 1.3), (0.9, 0.8)):
        example = cutter.cut(clip.samples, clip.labels, place, speed)
        energy = np.square(example["input_values"].numpy())
        for time in cutter.times[example["beats"].numpy() == 1.0]:
            start = max(0, round((time - 0.03) * 24_000))
            assert energy[start : start + 1440].max() > 0.01
        assert example["input_values"].shape == (48_000,)


def test_labels_name_the_meter(cutter, clicks):
    for column, meter in enumerate(METERS):
        clip = clicks(meter)
        example = cutter.cut(clip.samples, clip.labels, 0.5)
        assert example["labels"].argmax() == column
        assert example["labels"].sum() == 1


def test_polymeter_has_two_labels(cutter, clicks):
    clip = clicks(4)
    labels = replace(clip.labels, meters=(3, 4))
    example = cutter.cut(clip.samples, labels, 0.5)
    assert example["labels"].tolist() == [1, 1, 0, 0, 0, 0]


def test_a_clip_shorter_than_a_chunk_is_refused(cutter, clicks):
    clip = clicks(4, seconds=1.5)
    with pytest.raises(DatasetError, match=r"1\.5 s"):
        cutter.cut(clip.samples, clip.labels, 0.5)


def test_every_epoch_hears_every_clip_once_in_another_order(click_dataset):
    material = read_material([click_dataset], "train", 24_000)
    works = [Shuffled(material, 0).clip(n)[1].work for n in range(2 * len(material))]
    first, second = works[: len(material)], works[len(material) :]
    assert set(first) == set(second) == {labels.work for labels in material.labels}
    assert first != second


def test_splits_and_what_is_left_out_share_no_clip(click_dataset):
    train, val = (read_material([click_dataset], name, 24_000) for name in ("train", "val"))
    works = [labels.work for material in (train, val) for labels in material.labels]
    assert len(set(works)) == len(works) == 18
    odd = train.where(belongs_to(["odd"]))
    assert {labels.family for labels in odd.labels} == {"odd"}
    assert len(train.where(belongs_to(["small"]))) == len(train)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_depends_on_its_step_alone(click_dataset, cutter, tiny_settings, workers):
    settings = tiny_settings(workers=workers)
    material = read_material([click_dataset], "train", 24_000)
    examples = TrainingExamples(Shuffled(material, 0), cutter, settings.augment, 0)
    late = next(iter(training_loader(examples, settings, first_step=3)))
    expected = [examples[number] for number in (6, 7)]
    for name, tensor in late.items():
        assert torch.equal(tensor, torch.stack([example[name] for example in expected]))


def test_steps_count_on_from_where_they_were():
    assert list(StepSampler(2, 4, 3)) == [[6, 7, 8], [9, 10, 11]]

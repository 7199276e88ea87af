from __future__ import annotations

import pytest
import torch
from torch import nn

from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.model import HeadClassifier, HeadSettings, MERTClassificationHead


def test_layers_count_the_same_at_the_start():
    weights = MERTClassificationHead(12, 64).layer_weights()
    assert weights.tolist() == pytest.approx([1 / 12] * 12)


def test_the_head_is_the_chain_that_it_says_it_is():
    torch.manual_seed(0)
    head = MERTClassificationHead(3, 8, HeadSettings(dim=5)).eval()
    with torch.no_grad():
        head.layer_logits.copy_(torch.tensor([0.0, 1.0, -1.0]))
    pooled = torch.randn(4, 3, 8)
    mixed = (torch.tensor([0.0, 1.0, -1.0]).softmax(0)[None, :, None] * pooled).sum(1)
    chain = nn.Sequential(head.norm, head.hidden, nn.GELU(), head.output)
    torch.testing.assert_close(head(pooled), chain(mixed))
    assert head(pooled).shape == (4, 6)


def test_the_default_head_is_256_wide_and_drops_three_in_ten():
    head = MERTClassificationHead(12, 1536)
    assert (head.hidden.out_features, head.dropout.p) == (256, 0.3)


def test_layer_logits_are_parameters_of_the_head():
    assert "layer_logits" in dict(MERTClassificationHead(3, 8).named_parameters())


@pytest.mark.parametrize("pos_weight", [None, torch.tensor([1.0, 2, 3, 4, 5, 6])])
def test_the_loss_is_binary_cross_entropy_with_logits(pos_weight):
    model = HeadClassifier(MERTClassificationHead(3, 8), pos_weight).eval()
    pooled, labels = torch.randn(4, 3, 8), torch.rand(4, 6)
    output = model(pooled, labels)
    expected = nn.BCEWithLogitsLoss(pos_weight=pos_weight)(model.head(pooled), labels)
    torch.testing.assert_close(output.loss, expected)
    assert model(pooled).loss is None


def test_a_head_learns_which_layer_matters():
    torch.manual_seed(0)
    model = HeadClassifier(MERTClassificationHead(4, 8, HeadSettings(dim=16, dropout=0.0)))
    labels = torch.eye(6).repeat(8, 1)
    pooled = torch.randn(48, 4, 8)
    pooled[:, 2, :6] += 3 * labels
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(pooled, labels).loss
        loss.backward()
        optimizer.step()
    assert loss < 0.05
    assert model.head.layer_weights().argmax() == 2


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"dim": 2.0}, {"dropout": 1.0}, {"dropout": "a"}])
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(CheckpointError, match=next(iter(wrong))):
        HeadSettings(**wrong)

"""Losses: values worked out by hand, and what they must reward."""

import pytest
import torch

from models.training.segmentation.losses import (
    boundary_weight,
    class_loss,
    mask_loss,
    soft_class_targets,
    soft_iou_loss,
)


def test_soft_iou_by_hand() -> None:
    target = torch.tensor([1.0, 1.0, 0.0, 0.0]).reshape(1, 1, 2, 2)
    predicted = torch.tensor([1.0, 0.0, 1.0, 0.0]).reshape(1, 1, 2, 2)
    assert soft_iou_loss(predicted, target).item() == pytest.approx(1 - (1 + 1) / (3 + 1))
    assert soft_iou_loss(target, target).item() == 0
    assert soft_iou_loss(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)).item() == 0


def test_the_edge_of_a_mask_weighs_more() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 32:] = 1
    weight = boundary_weight(mask)[0, 0, 32]
    assert weight[5] == 1 and weight[60] == 1
    assert weight[32] == pytest.approx(1 + 4 * 7 / 15)


def test_better_masks_cost_less() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    shifted = mask.roll(3, -1)
    assert mask_loss(20 * mask - 10, mask) < mask_loss(20 * shifted - 10, mask) < mask_loss(10 - 20 * mask, mask)


def test_class_targets_are_area_shares_of_what_is_known() -> None:
    labels = torch.tensor([[0, 0, 1, 255], [0, 2, 255, 1]])[None]
    target, known = soft_class_targets(labels, 3, 2)
    assert target[0, :, 0, 0].tolist() == [0.75, 0, 0.25]
    assert target[0, :, 0, 1].tolist() == [0, 1, 0]
    assert known[0, 0].tolist() == [1, 0.5]


def test_unknown_cells_cost_nothing() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = class_loss(logits, torch.full((1, 4, 4), 255), torch.ones(3))
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and logits.grad.abs().sum() == 0

"""The four metrics of the FCN paper on confusion matrices worked out by hand."""

import pytest
import torch

from models.training.segmentation.metrics import SegmentationMetrics, confusion_matrix


def test_confusion_matrix_counts_truth_by_row_and_leaves_out_what_is_ignored() -> None:
    truth = torch.tensor([[0, 0, 1], [2, 255, 1]])
    predicted = torch.tensor([[0, 1, 1], [0, 2, 1]])
    assert confusion_matrix(truth, predicted, 3).tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_two_classes_by_hand() -> None:
    m = SegmentationMetrics.of(torch.tensor([[6, 2], [1, 1]]))
    assert m.pixel_accuracy == pytest.approx(7 / 10)
    assert m.mean_accuracy == pytest.approx((6 / 8 + 1 / 2) / 2)
    assert m.mean_iu == pytest.approx((6 / 9 + 1 / 4) / 2)
    assert m.frequency_weighted_iu == pytest.approx((8 * 6 / 9 + 2 * 1 / 4) / 10)


def test_perfect_prediction_scores_one() -> None:
    m = SegmentationMetrics.of(torch.diag(torch.tensor([5, 3, 9])))
    assert (m.pixel_accuracy, m.mean_accuracy, m.mean_iu, m.frequency_weighted_iu) == (1, 1, 1, 1)


def test_absent_classes_do_not_count_but_false_alarms_do() -> None:
    absent = SegmentationMetrics.of(torch.tensor([[4, 0, 0], [0, 4, 0], [0, 0, 0]]))
    assert absent.mean_iu == 1
    alarm = SegmentationMetrics.of(torch.tensor([[3, 0, 1], [0, 4, 0], [0, 0, 0]]))
    assert alarm.mean_iu == pytest.approx((3 / 4 + 1 + 0) / 3)
    assert alarm.mean_accuracy == pytest.approx((3 / 4 + 1) / 2)


def test_no_pixel_is_an_error() -> None:
    with pytest.raises(ValueError, match="no pixel"):
        SegmentationMetrics.of(torch.zeros(2, 2))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="prediction"):
        confusion_matrix(torch.zeros(2, 2, dtype=torch.long), torch.zeros(2, 3, dtype=torch.long), 2)

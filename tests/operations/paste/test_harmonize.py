"""Harmonized pastes: what the default does, invariants over depths and shapes, and the method Deep copy-paste."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from skimage import data
from torch import nn

from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear
from backend.imaging.poisson.gradient_transfer import estimate_transfer
from backend.imaging.poisson.seamless_clone import seamless_clone
from backend.operations import Context
from backend.operations.networks import Network, cache_key
from backend.operations.paste.deep_copy_paste import NAME
from backend.operations.paste.harmonize import Circumstances, Options, harmonize
from models.papers.copy_paste import CopyPasteConfig, CopyPasteNet

DEEP = Options("deep")
SHIFT, GAIN = (0.05, -0.1, 0.02), 0.1


def knowing(shift: tuple[float, float, float] = SHIFT, gain: float = GAIN, more: float = 0.0) -> Context:
    """A context whose network always answers: add `gain` of the content, `shift`, `more` of the correction."""
    torch.manual_seed(0)
    net = CopyPasteNet(CopyPasteConfig(4, poisson=True, affine=True, stride=4)).eval().requires_grad_(False)
    nn.init.zeros_(net.up[-1].plain.weight)
    net.up[-1].plain.bias.copy_(torch.tensor([*(gain * torch.eye(3)).flatten(), *shift, more]))
    return Context(cache={cache_key(NAME): Network(net, SimpleNamespace(input_size=64))})


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Content, image (floats, smooth, mid-tones) and a mask, all of which is changed."""
    rows, columns = np.mgrid[:150, :210] / 210
    content = np.dstack([0.4 + 0.1 * np.sin(9 * columns), 0.5 + 0.1 * rows, 0.5 - 0.1 * columns])
    content += rng.normal(0, 0.01, content.shape)
    image = np.dstack([0.6 - 0.1 * rows, 0.4 + 0.1 * columns, 0.5 + 0.05 * np.cos(7 * rows)])
    mask = (columns - 0.5) ** 2 + (rows - 0.35) ** 2 < 0.04
    return content.astype(np.float32), image.astype(np.float32), mask


def test_the_answer_is_added_to_the_poisson_solution_at_full_size(scene: tuple[np.ndarray, ...]) -> None:
    content, image, mask = scene
    result = harmonize(content, image, mask, False, DEEP, knowing())
    expected = seamless_clone(content, image, mask) + GAIN * content + np.float32(SHIFT)
    np.testing.assert_allclose(result[mask], expected[mask], atol=1e-4)
    assert np.array_equal(result[~mask], image[~mask])


def test_of_poissons_correction_stays_what_the_network_says(scene: tuple[np.ndarray, ...]) -> None:
    content, image, mask = scene
    result = harmonize(content, image, mask, False, DEEP, knowing((0, 0, 0), 0, -0.75))
    expected = content + 0.25 * (seamless_clone(content, image, mask) - content)
    np.testing.assert_allclose(result[mask], expected[mask], atol=1e-4)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("method", ["auto", "deep", "poisson", "mixed"])
def test_outside_of_the_mask_integers_are_bit_identical_and_inside_they_agree_with_floats(
    scene: tuple[np.ndarray, ...], kind: type[np.unsignedinteger], method: str
) -> None:
    content, image, mask = scene
    full = np.iinfo(kind).max
    whole = [np.round(x * full).astype(kind) for x in (content, image)]
    result = harmonize(*whole, mask, False, Options(method), knowing())
    assert result.dtype == kind
    assert np.array_equal(result[~mask], whole[1][~mask])
    floats = harmonize(content, image, mask, False, Options(method), knowing())
    assert np.abs(result[mask] / full - floats[mask]).max() < 0.01


@pytest.mark.parametrize("method", ["deep", "poisson"])
def test_strength_goes_from_the_contents_own_colors_all_the_way(scene: tuple[np.ndarray, ...], method: str) -> None:
    content, image, mask = scene
    none, half, full = (
        harmonize(content, image, mask, False, Options(method, strength=s), knowing()) for s in (0, 0.5, 1)
    )
    np.testing.assert_allclose(none[mask], content[mask], atol=1e-5)
    np.testing.assert_allclose(half[mask], (content[mask] + full[mask]) / 2, atol=1e-5)


def test_linear_light_is_shown_to_the_network_encoded(scene: tuple[np.ndarray, ...]) -> None:
    content, image, mask = scene
    linear = [srgb_to_linear(x) for x in (content, image)]
    result = harmonize(*linear, mask, True, DEEP, knowing())
    base = linear_to_srgb(seamless_clone(*linear, mask))
    expected = srgb_to_linear(base + GAIN * content + np.float32(SHIFT))
    np.testing.assert_allclose(result[mask], expected[mask], atol=2e-3)


def test_gray_stays_gray(scene: tuple[np.ndarray, ...]) -> None:
    content, image, mask = (x[..., :1] if x.ndim == 3 else x for x in scene)
    result = harmonize(content, image, mask, False, DEEP, knowing((0.1, 0.1, 0.1), 0.0))
    np.testing.assert_allclose(result[mask], seamless_clone(content, image, mask)[mask] + 0.1, atol=1e-4)


def test_a_tiny_paste_and_one_at_the_border_go_through(scene: tuple[np.ndarray, ...]) -> None:
    content, image, _ = scene
    for window in (np.s_[3:5, 4:5], np.s_[100:150, 0:60]):
        mask = np.zeros(image.shape[:2], bool)
        mask[window] = True
        result = harmonize(content, image, mask, False, Options(), knowing())
        assert np.isfinite(result).all()
        assert np.array_equal(result[~mask], image[~mask])


class Measuring(nn.Module):
    """Answers with the width it is shown, in thousands, and with what lies on the left of it."""

    def transform(self, pasted: torch.Tensor, *_: object) -> torch.Tensor:
        height, width = pasted.shape[2:]
        answer = torch.zeros(len(pasted), 13, height // 4, width // 4)
        answer[:, 9] = width / 1000
        answer[:, 10, :, : width // 8] = 0.1
        return answer


def test_the_network_looks_at_two_sizes_and_at_their_mirror_images() -> None:
    image = np.full((400, 400, 3), 0.5, np.float32)
    mask = np.zeros((400, 400), bool)
    mask[100:300, 100:300] = True
    context = Context(cache={cache_key(NAME): Network(Measuring(), SimpleNamespace(input_size=160))})
    added = harmonize(image + np.float32(0.2), image, mask, False, DEEP, context)[120:280, 120:280] - 0.5
    np.testing.assert_allclose(added[..., 0], (144 + 200) / 2000, atol=3e-4)
    np.testing.assert_allclose(added[..., 1], 0.05, atol=3e-4)
    np.testing.assert_allclose(added[..., 2], 0, atol=3e-4)


def test_without_its_weights_deep_copy_paste_is_poisson_and_says_so(
    scene: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    content, image, mask = scene
    monkeypatch.setattr("models.zoo.store.locate", lambda card: None)
    context = Context()
    result = harmonize(content, image, mask, False, DEEP, context)
    assert np.array_equal(result, seamless_clone(content, image, mask))
    assert len(context.notes) == 1
    assert "Poisson" in context.notes[0]


def foreground_error(result: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    return float(np.square(result[mask].astype(np.float64) - truth[mask]).mean())


@pytest.mark.parametrize("photograph", ["astronaut", "coffee", "chelsea"])
def test_a_recolored_copy_pasted_back_comes_out_as_it_was_with_all_its_detail(photograph: str) -> None:
    truth = cv2.resize(getattr(data, photograph)(), (330, 270), interpolation=cv2.INTER_AREA)
    unit = truth / 255
    gray = unit.mean(2, keepdims=True)
    copy = np.clip((gray + (unit - gray) * 0.6) ** 1.3 * [0.7, 0.85, 1.0] + 0.04, 0, 1)
    content = np.round(copy * 255).astype(np.uint8)
    rows, columns = np.mgrid[:270, :330]
    mask = ((rows - 130) / 80) ** 2 + ((columns - 160) / 95) ** 2 < 1
    known = np.ones_like(mask)
    transfer = estimate_transfer(content, truth, mask, known)
    assert transfer.agreement == 1
    result = harmonize(content, truth, mask, False, Options(), Context(), Circumstances(transfer))
    plain, poisson = (foreground_error(x, truth, mask) for x in (content, seamless_clone(content, truth, mask)))
    assert foreground_error(result, truth, mask) < min(0.06 * plain, poisson)
    laplacians = [cv2.Laplacian(x.astype(np.float32), cv2.CV_32F)[mask].ravel() for x in (result, truth)]
    assert np.corrcoef(*laplacians)[0, 1] > 0.97
    assert 0.9 < np.abs(laplacians[0]).sum() / np.abs(laplacians[1]).sum() < 1.1

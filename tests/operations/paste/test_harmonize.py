"""The network's answer carried to full size: exactness, the untouched rest, depths, the seam, and life without it."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from backend.imaging.color.spaces import linear_to_srgb, srgb_to_linear
from backend.imaging.poisson.seamless_clone import seamless_clone
from backend.operations import Context
from backend.operations.networks import Network, cache_key
from backend.operations.paste import harmonize
from backend.operations.paste.harmonize import NAME, Look, harmonized, network
from models.papers.copy_paste import CopyPasteConfig, CopyPasteNet

DEEP = Look("deep")
LARGE = """
import resource
import numpy as np
from backend.operations import Context
from backend.operations.paste.harmonize import Look, harmonized, network
content, picture = np.random.default_rng(0).integers(0, 65536, (2, 1024, 2048, 3), np.uint16)
rows, columns = np.ogrid[:1024, :2048]
mask = (rows - 500) ** 2 + (columns - 900) ** 2 < 350 ** 2
context = Context()
assert network(context) is not None
result = harmonized(content, picture, mask, False, Look(), context)
assert np.array_equal(result[~mask], picture[~mask])
assert (result[mask] != picture[mask]).any(1).mean() > 0.9
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""A process that pastes 700 pixels into 1024 x 2048 at 16 bits with the bundled network and prints its peak in KiB."""
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
def scene(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Content, picture (floats, smooth, mid-tones) and a mask, all of which is changed."""
    monkeypatch.setattr(harmonize, "RIM", 0)
    rows, columns = np.mgrid[:150, :210] / 210
    content = np.dstack([0.4 + 0.1 * np.sin(9 * columns), 0.5 + 0.1 * rows, 0.5 - 0.1 * columns])
    content += rng.normal(0, 0.01, content.shape)
    picture = np.dstack([0.6 - 0.1 * rows, 0.4 + 0.1 * columns, 0.5 + 0.05 * np.cos(7 * rows)])
    mask = (columns - 0.5) ** 2 + (rows - 0.35) ** 2 < 0.04
    return content.astype(np.float32), picture.astype(np.float32), mask


def test_the_answer_is_added_to_the_poisson_solution_at_full_size(scene: tuple[np.ndarray, ...]) -> None:
    content, picture, mask = scene
    result = harmonized(content, picture, mask, False, DEEP, knowing())
    expected = seamless_clone(content, picture, mask) + GAIN * content + np.float32(SHIFT)
    np.testing.assert_allclose(result[mask], expected[mask], atol=1e-4)
    assert np.array_equal(result[~mask], picture[~mask])


def test_of_poissons_correction_stays_what_the_network_says(scene: tuple[np.ndarray, ...]) -> None:
    content, picture, mask = scene
    result = harmonized(content, picture, mask, False, DEEP, knowing((0, 0, 0), 0, -0.75))
    expected = content + 0.25 * (seamless_clone(content, picture, mask) - content)
    np.testing.assert_allclose(result[mask], expected[mask], atol=1e-4)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("method", ["auto", "deep", "poisson", "mixed"])
def test_outside_of_the_mask_integers_are_bit_identical_and_inside_they_agree_with_floats(
    scene: tuple[np.ndarray, ...], kind: type[np.unsignedinteger], method: str
) -> None:
    content, picture, mask = scene
    full = np.iinfo(kind).max
    whole = [np.round(x * full).astype(kind) for x in (content, picture)]
    result = harmonized(*whole, mask, False, Look(method), knowing())
    assert result.dtype == kind
    assert np.array_equal(result[~mask], whole[1][~mask])
    floats = harmonized(content, picture, mask, False, Look(method), knowing())
    assert np.abs(result[mask] / full - floats[mask]).max() < 0.01


def test_at_the_outline_auto_is_poisson_and_in_the_middle_the_networks(scene: tuple[np.ndarray, ...]) -> None:
    content, picture, mask = scene
    auto, deep = (harmonized(content, picture, mask, False, Look(m), knowing()) for m in ("auto", "deep"))
    poisson = seamless_clone(content, picture, mask)
    ys, xs = np.nonzero(mask)
    top = ys.argmin()
    outline, middle = (ys[top], xs[top]), (int(0.35 * 210), 105)
    assert np.abs(auto[outline] - poisson[outline]).max() < 0.6 * np.abs(deep[outline] - poisson[outline]).max()
    np.testing.assert_allclose(auto[middle], deep[middle], atol=1e-3)


@pytest.mark.parametrize("linear", [False, True])
def test_an_object_takes_on_the_light_alone_and_keeps_its_contrast(scene: tuple[np.ndarray, ...], linear: bool) -> None:
    """The network wants it twice as dark and without contrast; Poisson's stains are to be left away."""
    content, picture, mask = (srgb_to_linear(x) if linear and x.ndim == 3 else x for x in scene)
    context, look = knowing((0.0, 0.0, 0.0), -1.0, -1.0), Look("auto", cutout=True)
    context.cache[cache_key(NAME)].net.up[-1].plain.bias.data[9:12] = 0.3
    result = harmonized(content, picture, mask, linear, look, context)
    assert np.array_equal(result[~mask], picture[~mask])
    light, before = (x if linear else srgb_to_linear(x) for x in (result, content))
    gains = light[mask] / before[mask]
    assert 0.25 < gains.min() < gains.max() < 0.75  # of linear light, where sRGB 0.3 has 0.07 and the content 0.2
    assert light[mask].std(0)[0] / light[mask].mean(0)[0] > 0.8 * before[mask].std(0)[0] / before[mask].mean(0)[0]
    half = harmonized(content, picture, mask, linear, Look("auto", True, 0.5), context)
    encoded = [linear_to_srgb(x) if linear else x for x in (half, content, result)]
    np.testing.assert_allclose(encoded[0][mask], (encoded[1] + encoded[2])[mask] / 2, atol=2e-3)


@pytest.mark.parametrize("method", ["deep", "poisson"])
def test_strength_goes_from_the_contents_own_colors_all_the_way(scene: tuple[np.ndarray, ...], method: str) -> None:
    content, picture, mask = scene
    none, half, full = (
        harmonized(content, picture, mask, False, Look(method, strength=s), knowing()) for s in (0, 0.5, 1)
    )
    np.testing.assert_allclose(none[mask], content[mask], atol=1e-5)
    np.testing.assert_allclose(half[mask], (content[mask] + full[mask]) / 2, atol=1e-5)


def test_linear_light_is_shown_to_the_network_encoded(scene: tuple[np.ndarray, ...]) -> None:
    content, picture, mask = scene
    linear = [srgb_to_linear(x) for x in (content, picture)]
    result = harmonized(*linear, mask, True, DEEP, knowing())
    base = linear_to_srgb(seamless_clone(*linear, mask))
    expected = srgb_to_linear(base + GAIN * content + np.float32(SHIFT))
    np.testing.assert_allclose(result[mask], expected[mask], atol=2e-3)


def test_gray_stays_gray(scene: tuple[np.ndarray, ...]) -> None:
    content, picture, mask = (x[..., :1] if x.ndim == 3 else x for x in scene)
    result = harmonized(content, picture, mask, False, DEEP, knowing((0.1, 0.1, 0.1), 0.0))
    np.testing.assert_allclose(result[mask], seamless_clone(content, picture, mask)[mask] + 0.1, atol=1e-4)


def test_a_tiny_paste_and_one_at_the_border_go_through(scene: tuple[np.ndarray, ...]) -> None:
    content, picture, _ = scene
    for window in (np.s_[3:5, 4:5], np.s_[100:150, 0:60]):
        mask = np.zeros(picture.shape[:2], bool)
        mask[window] = True
        result = harmonized(content, picture, mask, False, Look(), knowing())
        assert np.isfinite(result).all()
        assert np.array_equal(result[~mask], picture[~mask])


def test_a_patch_leaves_its_rim_to_the_picture_but_not_at_the_pictures_border(rng: np.random.Generator) -> None:
    content, picture = rng.random((2, 90, 120, 3), np.float32)
    mask, inner = np.zeros((2, 90, 120), bool)
    mask[30:70, :80] = inner[33:67, :77] = True
    patch = harmonized(content, picture, mask, False, DEEP, knowing())
    assert np.array_equal(patch[~inner], picture[~inner])
    assert (patch[inner] != picture[inner]).any(1).all()
    cut_out = harmonized(content, picture, mask, False, Look("deep", cutout=True), knowing())
    assert (cut_out[mask] != picture[mask]).any(1).all()
    thread = np.zeros_like(mask)
    thread[40, 10:100] = True
    assert (harmonized(content, picture, thread, False, DEEP, knowing())[thread] != picture[thread]).any()


def test_a_patch_goes_over_into_the_picture_within_a_few_pixels_and_its_detail_does_not_end_at_a_line(
    rng: np.random.Generator,
) -> None:
    """A patch of grain on flat gray, cut off by the picture on its left: the grain grows from the rim on."""
    content = (0.5 + rng.uniform(-0.3, 0.3, (160, 160, 3))).astype(np.float32)
    picture = np.full_like(content, 0.5)
    mask = np.zeros(picture.shape[:2], bool)
    mask[20:140, :100] = True
    quiet = knowing((0, 0, 0), 0)
    auto, deep = (harmonized(content, picture, mask, False, Look(m), quiet)[40:120] for m in ("auto", "deep"))
    grain = np.abs(auto - 0.5).mean((0, 2)) / np.abs(deep - 0.5).mean((0, 2)).clip(1e-6)
    last = 100 - harmonize.RIM - 1
    assert 0 < grain[last] < 0.4
    assert (np.diff(grain[last - 3 : last + 1]) < -0.1).all()
    np.testing.assert_allclose(grain[: last - 4], 1, atol=1e-3)


class Measuring(nn.Module):
    """Answers with the width it is shown, in thousands, and with what lies on the left of it."""

    def transform(self, pasted: torch.Tensor, *_: object) -> torch.Tensor:
        height, width = pasted.shape[2:]
        answer = torch.zeros(len(pasted), 13, height // 4, width // 4)
        answer[:, 9] = width / 1000
        answer[:, 10, :, : width // 8] = 0.1
        return answer


def test_the_network_looks_at_two_sizes_and_at_their_mirror_images() -> None:
    picture = np.full((400, 400, 3), 0.5, np.float32)
    mask = np.zeros((400, 400), bool)
    mask[100:300, 100:300] = True
    context = Context(cache={cache_key(NAME): Network(Measuring(), SimpleNamespace(input_size=160))})
    added = harmonized(picture, picture, mask, False, DEEP, context)[120:280, 120:280] - 0.5
    np.testing.assert_allclose(added[..., 0], (144 + 200) / 2000, atol=1e-4)
    np.testing.assert_allclose(added[..., 1], 0.05, atol=1e-4)
    np.testing.assert_allclose(added[..., 2], 0, atol=1e-4)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts KiB on Linux alone")
def test_700_pixels_go_into_1024_by_2048_within_2_gb() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2 * 1024**2


def test_without_weights_it_is_poisson_and_says_so(
    scene: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    content, picture, mask = scene
    monkeypatch.setattr("models.zoo.store.locate", lambda card: None)
    context = Context()
    assert network(context) is None
    result = harmonized(content, picture, mask, False, Look(), context)
    assert np.array_equal(result, seamless_clone(content, picture, mask))
    assert len(context.notes) == 1
    assert "Poisson" in context.notes[0]

"""The papers' segmentation networks: shapes, offsets, initial values and the equivalences the papers state."""

import pytest
import torch
import torch.nn.functional as F
import torchvision

from models.papers.deeplab import BLOCK5_RATE, DeepLabLFOV
from models.papers.fcn import FCN, SIZE_LOSS, bilinear_kernel, crop, upsampling
from models.papers.resnet_seg import ResNetSeg
from models.papers.vgg import VGG16

SLIM = 1 / 16


def test_full_width_vgg_is_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.vgg16(weights=None).eval()
    mine = VGG16().eval()
    mine.load_torchvision(theirs.state_dict())
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(mine(image)[-1], theirs.features(image))


def test_a_slim_vgg_refuses_the_published_weights() -> None:
    with pytest.raises(ValueError, match="width 1"):
        VGG16(0.5).load_torchvision(torchvision.models.vgg16(weights=None).state_dict())


@pytest.mark.parametrize(("padding", "side"), [(80, 6), (100, 8), (130, 10)])
def test_padding_leaves_the_score_maps_of_table_iv(padding: int, side: int) -> None:
    scores, _ = FCN(32, width=SLIM, padding=padding).scores(torch.zeros(1, 3, 224, 224))
    assert scores.shape == (1, 21, side, side)


@pytest.mark.parametrize("stride", [32, 16, 8, 4])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (97, 131), (33, 224)])
def test_fcn_answers_at_the_images_size(stride: int, height: int, width: int) -> None:
    net = FCN(stride, classes=2, width=SLIM).eval()
    assert net(torch.zeros(1, 3, height, width)).shape == (1, 2, height, width)


@pytest.mark.parametrize("padding", [80, 100, 130])
@pytest.mark.parametrize("stride", [32, 16, 8, 4])
def test_scores_land_where_they_were_seen(stride: int, padding: int) -> None:
    """A score map that is the image's own coordinate must come out as that coordinate."""
    net = FCN(stride, classes=2, width=SLIM, padding=padding).eval()
    size = 224
    scores, _ = net.scores(torch.zeros(1, 3, size, size))
    seen_at = 32 * torch.arange(scores.shape[-1]) + 112.5 - padding  # the docstring's equation
    with torch.no_grad():
        x = seen_at.expand(1, 2, scores.shape[-2], -1).contiguous()
        for double in net.doubling:
            x = double(x)
        x = crop(net.upsampling(x), padding - SIZE_LOSS[stride], size, size)
    inner = slice(80, 140)
    tolerance = 1.01 if padding == 80 and stride == 32 else 1e-3  # 80 is one pixel short: the crop would start at -1
    torch.testing.assert_close(
        x[0, 0, 110, inner], torch.arange(size, dtype=torch.float32)[inner], atol=tolerance, rtol=0
    )


@pytest.mark.parametrize(("level", "offset"), [(3, 5), (2, 9), (1, 17)])
def test_skips_are_cropped_to_the_same_place(level: int, offset: int) -> None:
    """The offsets of the original for pool4 and pool3 follow from the coordinates, as does the one for pool2."""
    padding, stride = 100, 2 ** (level + 1)
    pool = 1 - padding + (stride - 1) / 2
    a, b = 32.0, 112.5 - padding
    while a > stride:
        a, b = a / 2, b - 1.5 * a / 2
    assert (b - pool) / stride == offset


def test_upsampling_starts_as_bilinear_interpolation() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 6, 7)
    expected = F.interpolate(x, scale_factor=4, mode="bilinear", align_corners=False)
    inner = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(upsampling(3, 4)(x)[..., 2:-2, 2:-2][inner], expected[inner])
    assert bilinear_kernel(4)[1, 1] == 0.75**2


def test_sequential_training_starts_where_the_coarser_network_ended() -> None:
    torch.manual_seed(0)
    coarse, fine = FCN(32, classes=2, width=SLIM).eval(), FCN(16, classes=2, width=SLIM).eval()
    torch.nn.init.normal_(coarse.score.weight)
    fine.load_coarser(coarse.state_dict())
    image = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        a, b = coarse(image), fine(image)
    assert a.std() > 0
    assert (a - b).abs().mean() < 0.25 * a.std()  # twice 2 x and 16 x bilinear is not 32 x bilinear, but near


def test_fcn_refuses_other_strides() -> None:
    with pytest.raises(ValueError, match="32, 16, 8, 4"):
        FCN(12)


def test_images_too_small_for_the_padding_are_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="enlarge the image"):
        FCN(32, width=SLIM, padding=80)(torch.zeros(1, 3, 32, 32))


def test_atrous_filters_see_what_they_saw_before_downsampling() -> None:
    """DeepLab, section 3.1: a filter with holes on the full map is the filter on the subsampled map, at every other
    position."""
    torch.manual_seed(0)
    conv = next(layer for layer in DeepLabLFOV(width=SLIM).trunk.stages[4] if isinstance(layer, torch.nn.Conv2d))
    x = torch.randn(1, conv.in_channels, 20, 20)
    sparse = F.conv2d(x[..., ::BLOCK5_RATE, ::BLOCK5_RATE], conv.weight, conv.bias, padding=1)
    torch.testing.assert_close(conv(x)[..., ::BLOCK5_RATE, ::BLOCK5_RATE], sparse)


def test_deeplab_keeps_stride_8_and_the_published_sizes() -> None:
    net = DeepLabLFOV(width=SLIM).eval()
    assert net.scores(torch.zeros(1, 3, 65, 97)).shape == (1, 21, 9, 13)
    assert net(torch.zeros(1, 3, 65, 97)).shape == (1, 21, 65, 97)
    with torch.device("meta"):
        full = DeepLabLFOV()
    assert full.fc6.weight.shape == (1024, 512, 3, 3) and full.fc6.dilation == (12, 12)
    assert 20.4e6 < sum(p.numel() for p in full.parameters()) < 20.6e6  # 20.5 M, table 2 of the paper


def test_cnn_resnet_gives_one_logit_a_pixel() -> None:
    net = ResNetSeg(SLIM)
    out = net(torch.randn(2, 3, 50, 70))
    assert out.shape == (2, 1, 50, 70)
    out.sum().backward()
    assert all(p.grad is not None for p in net.parameters())

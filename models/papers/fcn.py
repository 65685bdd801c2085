"""Fully convolutional networks (Long, Shelhamer and Darrell 2015): FCN-32s, 16s, 8s, and FCN-4s of "Seamless Image
Cloning".

The first layer is padded so that a 7 x 7 convolution has something to see even of thumbnails; every score map is
then cropped to where it lies in the image. With x = a o + b the image's coordinate of element o of a map, padding P
of the first layer gives

    pool n   a = 2^n, b = 1 - P + (2^n - 1) / 2            scores   a = 32, b = 112.5 - P

and a transposed convolution of kernel 2 s and stride s takes o to s o + s - 1/2. From this follow the offsets of the
crops: 5, 9 and 17 for the skips from pool4, pool3 and pool2, and P - 81, P - 73, P - 69, P - 67 for the last one (19,
27, 31 of the original with P = 100).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.papers.vgg import VGG16, scaled

SKIP_OFFSETS = (5, 9, 17)  # pool4, pool3, pool2
SIZE_LOSS = {32: 81, 16: 73, 8: 69, 4: 67}  # the last crop starts at the padding minus this


def bilinear_kernel(size: int) -> Tensor:
    """size x size weights that upsample bilinearly by size / 2 in a transposed convolution of that stride."""
    factor = (size + 1) // 2
    center = factor - 1 if size % 2 else factor - 0.5
    line = 1 - (torch.arange(size, dtype=torch.float32) - center).abs() / factor
    return line[:, None] * line[None, :]


def upsampling(classes: int, stride: int) -> nn.ConvTranspose2d:
    """Transposed convolution by `stride`, initialized to bilinear interpolation of each class by itself."""
    layer = nn.ConvTranspose2d(classes, classes, 2 * stride, stride, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        for c in range(classes):
            layer.weight[c, c] = bilinear_kernel(2 * stride)
    return layer


def crop(x: Tensor, offset: int, height: int, width: int) -> Tensor:
    """height x width of `x` from `offset`; what is lacking (up to a few pixels with padding 80) repeats the edge."""
    offset = max(0, offset)
    bottom, right = (max(0, offset + n - have) for n, have in zip((height, width), x.shape[-2:], strict=True))
    if bottom or right:
        x = F.pad(x, (0, right, 0, bottom), mode="replicate")
    return x[..., offset : offset + height, offset : offset + width]


class FCN(nn.Module):
    """See the module's docstring.

    stride: 32, 16, 8 or 4. classes: 21 for PASCAL VOC, 2 for portraits. width: factor on all channels. padding: of the
    first layer, 80, 100 or 130 in the paper's table IV, which leave 6 x 6, 8 x 8 or 10 x 10 scores of a 224 x 224
    image.
    """

    def __init__(self, stride: int = 8, classes: int = 21, width: float = 1.0, padding: int = 100) -> None:
        super().__init__()
        if stride not in SIZE_LOSS:
            raise ValueError(f"stride must be one of {', '.join(map(str, SIZE_LOSS))}, not {stride}")
        self.stride, self.classes, self.padding = stride, classes, padding
        self.trunk = VGG16(width, padding=padding)
        hidden = scaled(4096, width)
        self.fc6 = nn.Conv2d(self.trunk.channels[-1], hidden, 7)
        self.fc7 = nn.Conv2d(hidden, hidden, 1)
        self.score = nn.Conv2d(hidden, classes, 1)
        self.dropout = nn.Dropout2d()
        skips = {32: 0, 16: 1, 8: 2, 4: 3}[stride]
        self.skips = nn.ModuleList(nn.Conv2d(self.trunk.channels[3 - i], classes, 1) for i in range(skips))
        self.doubling = nn.ModuleList(upsampling(classes, 2) for _ in range(skips))
        self.upsampling = upsampling(classes, stride)
        for conv in (self.fc6, self.fc7):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        for conv in (self.score, *self.skips):  # "we zero-initialize the class scoring layers"
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)

    def scores(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Class scores at stride 32, B x classes x h x w, and the trunk's pooling outputs.

        Raises ValueError for an image that is too small.
        """
        pools = self.trunk(image)
        if min(pools[-1].shape[-2:]) < self.fc6.kernel_size[0]:
            size = f"{image.shape[-2]} x {image.shape[-1]}"
            raise ValueError(f"{size} is too small with padding {self.padding}: enlarge the image or pad by 100")
        x = self.dropout(F.relu(self.fc6(pools[-1])))
        x = self.dropout(F.relu(self.fc7(x)))
        return self.score(x), pools

    def forward(self, image: Tensor) -> Tensor:
        """B x 3 x H x W, normalized by ImageNet's mean and deviation, of any size -> B x classes x H x W logits."""
        x, pools = self.scores(image)
        for skip, double, offset, pool in zip(self.skips, self.doubling, SKIP_OFFSETS, pools[3::-1], strict=False):
            x = double(x)
            x = x + crop(skip(pool), offset, *x.shape[-2:])
        return crop(self.upsampling(x), self.padding - SIZE_LOSS[self.stride], *image.shape[-2:])

    @torch.no_grad()
    def load_coarser(self, state: Mapping[str, Tensor]) -> None:
        """Starts from a coarser FCN (sequential training): all but the last upsampling; new skips stay at zero."""
        self.load_state_dict({k: v for k, v in state.items() if not k.startswith("upsampling.")}, strict=False)


fcn32s = partial(FCN, 32)
fcn16s = partial(FCN, 16)
fcn8s = partial(FCN, 8)
fcn4s = partial(FCN, 4)

"""The bundled segmentation network: one encoder, three heads.

The image is encoded once (MobileNetV2, Sandler et al. 2018, features at strides 2..32). A U-Net decoder with pyramid
pooling at stride 32 (Zhao et al. 2017) answers "what is the subject" and, at stride 8, "which PASCAL class is where". A
second decoder on the same features takes a prompt (region, inside, outside) and answers "what is the object meant
here"; prompts after the first are cheap.

Batch-norm of the encoder is frozen into a scale and a bias a channel, trained like any weight: statistics of small
batches do no harm, and a third of the training time on CPUs goes away.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.voc import VOC_CLASSES

CLASSES = len(VOC_CLASSES)
PROMPT_CHANNELS = 3  # region (box, lasso), inside (dot, scribble), outside; each 0..1
STRIDE = 32

TAPS = (1, 3, 6, 13, 17)  # blocks of MobileNetV2 whose outputs are kept
TAP_CHANNELS = (16, 24, 32, 96, 320)
WIDTHS = (24, 48, 96, 128)  # of a decoder at strides 2, 4, 8, 16
# expansion, output channels, repeats, stride: table 2 of the MobileNetV2 paper
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class ScaledConv(nn.Conv2d):
    """Convolution with a trained gain a channel: convolution and frozen batch-norm in one."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups)
        self.gain = nn.Parameter(torch.ones(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self._conv_forward(x, self.weight * self.gain[:, None, None, None], self.bias)
        return out


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, project 1x1; the input is added where shapes allow."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [ScaledConv(channels_in, hidden, 1), nn.ReLU6(inplace=True)]
        layers += [ScaledConv(hidden, hidden, 3, stride, groups=hidden), nn.ReLU6(inplace=True)]
        layers += [ScaledConv(hidden, channels_out, 1)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return x + out if self.residual else out


class Encoder(nn.Module):
    """MobileNetV2 up to its last bottleneck; B x 3 x H x W -> features at strides 2, 4, 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Sequential(ScaledConv(3, 32, 3, 2), nn.ReLU6(inplace=True))]
        channels = 32
        for expansion, out, repeats, stride in BLOCKS:
            for i in range(repeats):
                blocks.append(InvertedResidual(channels, out, stride if i == 0 else 1, expansion))
                channels = out
        self.blocks = nn.ModuleList(blocks)

    def forward(self, image: Tensor) -> list[Tensor]:
        features = []
        x = image
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in TAPS:
                features.append(x)
        return features

    def load_torchvision(self, state: Mapping[str, Tensor], eps: float = 1e-5) -> None:
        """Takes the weights of `torchvision.models.mobilenet_v2`, each batch-norm turned into a gain and a bias."""
        kernels = [key for key, value in state.items() if key.startswith("features.") and value.ndim == 4]
        kernels.sort(key=lambda key: [int(part) for part in key.split(".") if part.isdigit()])
        convolutions = [module for module in self.modules() if isinstance(module, ScaledConv)]
        with torch.no_grad():
            for key, conv in zip(
                kernels, convolutions, strict=False
            ):  # torchvision has one more, the 1280-channel layer
                prefix, index, _ = key.rsplit(".", 2)
                norm = f"{prefix}.{int(index) + 1}."
                gain = state[norm + "weight"].float() / torch.sqrt(state[norm + "running_var"].float() + eps)
                conv.weight.copy_(state[key])
                conv.gain.copy_(gain)
                assert conv.bias is not None
                conv.bias.copy_(state[norm + "bias"].float() - gain * state[norm + "running_mean"].float())


def conv_block(channels_in: int, channels_out: int, kernel: int = 3) -> nn.Sequential:
    """Convolution of the same size, batch normalization, ReLU: B x channels_in x H x W to B x channels_out x H x W."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class PyramidPooling(nn.Module):
    """Means over the whole, 2 x 2 and 4 x 4 cells beside the features themselves (Zhao et al. 2017, section 3.2)."""

    def __init__(self, channels_in: int, channels_out: int, cells: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        self.cells = cells
        self.reduce = nn.ModuleList(nn.Conv2d(channels_in, 48, 1) for _ in cells)
        self.join = conv_block(channels_in + 48 * len(cells), channels_out)

    def forward(self, x: Tensor) -> Tensor:
        parts = [x]
        for cells, reduce in zip(self.cells, self.reduce, strict=True):
            pooled = F.relu(reduce(F.adaptive_avg_pool2d(x, cells)))
            parts.append(F.interpolate(pooled, x.shape[-2:], mode="bilinear", align_corners=False).to(x.dtype))
        out: Tensor = self.join(torch.cat(parts, 1))
        return out


class Decoder(nn.Module):
    """Stride 32 to stride 2.

    Args:
        context: channels at stride 32.
        extra: channels (of a prompt) that are concatenated at every stage.
        widths: channels at strides 2, 4, 8, 16.
    """

    def __init__(self, context: int = 160, extra: int = 0, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.context = PyramidPooling(TAP_CHANNELS[-1] + extra, context)
        stages = []
        below = context
        for lateral, width in reversed(list(zip(TAP_CHANNELS[:-1], widths, strict=True))):
            stages.append(conv_block(below + lateral + extra, width))
            below = width
        self.stages = nn.ModuleList(stages)
        self.refine = nn.ModuleList([conv_block(width, width) for width in widths[:1:-1]])
        self.logit = nn.Conv2d(widths[0], 1, 3, padding=1)

    def coarse(self, features: list[Tensor], extras: list[Tensor] | None = None) -> Tensor:
        """The decoded features at stride 8."""
        x: Tensor = self.context(features[-1] if extras is None else torch.cat([features[-1], extras[-1]], 1))
        for level in (3, 2):
            x = self.refine[3 - level](self._stage(level, x, features, extras))
        return x

    def fine(self, x: Tensor, features: list[Tensor], extras: list[Tensor] | None = None) -> Tensor:
        """From stride 8 to B x 1 x H x W logits."""
        for level in (1, 0):
            x = self._stage(level, x, features, extras)
        return F.interpolate(self.logit(x), scale_factor=2, mode="bilinear", align_corners=False)

    def _stage(self, level: int, x: Tensor, features: list[Tensor], extras: list[Tensor] | None) -> Tensor:
        lateral = features[level]
        parts = [F.interpolate(x, lateral.shape[-2:], mode="bilinear", align_corners=False), lateral]
        if extras is not None:
            parts.append(extras[level])
        out: Tensor = self.stages[3 - level](torch.cat([part.to(lateral.dtype) for part in parts], 1))
        return out


class PromptEncoder(nn.Module):
    """A prompt at every stride, with what the features look like under it: B x (3 + 13) channels a level.

    The means of the stride-16 and stride-32 features over the prompted region and over the dots tell the decoder what
    to look for wherever it is, which a convolution over the prompt alone cannot.
    """

    CHANNELS = PROMPT_CHANNELS + 13

    def __init__(self) -> None:
        super().__init__()
        seen = TAP_CHANNELS[3] + TAP_CHANNELS[4]
        self.look = nn.Sequential(nn.Linear(2 * seen, 64), nn.ReLU(inplace=True), nn.Linear(64, 13))

    def forward(self, features: list[Tensor], prompt: Tensor) -> list[Tensor]:
        maps = [F.adaptive_avg_pool2d(prompt, (f.shape[-2], f.shape[-1])) for f in features]
        # a dot must not fade away at the coarse strides
        maps = [torch.cat([m[:, :1], F.adaptive_max_pool2d(prompt[:, 1:], m.shape[-2:])], 1) for m in maps]
        means = []
        for channel in (0, 1):
            for level in (3, 4):
                weight = maps[level][:, channel : channel + 1]
                total = (features[level].float() * weight).sum((2, 3))
                means.append(total / weight.sum((2, 3)).clamp_min(1e-3))
        code = self.look(torch.cat(means, 1))[:, :, None, None]
        return [
            torch.cat([m, code.expand(-1, -1, *m.shape[-2:])], 1).to(f.dtype)
            for m, f in zip(maps, features, strict=True)
        ]


def box_around(logits: Tensor, margin: float = 0.05) -> Tensor:
    """A prompt with the box around each answer as its region: B x 1 x H x W logits -> B x 3 x H x W in 0..1.

    margin: how far the box reaches beyond the answer, of its longer side. Where nothing is above 0 there is no region.
    """
    prompt = torch.zeros(logits.shape[0], PROMPT_CHANNELS, *logits.shape[2:], device=logits.device)
    for region, mask in zip(prompt[:, 0], logits[:, 0] > 0, strict=True):
        if not mask.any():
            continue
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        above, below, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        reach = 1 + int(margin * max(below - above, right - left))
        region[max(0, above - reach) : below + reach, max(0, left - reach) : right + reach] = 1
    return prompt


class SubjectNet(nn.Module):
    """See the module's docstring. Images are RGB normalized by ImageNet's mean and deviation, H and W multiples of
    32."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.class_logits = nn.Conv2d(96, CLASSES, 1)
        self.prompt = PromptEncoder()
        self.object_decoder = Decoder(context=128, extra=PromptEncoder.CHANNELS)

    def encode(self, image: Tensor) -> list[Tensor]:
        """B x 3 x H x W -> features at strides 2, 4, 8, 16, 32. Raises ValueError where H or W is no multiple of 32."""
        if image.ndim != 4 or image.shape[1] != 3 or image.shape[2] % STRIDE or image.shape[3] % STRIDE:
            raise ValueError(
                f"expected B x 3 x H x W with H and W multiples of {STRIDE}, got {tuple(image.shape)}; resize it first"
            )
        features: list[Tensor] = self.encoder(image)
        return features

    def subject(self, features: list[Tensor]) -> Tensor:
        """B x 1 x H x W logits of the image's subject."""
        return self.decoder.fine(self.decoder.coarse(features), features)

    def settled_subject(self, features: list[Tensor]) -> Tensor:
        """B x 1 x H x W probabilities of being the subject: the mean of the subject's own and of the object's that the
        second decoder sees in the box around it; the subject's own where nothing was found."""
        logits = self.subject(features).float()
        found = logits.amax((1, 2, 3), keepdim=True) > 0
        again = self.object(features, box_around(logits)).float()
        return (logits.sigmoid() + torch.where(found, again, logits).sigmoid()) / 2

    def classes(self, features: list[Tensor]) -> Tensor:
        """B x 21 x H/8 x W/8 logits of the PASCAL VOC classes, background first."""
        out: Tensor = self.class_logits(self.decoder.coarse(features))
        return out

    def object(self, features: list[Tensor], prompt: Tensor) -> Tensor:
        """B x 1 x H x W logits of the object meant by `prompt`, B x 3 x H x W in 0..1: region, inside, outside.

        The region is a filled box or lasso around the object; inside and outside are dots or scribbles (a disc of about
        2 % of the side for a click). Channels not used are zero. Raises ValueError for a prompt of another shape.
        """
        if prompt.ndim != 4 or prompt.shape[1] != PROMPT_CHANNELS or prompt.shape[2] != 2 * features[0].shape[2]:
            raise ValueError(
                f"expected a B x {PROMPT_CHANNELS} x H x W prompt of the image's size, got {tuple(prompt.shape)}"
            )
        extras = self.prompt(features, prompt)
        return self.object_decoder.fine(self.object_decoder.coarse(features, extras), features, extras)

    def forward(self, image: Tensor, prompt: Tensor, again: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Subject, class and object logits in one pass, for training.

        Args:
            image: B x 3 x H x W, normalized, H and W multiples of 32.
            prompt: B x 3 x H x W, 0..1: region, inside, outside.
            again: B, bool; where it holds, the object is asked for by the box around the subject just found, not by the
            prompt.

        Returns:
            B x 1 x H x W of the subject, B x 21 x H/8 x W/8 of the classes, B x 1 x H x W of the object.
        """
        features = self.encode(image)
        coarse = self.decoder.coarse(features)
        subject = self.decoder.fine(coarse, features)
        if again is not None:
            prompt = torch.where(again[:, None, None, None], box_around(subject.detach().float()), prompt)
        return subject, self.class_logits(coarse), self.object(features, prompt)

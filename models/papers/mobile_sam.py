"""MobileSAM (Zhang et al. 2023): what points and a box mean in an image, a small encoder with SAM's decoder.

The encoder is TinyViT (Wu et al. 2022), the decoder that of Segment Anything (Kirillov et al. 2023). The parameters
have the names of the published checkpoint's, which loads strictly.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS, DEPTHS, HEADS, WINDOWS = (64, 128, 160, 320), (2, 2, 6, 2), (2, 4, 5, 10), (7, 7, 14, 7)
STRIDES = (2, 2, 1)  # of the steps from one stage to the next
CHANNELS = 256  # of the embedding, which has a sixteenth of the image's side
FEW = 2  # points that may mean a part or the whole: the best of three masks; with more of them there is one mask


class ConvNorm(nn.Sequential):
    """A convolution and its normalization."""

    def __init__(self, inputs: int, outputs: int, side: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.add_module("c", nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False))
        self.add_module("bn", nn.BatchNorm2d(outputs))


class LayerNorm2d(nn.LayerNorm):
    """Normalizes each place of B x C x H x W over its channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class InvertedResidual(nn.Module):
    """A block of the first stage."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(width, 4 * width)
        self.conv2 = ConvNorm(4 * width, 4 * width, 3, groups=4 * width)
        self.conv3 = ConvNorm(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x + self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x))))))


class Downsample(nn.Module):
    """The step to the next stage."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs)
        self.conv2 = ConvNorm(outputs, outputs, 3, stride, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return found


class WindowAttention(nn.Module):
    """Attention within a window, with a learned bias for each distance across and down."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        place = torch.arange(window)
        apart = (place[:, None] - place).abs()  # the published order of distances is down times window, plus across
        index = window * apart[:, None, :, None] + apart[None, :, None, :]
        self.register_buffer("index", index.reshape(window**2, window**2), persistent=False)
        self.index: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """x: windows x places x width."""
        count, places, width = x.shape
        qkv = self.qkv(self.norm(x)).view(count, places, self.heads, -1).transpose(1, 2)
        q, k, v = qkv.chunk(3, dim=-1)
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=self.attention_biases[:, self.index])
        projected: Tensor = self.proj(found.transpose(1, 2).reshape(count, places, width))
        return projected


class Mlp(nn.Module):
    """The two layers after attention, with their normalization."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return found


class WindowBlock(nn.Module):
    """A block of the later stages."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = WindowAttention(width, heads, window)
        self.local_conv = ConvNorm(width, width, 3, groups=width)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.local_conv(x + self._attended(x))
        flat = x.permute(0, 2, 3, 1)
        found: Tensor = (flat + self.mlp(flat)).permute(0, 3, 1, 2)
        return found

    def _attended(self, x: Tensor) -> Tensor:
        batch, width, height, across = x.shape
        side = self.window
        padded = F.pad(x, (0, -across % side, 0, -height % side))
        rows, columns = padded.shape[2] // side, padded.shape[3] // side
        tiles = padded.view(batch, width, rows, side, columns, side).permute(0, 2, 4, 3, 5, 1)
        seen: Tensor = self.attn(tiles.reshape(-1, side * side, width)).view(batch, rows, columns, side, side, width)
        joined = seen.permute(0, 5, 1, 3, 2, 4).reshape(batch, width, rows * side, columns * side)
        found: Tensor = joined[..., :height, :across]
        return found


class Stage(nn.Module):
    """Blocks, and the step to the next stage."""

    def __init__(self, number: int) -> None:
        super().__init__()
        width = WIDTHS[number]
        self.blocks = nn.Sequential(
            *(
                WindowBlock(width, HEADS[number], WINDOWS[number]) if number else InvertedResidual(width)
                for _ in range(DEPTHS[number])
            )
        )
        last = number == len(STRIDES)
        self.downsample = nn.Identity() if last else Downsample(width, WIDTHS[number + 1], STRIDES[number])

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.downsample(self.blocks(x))
        return found


class TinyViT(nn.Module):
    """The encoder: B x 3 x S x S, normalized, to B x 256 x S/16 x S/16."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict(
            {"seq": nn.Sequential(ConvNorm(3, 32, 3, 2), nn.GELU(), ConvNorm(32, WIDTHS[0], 3, 2))}
        )
        self.layers = nn.Sequential(*(Stage(number) for number in range(len(WIDTHS))))
        self.norm_head = nn.LayerNorm(WIDTHS[-1])  # of the classifier it was, as is the next one; they are not used
        self.head = nn.Linear(WIDTHS[-1], 1000)
        self.neck = nn.Sequential(
            nn.Conv2d(WIDTHS[-1], CHANNELS, 1, bias=False),
            LayerNorm2d(CHANNELS),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False),
            LayerNorm2d(CHANNELS),
        )

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.neck(self.layers(self.patch_embed["seq"](x)))
        return found


class Positions(nn.Module):
    """Places, 0..1, as sines of random frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, CHANNELS // 2))
        self.positional_encoding_gaussian_matrix: Tensor

    def forward(self, places: Tensor) -> Tensor:
        """places: ... x 2, across and down."""
        waves = 2 * math.pi * ((2 * places - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([waves.sin(), waves.cos()], -1)


class PromptEncoder(nn.Module):
    """What points and corners are to the decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.pe_layer = Positions()
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, CHANNELS) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, CHANNELS)
        self.mask_downscaling = nn.Sequential(  # of a mask given as a prompt, which is not used
            nn.Conv2d(1, 4, 2, 2), LayerNorm2d(4), nn.GELU(),
            nn.Conv2d(4, 16, 2, 2), LayerNorm2d(16), nn.GELU(), nn.Conv2d(16, CHANNELS, 1),
        )  # fmt: skip
        self.no_mask_embed = nn.Embedding(1, CHANNELS)

    def forward(self, points: Tensor, labels: Tensor, side: int) -> Tensor:
        """points: 1 x N x 2 pixels of the image of `side`; labels: 1 x N, 0 off it, 1 on it, 2 and 3 corners, -1 none.

        Returns 1 x N x 256.
        """
        kinds = torch.cat([each.get_parameter("weight") for each in (self.not_a_point_embed, *self.point_embeddings)])
        places: Tensor = self.pe_layer((points + 0.5) / side) * (labels >= 0)[..., None]
        return places + kinds[labels.long() + 1]


class Attention(nn.Module):
    """Of the decoder: queries, keys and values of `inner` channels."""

    def __init__(self, inner: int = CHANNELS // 2) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(CHANNELS, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, CHANNELS)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        heads = (
            layer(x).unflatten(-1, (8, -1)).transpose(1, 2)
            for layer, x in ((self.q_proj, q), (self.k_proj, k), (self.v_proj, v))
        )
        found: Tensor = self.out_proj(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))
        return found


class TwoWayBlock(nn.Module):
    """Tokens look at each other and at the image, the image at the tokens."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(CHANNELS)
        self.cross_attn_token_to_image, self.cross_attn_image_to_token = Attention(), Attention()
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(CHANNELS) for _ in range(4))
        self.mlp = nn.ModuleDict({"lin1": nn.Linear(CHANNELS, 2048), "lin2": nn.Linear(2048, CHANNELS)})

    def forward(self, tokens: Tensor, image: Tensor, token_places: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        if self.first:
            tokens = self.norm1(self.self_attn(tokens, tokens, tokens))
        else:
            asking = tokens + token_places
            tokens = self.norm1(tokens + self.self_attn(asking, asking, tokens))
        seen = self.cross_attn_token_to_image(tokens + token_places, image + places, image)
        tokens = self.norm2(tokens + seen)
        tokens = self.norm3(tokens + self.mlp["lin2"](F.relu(self.mlp["lin1"](tokens))))
        seen = self.cross_attn_image_to_token(image + places, tokens + token_places, tokens)
        return tokens, self.norm4(image + seen)


class TwoWayTransformer(nn.Module):
    """Two blocks, and a last look of the tokens at the image."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([TwoWayBlock(first=True), TwoWayBlock(first=False)])
        self.final_attn_token_to_image = Attention()
        self.norm_final_attn = nn.LayerNorm(CHANNELS)

    def forward(self, image: Tensor, places: Tensor, prompt: Tensor) -> tuple[Tensor, Tensor]:
        """image, places: 1 x P x 256; prompt: 1 x N x 256."""
        tokens = prompt
        for layer in self.layers:
            tokens, image = layer(tokens, image, prompt, places)
        seen = self.final_attn_token_to_image(tokens + prompt, image + places, image)
        return self.norm_final_attn(tokens + seen), image


class Perceptron(nn.Module):
    """Three layers."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        sizes = (CHANNELS, CHANNELS, CHANNELS, outputs)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        found: Tensor = self.layers[-1](x)
        return found


class MaskDecoder(nn.Module):
    """Four masks and what IoU each is expected to have."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer()
        self.iou_token, self.mask_tokens = nn.Embedding(1, CHANNELS), nn.Embedding(4, CHANNELS)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(CHANNELS, CHANNELS // 4, 2, 2), LayerNorm2d(CHANNELS // 4), nn.GELU(),
            nn.ConvTranspose2d(CHANNELS // 4, CHANNELS // 8, 2, 2), nn.GELU(),
        )  # fmt: skip
        self.output_hypernetworks_mlps = nn.ModuleList(Perceptron(CHANNELS // 8) for _ in range(4))
        self.iou_prediction_head = Perceptron(4)

    def forward(self, image: Tensor, places: Tensor, prompt: Tensor) -> tuple[Tensor, Tensor]:
        """image, places: 1 x 256 x h x w; prompt: 1 x N x 256. Returns 1 x 4 x 4h x 4w logits, and 1 x 4."""
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])[None]
        tokens, seen = self.transformer(image.flatten(2).mT, places.flatten(2).mT, torch.cat([own, prompt], 1))
        large = self.output_upscaling(seen.mT.reshape(image.shape))
        weights = torch.stack([each(tokens[:, 1 + i]) for i, each in enumerate(self.output_hypernetworks_mlps)], 1)
        return torch.einsum("bnc,bchw->bnhw", weights, large), self.iou_prediction_head(tokens[:, 0])


class MobileSam(nn.Module):
    """The whole. side: pixels of the square that the encoder sees, in which an image lies at the upper left."""

    def __init__(self, side: int = 1024) -> None:
        super().__init__()
        self.side = side
        self.image_encoder = TinyViT()
        self.prompt_encoder = PromptEncoder()
        self.mask_decoder = MaskDecoder()

    def encode(self, image: Tensor) -> Tensor:
        """1 x 3 x h x w, normalized, neither side longer than `side`, to its embedding, 1 x 256 x side/16 x side/16."""
        found: Tensor = self.image_encoder(F.pad(image, (0, self.side - image.shape[3], 0, self.side - image.shape[2])))
        return found

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """The masks that a prompt may mean, and what IoU each is expected to have.

        Args:
            embedding: of the image.
            points: 1 x N x 2, x and y in pixels of the image that was encoded.
            labels: 1 x N, as in `PromptEncoder`.
            size: the height and the width of that image.

        Returns:
            1 x M x h x w logits, 1 x M.
        """
        prompt = self.prompt_encoder(points, labels, self.side)
        cells = embedding.shape[-1]
        place = (torch.arange(cells, device=embedding.device) + 0.5) / cells
        grid = self.prompt_encoder.pe_layer(torch.stack(torch.meshgrid(place, place, indexing="xy"), -1))
        nothing = self.prompt_encoder.no_mask_embed.weight[..., None, None]
        masks, scores = self.mask_decoder(embedding + nothing, grid.permute(2, 0, 1)[None], prompt)
        kept = slice(1, None) if points.shape[1] <= FEW else slice(0, 1)
        height, width = (int(n) for n in size)
        large = F.interpolate(masks[:, kept], (self.side, self.side), mode="bilinear", align_corners=False)
        return large[..., :height, :width], scores[:, kept]

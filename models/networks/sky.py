"""The bundled sky network: what of an image is sky.

The encoder of the subject network (MobileNetV2, features at strides 2..32) and its decoder with pyramid pooling, two
thirds as wide: what makes a bright area at the top sky and not a wall is the whole around it.
"""

from __future__ import annotations

from torch import Tensor, nn

from models.networks.subject_net import STRIDE, Decoder, Encoder


class SkyNet(nn.Module):
    """See the module's docstring. Images are RGB normalized by ImageNet's mean and deviation, H and W multiples of
    32."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder(context=96, widths=(16, 32, 64, 96))

    def forward(self, image: Tensor) -> Tensor:
        """B x 3 x H x W -> B x 1 x H x W logits of being sky. Raises ValueError where H or W is no multiple of 32."""
        if image.ndim != 4 or image.shape[1] != 3 or image.shape[2] % STRIDE or image.shape[3] % STRIDE:
            raise ValueError(
                f"expected B x 3 x H x W with H and W multiples of {STRIDE}, got {tuple(image.shape)}; resize it first"
            )
        features = self.encoder(image)
        return self.decoder.fine(self.decoder.coarse(features), features)

"""An image painted in bands of rows with its layers kept in files, as very large ones are, and by the network at once.

    python -m benchmarks.style_bands IMAGE [--styles wave scream composition]

Prints the mean difference over the image, that of the worst row, and the largest of any sample, in steps of 8 bits.
The network at once works in float32; bands also in bfloat16 where the processor is quicker with it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from models.networks.transformer_bands import BandedNet
from models.networks.transformer_net import STRIDE
from models.training.style.data import to_tensor
from models.zoo import store
from models.zoo.style_presets import PRESETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("--styles", nargs="+", default=list(PRESETS), choices=list(PRESETS))
    options = parser.parse_args()
    net, _ = store.load("styles", "cpu")
    image = to_tensor(np.asarray(Image.open(options.image).convert("RGB")))
    height, width = (n // STRIDE * STRIDE for n in image.shape[-2:])
    image = image[..., :height, :width].contiguous()
    print(f"{height} x {width}")
    print("| style | precision | mean | worst row | largest |")
    print("| --- | --- | --- | --- | --- |")
    for style in options.styles:
        code = net.code({style: 1.0})
        with torch.inference_mode():
            whole = net(image, code)
        for precision in (torch.float32, torch.bfloat16):
            out = torch.empty_like(image)

            def write(top: int, rows: torch.Tensor, out: torch.Tensor = out) -> None:
                out[:, :, top : top + rows.shape[2]] = rows

            with tempfile.TemporaryDirectory() as folder:
                banded = BandedNet(net, code, precision=precision, folder=Path(folder))
                banded.run(lambda top, bottom: image[:, :, top:bottom], height, width, write, lean=True)
            difference = 255 * np.abs((out - whole)[0].numpy())
            name = str(precision).removeprefix("torch.")
            worst = difference.mean((0, 2)).max()
            print(f"| {style} | {name} | {difference.mean():.3f} | {worst:.3f} | {difference.max():.1f} |", flush=True)


if __name__ == "__main__":
    main()

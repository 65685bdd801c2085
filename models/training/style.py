"""Training of the feed-forward styles (Johnson et al. 2016; Dumoulin et al. 2017): many paintings, one network.

The loss network is SqueezeNet 1.0; a tap's Gram matrices and features are compared relative to their own size, so
that no tap outweighs another and the numbers mean the same for every painting.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from models.transformer_net import TransformerNet, TransformerNetConfig

STYLE_TAPS = (1, 3, 4, 7, 9)
CONTENT_TAP = 7
IDENTITY = "photograph"


class LossNetwork(nn.Module):
    """SqueezeNet 1.0 features at the taps; pictures B x 3 x H x W, RGB 0..1."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        net = torchvision.models.squeezenet1_0(weights=None)
        net.load_state_dict(load_file(weights))
        self.features = net.features[: max(STYLE_TAPS) + 1].eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        x = (image - self.mean) / self.std
        taps = {}
        for i, layer in enumerate(self.features):
            # the out-of-place ReLU keeps tap values that an in-place one would overwrite
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            if i in STYLE_TAPS:
                taps[i] = x.float()
        return taps


def gram_matrix(features: Tensor) -> Tensor:
    """F F^T / (h w) of B x C x H x W features, B x C x C (Gatys et al. 2016, equation 3)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def relative_gram_loss(result: dict[int, Tensor], targets: dict[int, Tensor]) -> Tensor:
    """Sum over taps of |G(result) - G(painting)|^2 / |G(painting)|^2, one value per picture."""
    return sum(
        ((gram_matrix(result[tap]) - g).square().sum((1, 2)) / g.square().sum((1, 2)) for tap, g in targets.items()),
        torch.zeros(()),
    )


def relative_content_loss(result: dict[int, Tensor], photo: dict[int, Tensor]) -> Tensor:
    """Mean squared difference of the content tap over the photograph's own mean square, one value per picture."""
    a, b = result[CONTENT_TAP], photo[CONTENT_TAP]
    return (a - b).square().mean((1, 2, 3)) / b.square().mean((1, 2, 3))


def read_picture(path: Path, shorter_side: int) -> np.ndarray:
    """H x W x 3 RGB u8, its shorter side scaled to `shorter_side` pixels."""
    image = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    scale = shorter_side / min(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def to_tensor(image: np.ndarray) -> Tensor:
    """H x W x 3 u8 to 1 x 3 x H x W, 0..1."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def crops(folder: Path, size: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Endless batches of random, sometimes mirrored, square crops of the photographs of a folder."""
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".webp", ".jpg", ".png"))
    rng = np.random.default_rng(seed)

    def crop(draw: tuple[int, float, float, float, bool]) -> np.ndarray:
        index, zoom, u, v, mirror = draw
        image = read_picture(paths[index], round(size * zoom))
        y, x = round(u * (image.shape[0] - size)), round(v * (image.shape[1] - size))
        image = image[y : y + size, x : x + size]
        return np.ascontiguousarray(image[:, ::-1] if mirror else image)

    def draw() -> tuple[int, float, float, float, bool]:
        return (
            int(rng.integers(len(paths))), float(rng.uniform(1, 1.5)), float(rng.random()), float(rng.random()),
            bool(rng.random() < 0.5),
        )  # fmt: skip

    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(crop, draw()) for _ in range(4 * batch)]
        while True:
            ready, ahead = ahead[:batch], ahead[batch:] + [pool.submit(crop, draw()) for _ in range(batch)]
            yield torch.cat([to_tensor(future.result()) for future in ready])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="data folder with photos/train, styles and reference")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run; an interrupted run goes on there")
    parser.add_argument("--styles", nargs="+", required=True, help="names of paintings in the styles folder")
    parser.add_argument("--minutes", type=float, default=120, help="length of the run")
    parser.add_argument("--size", type=int, default=256, help="side of the training crops, px")
    parser.add_argument("--painting-size", type=int, default=384, help="shorter side of the paintings, px")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--style-weight", type=float, default=6.0, help="of the Gram loss; content has 1")
    parser.add_argument("--smoothness", type=float, default=0.5, help="weight of the total variation")
    parser.add_argument("--seed", type=int, default=0)


def main(args: argparse.Namespace) -> None:
    """Train until the time is used up; the rate falls to zero with it. Saves `checkpoint.pt` every five minutes."""
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    loss_network = LossNetwork(args.data / "reference" / "squeezenet1_0.safetensors").to(device)
    names = (IDENTITY, *args.styles)
    net = TransformerNet(TransformerNetConfig(names, args.width, args.blocks)).to(device)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks the keyword
    optimiser = torch.optim.Adam(net.parameters(), lr=args.rate, betas=(0.9, 0.99))
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998))
    step, used = 0, 0.0
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=device)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, used = state["step"], state["seconds"]
    targets = painting_grams(loss_network, args.data / "styles", args.styles, args.painting_size, device)

    start, saved = time.monotonic() - used, time.monotonic()
    with (args.out / "log.jsonl").open("a") as log:
        for photo in crops(args.data / "photos" / "train", args.size, args.batch, args.seed + step):
            spent = (time.monotonic() - start) / (60 * args.minutes)
            for group in optimiser.param_groups:
                group["lr"] = args.rate * min(1, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * min(1, spent)))
            losses = train_step(net, loss_network, photo.to(device), targets, args)
            optimiser.zero_grad(set_to_none=True)
            losses["loss"].backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            average.update_parameters(net)
            step += 1
            if step % 20 == 0:
                row = {k: round(float(v.detach()), 4) for k, v in losses.items()}
                log.write(json.dumps({"step": step, "minutes": round(spent * args.minutes, 2)} | row) + "\n")
                log.flush()
            if time.monotonic() - saved > 300 or spent >= 1:
                state = {"net": net.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
                torch.save(state | {"step": step, "seconds": time.monotonic() - start}, checkpoint.with_suffix(".new"))
                checkpoint.with_suffix(".new").replace(checkpoint)
                saved = time.monotonic()
            if spent >= 1:
                return


def painting_grams(
    loss_network: LossNetwork, folder: Path, styles: list[str], size: int, device: torch.device
) -> dict[int, Tensor]:
    """Gram matrices of the paintings, per tap, one row a style."""
    rows: dict[int, list[Tensor]] = {tap: [] for tap in STYLE_TAPS}
    with torch.no_grad():
        for name in styles:
            taps = loss_network(to_tensor(read_picture(folder / f"{name}.jpg", size)).to(device))
            for tap in STYLE_TAPS:
                rows[tap].append(gram_matrix(taps[tap]))
    return {tap: torch.cat(grams) for tap, grams in rows.items()}


def train_step(
    net: TransformerNet, loss_network: LossNetwork, photo: Tensor, targets: dict[int, Tensor], args: argparse.Namespace
) -> dict[str, Tensor]:
    """Losses of a batch in which every picture has a style of its own, now and then the identity."""
    count = len(args.styles)
    chosen = torch.randint(0, count, (len(photo),), device=photo.device)
    plain = torch.rand(len(photo), device=photo.device) < 0.5 / (count + 1)
    rows = torch.where(plain, torch.zeros_like(chosen), chosen + 1)
    with torch.autocast(photo.device.type, torch.bfloat16):
        result = net(photo.contiguous(memory_format=torch.channels_last), net.codes[rows])
        taps = loss_network(result)
        with torch.no_grad():
            photo_taps = loss_network(photo)
    gram = relative_gram_loss(taps, {tap: g[chosen] for tap, g in targets.items()})
    content = relative_content_loss(taps, photo_taps)
    rough = result.diff(dim=2).abs().mean((1, 2, 3)) + result.diff(dim=3).abs().mean((1, 2, 3))
    styled = args.style_weight * gram + content + args.smoothness * rough
    same = 10 * (result - photo).abs().mean((1, 2, 3)) + content
    loss = torch.where(plain, same, styled).mean()
    drawn = (~plain).float()
    return {
        "loss": loss,
        "gram": (gram * drawn).sum() / drawn.sum().clamp(min=1),
        "content": (content * drawn).sum() / drawn.sum().clamp(min=1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    main(parser.parse_args())

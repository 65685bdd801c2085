"""Trains the style predictor and its transformation network (models/networks/style_predictor.py) in one run.

The losses are those of models/training/style/train.py, with another style image for every photograph of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from models.networks.style_predictor import AnyStyle, AnyStyleConfig
from models.papers.gatys import gram_matrix
from models.training.core.checkpoint import Exported, load_weights, read_settings
from models.training.core.config import RunConfig, Sizes
from models.training.core.loading import ProgressiveResizing, batches, to_image
from models.training.core.loop import Loop
from models.training.core.losses import masked_mean, total_variation
from models.training.core.process import Process
from models.training.style.data import Crops, read_image, scoring_photos, to_tensor
from models.training.style.losses import LossNetwork, Taps, gram_loss
from models.training.style.predictor_data import StyleImages
from models.training.style.train import (
    LossNetworkName,
    draw_strengths,
    load_loss_network,
    mixed_loss,
    shifted_features,
)
from models.zoo.style_presets import PHOTOGRAPH

MEASURED = 48  # style images from which the statistics' means and deviations are taken
SOFT = 2.0  # a Gram loss far above this counts by its logarithm: dark and plain images have huge ones


@dataclass(frozen=True, kw_only=True)
class PredictorConfig(RunConfig):
    """Train the network that takes any image as the style."""

    data: Path
    """the data folder: styles, photos/dev and reference"""
    cache: Path
    """a cache folder, for the photographs"""
    init: Path | None = None
    """an exported style network to start from; width and blocks are then its own"""
    encoder: Path | None = None
    """an exported feature network for the predictor to start from"""
    network: AnyStyleConfig = field(default_factory=AnyStyleConfig)
    held_out: tuple[str, ...] = ()
    """paintings (file names without suffix) that are not learned, for measuring"""
    sizes: Sizes = ((0.5, 192), (1.0, 256))
    """until which share of the run which side of the crops in pixels"""
    batch: int = 6
    """images a process and step"""
    lr: float = 1e-3
    """peak learning rate"""
    gram_weight: float = 6.0
    """weight of the Gram loss; content has 1"""
    smoothness: float = 0.5
    """weight of the total variation"""
    plain: float = 0.05
    """share of images asked for as photographs, and again of those asked for at some strength"""
    loss_network: LossNetworkName = "squeezenet"
    """VGG-16 is the paper's; its weights are fetched with `inlay models get vgg16`"""
    score_minutes: float = 15.0
    """between scores; a run is always scored at its end"""


def initial(config: PredictorConfig) -> AnyStyle:
    """The network to train. From a style network come its layers, the code of the photograph, and as the code from
    which predictions depart the mean of its styles' codes. Raises ValueError on one that does not fit."""
    torch.manual_seed(config.seed)
    network = config.network
    if config.init is None:
        net = AnyStyle(network)
    else:
        own, state = read_settings(config.init), load_weights(config.init)
        styles = own.pop("styles")
        if PHOTOGRAPH not in styles:
            raise ValueError(f"{config.init} holds no code of the photograph")
        net = AnyStyle(AnyStyleConfig(**own, encoder_width=network.encoder_width, bottleneck=network.bottleneck))
        photograph = styles.index(PHOTOGRAPH)
        codes = state.pop("codes")
        net.net.load_state_dict(state | {"codes": codes[photograph : photograph + 1]})
        with torch.no_grad():
            others = [row for i, row in enumerate(codes) if i != photograph]
            net.base.copy_(torch.stack(others).mean(0, keepdim=True))
    if config.encoder is not None:
        net.predictor.encoder.load_state_dict(load_weights(config.encoder))
    return net


def paintings(config: PredictorConfig) -> list[Path]:
    """The paintings to learn. Raises ValueError where one that is to be held out does not exist."""
    found = {path.stem: path for path in sorted((config.data / "styles").glob("*.jpg"))}
    if missing := set(config.held_out) - set(found):
        raise ValueError(f"there is no painting {', '.join(sorted(missing))}; there are {', '.join(found)}")
    return [path for name, path in found.items() if name not in config.held_out]


def losses(
    result: Tensor,
    photo: Tensor,
    strength: Tensor,
    features: tuple[Taps, Taps],
    targets: Taps,
    loss_network: LossNetwork,
    config: PredictorConfig,
) -> dict[str, Tensor]:
    """The mean `loss`; `gram` and `content` of those fully styled.

    Args:
        result: of the network, B x 3 x S x S.
        photo: the photographs, like it.
        strength: of the styles, B.
        features: of results and photographs; see `shifted_features`.
        targets: Gram matrices of the style images.
        loss_network: that made the features.
        config: of the run.
    """
    found, true = features
    gram, content = gram_loss(found, targets), loss_network.content_loss(found, true)
    steady = SOFT * torch.log1p(gram / SOFT)
    styled = config.gram_weight * steady + content + config.smoothness * total_variation(result)
    full = (strength == 1).float()
    return {
        "loss": mixed_loss(styled, content, result, photo, strength),
        "gram": masked_mean(gram, full),
        "content": masked_mean(content, full),
    }


def _samples(config: PredictorConfig, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Photographs and style images, both B x 3 x S x S u8."""
    styles = StyleImages(paintings(config), config.cache, size, seed + 1)
    return zip(batches(Crops(config.cache, size, seed), config), batches(styles, config), strict=True)


def _fit(net: AnyStyle, config: PredictorConfig) -> None:
    images = iter(StyleImages(paintings(config), config.cache, 192, 0))
    with torch.no_grad():
        rows = [net.predictor.statistics(next(images)[None].float() / 255) for _ in range(MEASURED)]
    net.predictor.fit(torch.cat(rows))


class PredictorEvaluator:
    """Losses where neither image was learned: photographs of photos/dev in the style of the paintings held out, or
    where none was, of each other.

    Args:
        config: of the run.
        loss_network: that measures.
        device: of the networks.
    """

    shared = False

    def __init__(self, config: PredictorConfig, loss_network: LossNetwork, device: torch.device) -> None:
        self.loss_network = loss_network
        self.photos = [photo.to(device) for photo in scoring_photos(config.data / "photos" / "dev", 3, 256)]
        files = [config.data / "styles" / f"{name}.jpg" for name in config.held_out]
        self.styles = [to_tensor(read_image(path, 256)).to(device) for path in files]

    def score(self, net: AnyStyle) -> dict[str, float]:
        """Mean `gram` and `content` loss."""
        styles = self.styles or self.photos[1:] + self.photos[:1]
        rows = []
        for i, photo in enumerate(self.photos):
            style = styles[i % len(styles)]
            found, true = self.loss_network(net(photo, style)), self.loss_network(photo)
            gram = gram_loss(found, {tap: gram_matrix(x) for tap, x in self.loss_network(style).items()})
            rows.append([float(gram), float(self.loss_network.content_loss(found, true))])
        means = torch.tensor(rows).mean(0)
        return {"gram": float(means[0]), "content": float(means[1])}

    def objective(self, scores: dict[str, float]) -> float:
        """The Gram loss and a tenth of the content loss."""
        return scores["gram"] + 0.1 * scores["content"]


def train(config: PredictorConfig) -> dict[str, float]:
    """Runs to the end; returns the last scores. What it leaves in `config.out` is said at `Loop`."""
    process = Process.start()
    net = initial(config)
    if not (config.resume and (config.out / "last.pt").exists()):
        _fit(net, config)
    net = net.to(process.device).to(memory_format=torch.channels_last)
    loss_network = load_loss_network(config.loss_network, config.data).to(process.device)
    features: Callable[[Tensor], Taps] = torch.compile(loss_network, dynamic=False) if config.compiled else loss_network
    loop = Loop(
        net,
        torch.optim.Adam(net.parameters(), config.lr, betas=(0.9, 0.99)),
        process,
        config,
        evaluator=PredictorEvaluator(config, loss_network, process.device) if process.first else None,
        exported=Exported({**asdict(net.config), "held_out": config.held_out}),
    )
    seed = process.seed(config.seed + loop.step + 1)
    generator = torch.Generator().manual_seed(seed)
    samples = ProgressiveResizing(config.sizes, lambda size: _samples(config, size, seed))
    for progress in loop:
        photo, style = (to_image(x, process.device) for x in samples.next(progress))
        strength = draw_strengths(config.batch, config.plain, generator).to(process.device)
        with loop.autocast():
            result = loop.forward(photo, style, strength[:, None])
            found = shifted_features(features, result, photo)
            with torch.no_grad():
                targets = {tap: gram_matrix(x) for tap, x in features(style).items()}
        loop.update(losses(result, photo, strength, found, targets, loss_network, config))
    return loop.scores

"""How well the subject is found: the bundled network beside classic methods, the papers' FCN-8s and reference networks.

    python -m benchmarks.subjects DATA [--every N] [--only NAMES] [--public NAMES] [--weights FILE] [--fcn8s FILE]
                                       [--out TABLE.md]

DATA is the data folder ($INLAY_DATA), with subjects/dev and reference/. Per set: IoU at one half, max-F (beta squared
0.3), MAE, and IoU of the boundary bands (3 % of the diagonal wide). NAMES are those in the table, or parts of them; of
--public, networks that were fetched or imported, as `inlay models list` has them.
Networks that need `ai-edge-litert` are left out, with a line saying so, where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from backend.imaging.arrays import UInt8Array
from backend.imaging.color.spaces import to_unit
from backend.imaging.masks import grabcut, kmeans
from backend.io.rasters import from_array, samples
from backend.operations import Context
from backend.operations.networks import Network, cache_key
from backend.operations.selection.subject import predict_subject
from backend.worker.execute import execute
from models.imagenet import normalize_pixels
from models.papers.fcn import FCN
from models.training.segmentation.teachers import TFLite
from models.zoo import roles, store
from plugin.client.image import Box
from plugin.client.messages import Job

Method = Callable[[UInt8Array], UInt8Array]  # H x W x 3 RGB -> mask H x W, 0..255
BETA_SQUARED = 0.3
THRESHOLDS = np.arange(0, 256, 5)
REFERENCES = ("DeepLabV3, all classes", "Meet portrait", "ML Kit selfie")


def boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The band of a mask's pixels within 3 % of the image's diagonal of its edge (Cheng et al. 2021)."""
    width = max(1, round(0.03 * float(np.hypot(*mask.shape))))
    padded = np.pad(mask.astype(np.uint8), 1)
    return mask & ~cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=width)[1:-1, 1:-1].astype(bool)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


class Scores:
    """Running means of the four measures over images."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, float, float]] = []
        self._precision: list[NDArray[np.float64]] = []
        self._recall: list[NDArray[np.float64]] = []

    def add(self, soft: UInt8Array, found: UInt8Array) -> None:
        """soft, found: H x W uint8, the true mask and the answer."""
        true, hard = soft > 127, found > 127
        error = float(np.abs(soft.astype(float) - found).mean() / 255)
        self._rows.append((iou(true, hard), error, iou(boundary(true), boundary(hard))))
        hits = np.array([np.count_nonzero(true & (found > t)) for t in THRESHOLDS], float)
        claimed = np.array([np.count_nonzero(found > t) for t in THRESHOLDS], float)
        self._precision.append(hits / np.maximum(claimed, 1))
        self._recall.append(hits / max(1, np.count_nonzero(true)))

    def row(self) -> tuple[int, float, float, float, float]:
        """Number of images, IoU, max-F, MAE, boundary IoU."""
        mean_iou, error, edge = np.mean(self._rows, 0)
        precision, recall = np.mean(self._precision, 0), np.mean(self._recall, 0)
        f = (1 + BETA_SQUARED) * precision * recall / np.maximum(BETA_SQUARED * precision + recall, 1e-9)
        return len(self._rows), float(mean_iou), float(f.max()), float(error), float(edge)


def use_weights(context: Context, path: Path | None) -> None:
    """Have the operations use a training run's weights in place of the bundled ones."""
    net, card = store.load("subject")
    if path is not None:
        net.load_state_dict({key: value.float() for key, value in load_file(path).items()}, strict=False)
    context.cache[cache_key("subject")] = Network(net.eval(), card)


def ask(
    action: str, context: Context, image: UInt8Array, selection: UInt8Array | None = None, **settings: str
) -> UInt8Array:
    """The mask, H x W, that an action answers with, run as the worker runs it."""
    inputs = {"image": from_array(image)}
    if selection is not None:
        inputs["selection"] = from_array(selection)
    result = execute(Job(action, dict(settings), inputs), "cpu", context.progress, context.cancelled, context.cache)
    mask: UInt8Array = samples(result.outputs[0].raster)[..., 0]
    return mask


def dev_images(data: Path, every: int) -> Iterator[tuple[str, UInt8Array, UInt8Array]]:
    """Name, image and soft mask of each so-many-th image of subjects/dev."""
    folder = data / "subjects" / "dev"
    images = {path.stem: path for path in (folder / "images").iterdir()}
    for path in sorted((folder / "masks").glob("*.png"))[::every]:
        image = cv2.cvtColor(cv2.imread(str(images[path.stem])), cv2.COLOR_BGR2RGB)
        yield path.stem, image, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


def _gray(probability: NDArray[np.floating], image: UInt8Array) -> UInt8Array:
    """A probability map of any size as a mask of the image's size."""
    size = image.shape[1], image.shape[0]
    enlarged = cv2.resize(probability.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.round(enlarged.clip(0, 1) * 255).astype(np.uint8)


def _inlay(network: str, weights: Path | None = None) -> dict[str, Method]:
    """Inlay's answers with a network for subjects: `bundled`, or a public one that is on this machine."""
    context = Context()
    if network == roles.BUNDLED:
        use_weights(context, weights)
    elif store.locate(store.find_card(network)) is None:
        raise SystemExit(f"{network} is not on this machine: inlay models fetch {network}")

    def asked(image: UInt8Array, **settings: str) -> UInt8Array:
        roles.pin("subject", network)
        return ask("select.subject", context, image, **settings)

    def plain(image: UInt8Array) -> UInt8Array:
        roles.pin("subject", network)
        prediction = predict_subject(Job("select.subject", {}, {"image": from_array(image)}), context)
        mask = np.zeros(image.shape[:2], np.uint8)
        mask[prediction.box.window] = _gray(prediction.probability, image[prediction.box.window])
        return mask

    name = "Inlay" if network == roles.BUNDLED else f"Inlay with {network}"
    return {
        f"{name}, network alone": plain,
        f"{name}, edges refined": asked,
        f"{name}, hard edges": lambda image: asked(image, edge="hard"),
    }


def _central(shape: tuple[int, ...]) -> Box:
    """The box in the middle, two thirds of the image on each side."""
    return Box(shape[1] // 6, shape[0] // 6, shape[1] - 2 * (shape[1] // 6), shape[0] - 2 * (shape[0] // 6))


def _middle_box(image: UInt8Array) -> UInt8Array:
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[_central(image.shape).window] = 255
    return mask


def _kmeans(image: UInt8Array) -> UInt8Array:
    return kmeans.subject_mask(kmeans.segment(to_unit(image), clusters=4))


def _grabcut(image: UInt8Array) -> UInt8Array:
    return grabcut.from_box(to_unit(image), _central(image.shape))


def _fcn8s(path: Path, width: float, size: int) -> Method:
    net = FCN(8, classes=2, width=width)
    net.load_state_dict(load_file(path))
    net.eval()

    @torch.inference_mode()
    def answer(image: UInt8Array) -> UInt8Array:
        small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        logits = net(torch.from_numpy(normalize_pixels(small)).permute(2, 0, 1)[None])
        return _gray(logits.softmax(1)[0, 1].numpy(), image)

    return answer


def _reference(name: str, folder: Path) -> Method:
    if name == "DeepLabV3, all classes":
        deeplab = TFLite(folder / "deeplabv3_mnv2_pascal_quant.tflite", threads=1)
        return lambda image: _gray(deeplab(image) > 0, image)
    if name == "Meet portrait":
        meet = TFLite(folder / "segm_full_v679.tflite", threads=1)

        def portrait(image: UInt8Array) -> UInt8Array:
            scores = meet(image)
            return _gray(1 / (1 + np.exp(scores[..., 0] - scores[..., 1])), image)

        return portrait
    selfie = TFLite(folder / "selfie_mlkit_256_f16.tflite", threads=1)
    return lambda image: _gray(selfie(image)[..., 0], image)


def _methods(options: argparse.Namespace) -> dict[str, Method]:
    methods = _inlay(roles.BUNDLED, options.weights)
    for network in filter(None, options.public.split(",")):
        methods |= _inlay(network)
    methods |= {"box in the middle": _middle_box, "K-means": _kmeans, "GrabCut from that box": _grabcut}
    if options.fcn8s is not None:
        methods["FCN-8s slim"] = _fcn8s(options.fcn8s, options.fcn8s_width, options.fcn8s_size)
    if importlib.util.find_spec("ai_edge_litert") is None:
        print("ai-edge-litert is not installed: the reference networks are left out (pip install inlay[train])")
    else:
        methods |= {name: _reference(name, options.data / "reference") for name in REFERENCES}
    wanted = [part.strip() for part in options.only.split(";")]
    return {name: method for name, method in methods.items() if any(part in name for part in wanted)}


def compare(data: Path, methods: dict[str, Method], every: int) -> str:
    """A Markdown table of all methods on each so-many-th image of subjects/dev."""
    scores: dict[tuple[str, str], Scores] = {}
    for stem, image, mask in dev_images(data, every):
        for name, method in methods.items():
            scores.setdefault((stem.split("_")[0], name), Scores()).add(mask, method(image))
    lines = ["| set | method | images | IoU | max-F | MAE | boundary IoU |", "| --- | --- " + "| ---: " * 5 + "|"]
    for (group, name), score in sorted(scores.items(), key=lambda item: item[0][0]):
        count, *values = score.row()
        lines.append(f"| {group} | {name} | {count} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th image")
    parser.add_argument("--only", default="", help="methods to compare, as in the table, separated by semicolons")
    parser.add_argument("--public", default="", help="public networks to compare, separated by commas")
    parser.add_argument("--weights", type=Path, help="a training run's weights for the network (default: the bundled)")
    parser.add_argument("--fcn8s", type=Path, help="weights of an FCN-8s with two classes")
    parser.add_argument("--fcn8s-width", type=float, default=0.25, help="width of its trunk")
    parser.add_argument("--fcn8s-size", type=int, default=160, help="image side it was trained at")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="inlay-bench-") as folder:  # the user's own settings stay as they are
        os.environ |= {"INLAY_MODELS_DIR": str(store.cache_folder()), "INLAY_DATA_DIR": folder}
        table = compare(options.data, _methods(options), options.every)
    print(table)
    if options.out:
        options.out.write_text(table)


if __name__ == "__main__":
    main()

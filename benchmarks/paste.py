"""Harmonized pastes whose truth is known: python -m benchmarks.paste $INLAY_DATA [--every N] [--strips FOLDER].

The subject of each photograph of `subjects/dev` (never trained on) is recolored as pastes differ in practice
(models/training/paste/recoloring.py, four kinds by turns) and put back in its place. fMSE is the mean squared error
under the mask, of 8-bit values; share: over the plain composite's. Worse: cases that end farther from the truth than
the plain composite. Detail: correlation of the Laplacians of result and truth inside the mask, median and 5th
percentile: what is blurred or gray is low. Energy: absolute Laplacians over the truth's, median. Changed: pixels
outside of the mask that are no longer the target's.

Inlay is the default, with the whole recolored photograph as the source and the mask as the selection; "cut out" is the
default with nothing of the source but the object.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.imaging.arrays import BoolArray, UInt8Array
from backend.io.rasters import from_array, samples
from backend.operations import Context
from backend.operations.paste.paste import blend
from models.training.paste.recoloring import MAIN
from plugin.client.actions import BY_NAME, Value

BORDER = 8  # pixels added around for cv2.seamlessClone, which needs surroundings on every side


@dataclass(frozen=True)
class Case:
    """One paste: truth is the target without it; source is recolored everywhere."""

    name: str
    kind: str
    truth: UInt8Array
    source: UInt8Array
    mask: BoolArray

    @property
    def target(self) -> UInt8Array:
        """The plain composite: what a method gets to paste onto."""
        return np.where(self.mask[..., None], self.source, self.truth)


Method = Callable[[Case], UInt8Array]


def cases(data: Path, every: int) -> Iterator[Case]:
    """Photographs whose subject covers 3 to 50 % of them, each recolored in its own way."""
    folder = data / "subjects" / "dev"
    with (folder / "sources.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    for number, row in enumerate(rows[::every]):
        rng = np.random.default_rng(zlib.crc32(row["file"].encode()))
        truth, other = (_read(folder / found["file"]) for found in (row, rows[int(rng.integers(len(rows)))]))
        alpha = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_GRAYSCALE)
        if min(truth.shape[:2]) < 200 or not 0.03 < (alpha > 127).mean() < 0.5:
            continue
        kind = MAIN[number % len(MAIN)]
        changed = kind(truth / np.float32(255), other / np.float32(255), rng)
        source = np.round(np.clip(changed, 0, 1) * 255).astype(np.uint8)
        mask = cv2.dilate((alpha > 127).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        yield Case(Path(row["file"]).stem, kind.__name__, truth, source, mask)


def mean_variance(case: Case) -> UInt8Array:
    """Color transfer of Reinhard et al. 2001: in L*a*b*, the object gets the surroundings' means and deviations."""
    lab = cv2.cvtColor(case.target.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    inside, around = lab[case.mask], lab[~case.mask]
    lab[case.mask] = (inside - inside.mean(0)) / (inside.std(0) + 1e-6) * around.std(0) + around.mean(0)
    rgb = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)
    return np.where(case.mask[..., None], np.round(rgb * 255).astype(np.uint8), case.target)


def opencv(case: Case) -> UInt8Array:
    """cv2.seamlessClone; the mask is grown by the pixels that it shrinks it by."""

    def bordered(image: UInt8Array, kind: int) -> UInt8Array:
        return cv2.copyMakeBorder(image, BORDER, BORDER, BORDER, BORDER, kind)

    source, target = (bordered(image, cv2.BORDER_REPLICATE) for image in (case.source, case.target))
    mask = cv2.dilate(bordered(case.mask.astype(np.uint8) * 255, cv2.BORDER_CONSTANT), np.ones((3, 3)), iterations=4)
    x, y, width, height = cv2.boundingRect(mask)
    center = (x + width // 2, y + height // 2)
    cloned = cv2.seamlessClone(source, target, mask, center, cv2.NORMAL_CLONE)[BORDER:-BORDER, BORDER:-BORDER]
    return np.where(case.mask[..., None], cloned, case.target)


def inlay(context: Context, cut_out: bool = False, **options: Value) -> Method:
    """The operation as the editors run it."""
    parameters = BY_NAME["paste.harmonize"].check(options)

    def paste(case: Case) -> UInt8Array:
        alpha = case.mask.astype(np.uint8) * 255
        if cut_out:  # what lies below is hidden, so that it is not taken for the object at its own place
            hidden = np.where(case.mask[..., None], 255 - case.target, case.target)
            source, target, selection = from_array(np.dstack([case.source, alpha])), from_array(hidden), None
        else:
            source, target, selection = from_array(case.source), from_array(case.target), from_array(alpha)
        layer = blend(source, target, selection, parameters, context)[0].raster
        pixels, result = samples(layer), case.target.copy()
        part = result[layer.y : layer.y + layer.height, layer.x : layer.x + layer.width]
        share = pixels[..., 3:] / np.float32(255)
        part[...] = np.rint(part + share * (pixels[..., :3].astype(np.float32) - part))
        return result

    return paste


def methods() -> dict[str, Method]:
    """All contenders by name."""
    context = Context()
    return {
        "plain composite": lambda case: case.target,
        "mean-variance transfer": mean_variance,
        "cv2.seamlessClone": opencv,
        "Poisson": inlay(context, method="poisson", edge="seamless"),
        "Poisson, cut out": inlay(context, cut_out=True, method="poisson", edge="object"),
        "Deep copy-paste": inlay(context, method="deep", edge="seamless"),
        "Inlay": inlay(context),
        "Inlay, cut out": inlay(context, cut_out=True),
    }


def score(case: Case, result: UInt8Array) -> NDArray[np.float64]:
    """fMSE, the plain composite's, detail, energy, and changed pixels outside of the mask."""
    errors = [float(np.square(x.astype(np.float64) - case.truth)[case.mask].mean()) for x in (result, case.target)]
    inner = cv2.erode(case.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    found, true = (
        cv2.Laplacian(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32), cv2.CV_32F)[inner]
        for x in (result, case.truth)
    )
    detail = float(np.corrcoef(found, true)[0, 1]) if found.std() > 0 and true.std() > 0 else 0.0
    energy = float(np.abs(found).sum() / max(np.abs(true).sum(), 1e-9))
    changed = int((result[~case.mask] != case.target[~case.mask]).any(-1).sum())
    return np.array([*errors, detail, energy, changed])


def table(scores: dict[str, dict[str, list[NDArray[np.float64]]]]) -> Iterator[str]:
    """The rows of a Markdown table; `scores` by method and kind."""
    kinds = [kind.__name__ for kind in MAIN]
    yield f"| method | fMSE | share | {' | '.join(kinds)} | worse | detail (median / 5 %) | energy | changed |"
    yield "| --- " * (7 + len(kinds)) + "|"
    for name, by_kind in scores.items():
        rows = np.array([row for kind in kinds for row in by_kind.get(kind, [])])
        means = [np.mean(by_kind[kind], axis=0) if by_kind.get(kind) else np.full(5, np.nan) for kind in kinds]
        shares = " | ".join(f"{mean[0] / mean[1]:.3f}" for mean in means)
        error, plain, detail = rows[:, 0], rows[:, 1], rows[:, 2]
        yield (
            f"| {name} | {error.mean():.0f} | {error.mean() / plain.mean():.3f} | {shares} | "
            f"{100 * (error > plain).mean():.0f} % | {np.median(detail):.3f} / {np.percentile(detail, 5):.3f} | "
            f"{np.median(rows[:, 3]):.2f} | {int(rows[:, 4].sum())} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th photograph")
    parser.add_argument("--strips", type=Path, help="folder for the first cases, all methods side by side")
    options = parser.parse_args()
    contenders = methods()
    scores: dict[str, dict[str, list[NDArray[np.float64]]]] = {name: {} for name in contenders}
    for number, case in enumerate(cases(options.data, options.every)):
        results = {name: method(case) for name, method in contenders.items()}
        for name, result in results.items():
            scores[name].setdefault(case.kind, []).append(score(case, result))
        if options.strips and number < 24:
            options.strips.mkdir(parents=True, exist_ok=True)
            strip = np.hstack([case.truth, *results.values()])
            cv2.imwrite(str(options.strips / f"{case.name}_{case.kind}.png"), strip[..., ::-1])
    for row in table(scores):
        print(row)


def _read(path: Path) -> UInt8Array:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


if __name__ == "__main__":
    main()

"""What is done before and after the training runs: caches, labels, averages, exports and plots."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

TABLES = {"subjects": "subjects/train", "dev": "subjects/dev", "cutouts": "subjects/cutouts", "photos": "photos/train"}
"""Of a cache: name -> the data folder's folder."""


@dataclass(frozen=True, kw_only=True)
class CacheConfig:
    """Decode the images of a data folder once, and let the teachers label them."""

    data: Path
    """the data folder: subjects, photos and reference"""
    out: Path
    """the cache folder"""

    def run(self) -> None:
        """Writes the cache; tables that are there are kept."""
        from models.training.core.cache import write_table
        from models.training.segmentation.teachers import TFLite, write_agreed, write_labels

        for name, folder in TABLES.items():
            print(f"{name}: {len(write_table(self.data / folder, self.out, name))} images", flush=True)
        reference = self.data / "reference"
        deeplab = TFLite(reference / "deeplabv3_mnv2_pascal_quant.tflite")
        for name in ("subjects", "photos"):
            write_labels(self.out, name, deeplab)
        agreed = write_agreed(self.out, "photos", TFLite(reference / "segm_full_v679.tflite"))
        print(f"the teachers agree on {agreed} photographs")


@dataclass(frozen=True, kw_only=True)
class PseudoLabelConfig:
    """Let trained subject networks label the photographs of which they are sure."""

    data: Path
    """a cache folder"""
    weights: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """exported subject networks; all must agree"""

    def run(self) -> None:
        """Adds to the cache's labels."""
        from models.training.segmentation.subject import load
        from models.training.segmentation.teachers import write_sure

        found = write_sure(self.data, "photos", [load(path) for path in self.weights])
        print(f"sure of {found} more photographs")


@dataclass(frozen=True, kw_only=True)
class SkyLabelsConfig:
    """Let a reference network say where the sky is in the photographs."""

    data: Path
    """the data folder: photos, subjects and reference"""
    out: Path
    """the cache folder"""

    def run(self) -> None:
        """Writes the cache's table `sky`, and `cutouts` where it is not there yet."""
        from models.training.core.cache import write_table
        from models.training.sky.labels import SKY, write_sky_table

        write_table(self.data / TABLES["cutouts"], self.out, "cutouts")
        entries = write_sky_table(self.data, self.out)
        skies = sum(entry.kind == SKY for entry in entries)
        print(f"{skies} images with a sky, {len(entries) - skies} without")


@dataclass(frozen=True, kw_only=True)
class AverageWeightsConfig:
    """Average the weights of several subject networks whose runs share their start."""

    weights: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """exported networks"""
    out: Path
    """the file to write"""

    def run(self) -> None:
        """Writes the file."""
        from models.training.segmentation.subject import average_weights

        average_weights(self.weights, self.out)


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Put the weights of a run into the project, beside a card with their scores on the dev split."""

    run_folder: Annotated[Path, tyro.conf.arg(name="run")]
    """folder of the run"""
    data: Path
    """the cache folder (fill, style: the data folder), for the scores"""
    task: Literal["subject", "paste", "harmonizer", "fill", "style", "features", "any_style", "sky"] = "subject"
    """what the run trained"""
    weights: str = "best.safetensors"
    """which file of the run"""
    name: str | None = None
    """of the card (the task's; style: styles, paste: copy_paste)"""
    size: int = 320
    """side in pixels of the images that are scored, and the card's input size"""
    residual_scale: float = 1.0
    """fill: factor on what the network adds to the smooth filling"""
    every: int = 1
    """score only each so-many-th image"""
    blend: str = "backend.imaging.poisson.seamless_clone:seamless_clone"
    """paste: function that computes the Poisson solution, as MODULE:NAME"""

    def run(self) -> None:
        """Writes weights and card, and prints the card."""
        weights = self.run_folder / self.weights
        name = self.name or {"style": "styles", "paste": "copy_paste"}.get(self.task, self.task)
        print(self._export(weights, name))

    def _export(self, weights: Path, name: str) -> str:
        from models.training.features.export import export_any_style, export_features
        from models.training.fill.export import export_fill
        from models.training.paste.export import export_paste
        from models.training.paste.harmonization import export_harmonizer
        from models.training.segmentation.export import export_subject
        from models.training.sky.export import export_sky
        from models.training.style.export import export_styles

        if self.task == "fill":
            return export_fill(weights, name, self.data, self.size, self.residual_scale)
        if self.task == "style":
            return export_styles(weights, self.data, name, self.every)
        if self.task == "paste":
            blend = pkgutil.resolve_name(self.blend)
            return export_paste(weights, name, self.data, self.size, 192 // self.every, blend)
        if self.task == "sky":
            return export_sky(weights, name, self.data, self.size, self.every)
        if self.task == "harmonizer":
            return export_harmonizer(weights, name, self.data, 768 // self.every)
        if self.task == "subject":
            return export_subject(weights, name, self.data, self.size, self.every)
        return (export_features if self.task == "features" else export_any_style)(weights, name)


@dataclass(frozen=True, kw_only=True)
class PlotConfig:
    """Draw the losses and scores of a run."""

    run_folder: Annotated[Path, tyro.conf.arg(name="run")]
    """folder of the run"""
    out: Path
    """the image to write"""

    def run(self) -> None:
        """Writes the image."""
        from models.training.core.plot import plot_run

        plot_run(self.run_folder, self.out)

"""Command line of the training: `python -m models.training COMMAND --help`.

Every command is a dataclass; its fields are the options (see core/command_line.py).
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.training.core.command_line import parse

PROGRAM = "python -m models.training"


@dataclass(frozen=True)
class Command:
    """A command. config: its dataclass, run: what is done with it, both as MODULE:NAME in models.training, imported
    when it is asked for; old: options of earlier versions and what they are now."""

    help: str
    config: str
    run: str
    old: Mapping[str, str] = field(default_factory=dict)


RATES = {"--rate": "--lr"}
COMMANDS = {
    "cache": Command(
        "decode the images of a data folder once, and let the teachers label them",
        "tools:CacheConfig", "tools:CacheConfig.run",
    ),
    "pseudo-label": Command(
        "let trained subject networks label the photographs of which they are sure",
        "tools:PseudoLabelConfig", "tools:PseudoLabelConfig.run",
    ),
    "average-weights": Command(
        "average the weights of several subject networks with a common start",
        "tools:AverageWeightsConfig", "tools:AverageWeightsConfig.run",
    ),
    "subject": Command(
        "train the bundled segmentation network",
        "segmentation.subject:SubjectConfig", "segmentation.subject:train",
        {**RATES, "--from": "--init", "--again": "--two-pass-prob", "--people": "--person-weight",
         "--size": "--sizes 1"},
    ),
    "segment": Command(
        "train a segmentation network of the papers",
        "segmentation.papers:SegmentConfig", "segmentation.papers:train", {**RATES, "--from": "--init"},
    ),
    "label-sky": Command(
        "let a reference network say where the sky is in the photographs",
        "tools:SkyLabelsConfig", "tools:SkyLabelsConfig.run",
    ),
    "sky": Command("train the sky network", "sky.train:SkyConfig", "sky.train:train"),
    "paste": Command(
        "train the copy-paste network", "paste.train:PasteConfig", "paste.ablation:train_or_ablate",
        {**RATES, "--from": "--init", "--global-shading": "--no-local"},
    ),
    "harmonize": Command(
        "train the harmonizer", "paste.harmonization:HarmonizationConfig", "paste.harmonization:train",
    ),
    "fill": Command(
        "train the inpainting network", "fill.train:FillConfig", "fill.train:train",
        {**RATES, "--fine-rate": "--fine-lr", "--cycle": "--one-cycle", "--style": "--style-loss-weight"},
    ),
    "style": Command(
        "train the feed-forward style network", "style.train:StyleConfig", "style.train:train",
        {**RATES, "--code-rate": "--code-lr", "--size": "--sizes 1"},
    ),
    "features": Command("distil the feature network", "features.train:FeatureConfig", "features.train:train", RATES),
    "predictor": Command(
        "train the network that takes any image as the style",
        "style.predictor:PredictorConfig", "style.predictor:train", {**RATES, "--from": "--init"},
    ),
    "export": Command(
        "put the weights of a run into the project, beside a card with their scores",
        "tools:ExportConfig", "tools:ExportConfig.run", {"--shrink": "--residual-scale"},
    ),
    "plot": Command("draw the losses and scores of a run", "tools:PlotConfig", "tools:PlotConfig.run"),
}  # fmt: skip
OLD_COMMANDS = {"relabel": "pseudo-label", "mean": "average-weights"}


def overview() -> str:
    """The commands, a line each."""
    rows = [f"  {name:16} {command.help}" for name, command in COMMANDS.items()]
    return "\n".join([f"usage: {PROGRAM} COMMAND [--help] [OPTIONS]", "", "commands:", *rows])


def command_of(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The command's name and its own arguments, earlier spellings as they are now. SystemExit where there is none."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview())
        raise SystemExit(0 if arguments else 2)
    name, rest = OLD_COMMANDS.get(arguments[0], arguments[0]), list(arguments[1:])
    if name == "segment":
        words = [word for argument in rest for word in argument.split("=", 1)]
        chosen = words[words.index("--network") + 1 :][:1] if "--network" in words else ["subject"]
        if chosen == ["subject"] and not {"-h", "--help"} & set(rest):  # the bundled network's command, once
            name, rest = "subject", _without_network(rest)
    if name not in COMMANDS:
        raise SystemExit(f"{PROGRAM}: there is no command {name!r}\n\n{overview()}")
    return name, rest


def _without_network(arguments: Sequence[str]) -> list[str]:
    joined = [a for a in arguments if not a.startswith("--network=")]
    if "--network" not in joined:
        return joined
    place = joined.index("--network")
    return joined[:place] + joined[place + 2 :]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and prints what it found."""
    name, rest = command_of(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS[name]
    config = parse(_resolve(command.config), rest, f"{PROGRAM} {name}", command.old)
    result = _resolve(command.run)(config)
    for row in result if isinstance(result, list) else [result]:
        if row is not None:
            print(row)


def _resolve(name: str) -> Any:
    return pkgutil.resolve_name(f"models.training.{name}")


if __name__ == "__main__":
    main()

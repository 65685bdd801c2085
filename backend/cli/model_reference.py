"""docs/models.md, made from the cards: `python -m backend.cli.model_reference` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

from models.zoo.cards import FOLDER, ROLES, Card, find_card, names
from models.zoo.roles import memory

FILE = Path(__file__).parents[2] / "docs" / "models.md"
MIB = 1 << 20
COMMANDS = {"copy_paste": "paste", "styles": "style", "harmonizer": "harmonize", "any_style": "predictor"}
"""The training command of a bundled network whose card has another name."""

HEAD = """\
# The networks and where they come from

*Made from the cards in `models/zoo/cards` by `python -m backend.cli.model_reference`.*

What Inlay needs comes with it: {count} networks, {size:.0f} MiB, trained by this project's own code. Nothing is
fetched unless you ask for it. Whoever wants more gets the well-known networks of the field, each checked against the
sha256 of its card before it is read; it is used from the next action on, and the result's note names it. When its
files are removed, the bundled network is used again, without a restart.

## Get and remove public networks

In the editors: **Tools > Inlay > Manage Models** in Krita, **Filters > Inlay > Manage Models** in GIMP. It shows what
each network is for, its size, the license of its weights and what is known of its training data, fetches one with a
pause and a cancel, imports a file and removes one.

| Krita | GIMP 3 |
| --- | --- |
| ![The window of models in Krita](images/krita-models.png) | ![The window of models in GIMP](images/gimp-models.png) |

On the command line:

```
inlay models list                 # what there is, what is here, what is used
inlay models recommend            # a few small ones with the clearest licenses
inlay models fetch u2netp         # says the license and the terms of the data first; goes on where it was interrupted
inlay models import isnet.tgz     # a file from elsewhere, known by its sha256
inlay models verify               # the sha256 of everything that is here
inlay models remove u2netp
inlay models use subject isnet    # or auto: the best one that is here and fits into memory; or bundled
```

| setting | what it does |
| --- | --- |
| `INLAY_OFFLINE=1` | forbids all downloads |
| `https_proxy`, `no_proxy` | the proxy, as everywhere |
| `INLAY_MODELS_MIRROR` | an address whose files, of the same names, are tried first |
| `INLAY_MODELS_DIR` | a folder of models that is read and never written, for machines without a network |

Networks in ONNX need the package `onnxruntime` in Inlay's environment (`pip install onnxruntime`, or a build of it
for your graphics card: CUDA, DirectML, CoreML and OpenVINO are used where it has them). Without it OpenCV computes
those of them whose answers to a test image are as their card says; so far only isnet's card has such answers, and
OpenCV 5.0 cannot read that file, so install onnxruntime for these. TorchScript and ncnn files and those that are
called `.pth` and `.pt` are computed by PyTorch. Nothing is unpickled.

## What is said of licenses and data

The license is that of the weights. *Data* is what they were trained on; where its terms are not free of doubt,
*terms* says so, and so does the command before it fetches. Networks that may not be used commercially are not
offered. A sha256 that others than the publisher have stated is checked just the same; the command says so.
"""


COMPARED = """
## Subjects: isnet beside the bundled network

| photographs | with | IoU | max-F | MAE | boundary IoU |
| --- | --- | ---: | ---: | ---: | ---: |
| 13 objects | bundled, alone | 0.776 | 0.892 | 0.078 | 0.660 |
| 13 objects | bundled, edges refined | 0.780 | 0.893 | 0.057 | 0.662 |
| 13 objects | isnet, alone | 0.817 | 0.933 | 0.070 | 0.711 |
| 13 objects | isnet, edges refined | 0.817 | 0.914 | 0.066 | 0.717 |
| 5 people | bundled, alone | 0.854 | 0.950 | 0.050 | 0.716 |
| 5 people | bundled, edges refined | 0.845 | 0.949 | 0.046 | 0.701 |
| 5 people | isnet, alone | 0.860 | 0.949 | 0.044 | 0.739 |
| 5 people | isnet, edges refined | 0.853 | 0.947 | 0.045 | 0.724 |

These are every twentieth of the photographs kept for reporting, objects of ECSSD and people apart: too few to tell
differences of a few hundredths from chance.

```
inlay models import isnet.tgz
OMP_NUM_THREADS=1 python -m benchmarks.subjects DATA --every 20 --public isnet --only "network alone;edges refined"
OMP_NUM_THREADS=1 python -m benchmarks.public_speed --network isnet
```

At 12 megapixels Select Subject with isnet takes 1.20 times what the network alone takes in onnxruntime in the same run:
3.91 s against 3.26 s of processor time, one thread, medians of three rounds. It is processor time because the machine,
a virtual one with two cores, had other work.
"""


def text() -> str:
    """The file's content."""
    cards = [find_card(name) for name in names()]
    bundled = [card for card in cards if card.bundled]
    size = sum(card.total for card in bundled) / MIB
    head = HEAD.format(count=len(bundled), size=size)
    public = sorted((c for c in cards if not c.bundled), key=lambda c: (list(ROLES).index(c.role), -c.rank))
    return "".join(
        [
            head,
            "\n## Bundled\n",
            *map(_section, bundled),
            COMPARED,
            "\n## Public\n\nThe first of a role that is here is taken, unless another one is set.\n\n",
            _table(public),
            *map(_section, public),
        ]
    )


def _table(cards: list[Card]) -> str:
    rows = ["| network | role | MiB | memory, MiB | license | recommended |", "| --- | --- | ---: | ---: | --- | --- |"]
    rows += [
        f"| {card.name} | {card.role} | {card.total / MIB:.1f} | {'' if card.memory else 'about '}{memory(card)} | "
        f"{card.license} | {'yes' if card.recommended else ''} |"
        for card in cards
    ]
    return "\n".join(rows) + "\n"


def _section(card: Card) -> str:
    lines = [
        f"- For: {ROLES[card.role]}.",
        f"- License of the weights: {card.license}.",
        f"- Data: {_line(card.data)}.",
    ]
    if card.terms:
        lines.append(f"- Terms: {_line(card.terms)}.")
    if card.bundled:
        command = COMMANDS.get(card.name, card.name)
        lines.append(f"- Trained by: `python -m models.training {command}` ([all of it](training.md)).")
    else:
        lines += [
            f"- File: `{part.file}`, {part.size} bytes, sha256 `{part.sha256}`{_from(part.url)}." for part in card.parts
        ]
        lines.append(f"- The sha256 was stated by {card.digest_by}.")
    if card.source:
        lines.append(f"- To be had: {_line(card.source)}.")
    if card.scores:
        scores = ", ".join(f"{name} {value:g}" for name, value in card.scores.items())
        lines.append(f"- Scores ({_measured(card)}): {scores}.")
    lines.append(f"- Limits: {_line(card.limits)}.")
    return f"\n### {card.name}\n\n" + "\n".join(lines) + "\n"


def _measured(card: Card) -> str:
    """What the scores are of: the remark beside them in the card."""
    found = re.search(r"^\[scores\] # (.+)$", (FOLDER / f"{card.name}.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "not said of what"


def _from(url: str) -> str:
    return f", from {url}" if url else ""


def _line(entry: str) -> str:
    return " ".join(entry.split()).rstrip(".")


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")

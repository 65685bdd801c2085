"""Draws docs/images/architecture.png: python docs/architecture_image.py (needs matplotlib)."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs/images/architecture.png"
PROCESSES = (  # title, x, y, width, height, color
    ("the editor, or a shell", 0.1, 0.5, 3.5, 6.6, "#e8f0fa"),
    ("the broker, without torch", 4.5, 3.7, 2.9, 3.4, "#eef7ea"),
    ("a worker a device, owns torch", 8.2, 0.5, 5.1, 6.6, "#fdf3e3"),
)
ROOMS = (  # folder, what it holds, x, y, width
    ("plugin/gimp", "adapter of GIMP 3", 0.35, 5.45, 1.4),
    ("plugin/krita", "adapter of Krita", 1.95, 5.45, 1.4),
    ("backend/cli", "the command line", 0.35, 4.1, 1.4),
    ("backend/io", "image files", 1.95, 4.1, 1.4),
    ("plugin/client/actions", "the table of actions", 0.35, 2.75, 3.0),
    ("plugin/client", "Raster, Job, Result, codec", 0.35, 1.75, 3.0),
    ("plugin/client/net", "sockets, sessions", 0.35, 0.75, 3.0),
    ("backend/server", "admission, queue,\nworkers, answers", 4.75, 4.55, 2.4),
    ("backend/worker", "devices, memory, execution", 8.45, 5.45, 4.6),
    ("backend/operations", "one function an action: Job in, Result out", 8.45, 4.1, 4.6),
    ("backend/imaging", "numerics without\nlearned weights", 8.45, 2.25, 2.2),
    ("models/networks", "what ships", 10.85, 2.95, 2.2),
    ("models/papers", "one paper, one file", 10.85, 1.95, 2.2),
    ("models/zoo", "cards, weights, fetching", 8.45, 0.75, 4.6),
)
HEIGHTS = {"backend/server": 1.15, "backend/imaging": 1.45, "plugin/client/actions": 0.8, "plugin/client": 0.8,
           "plugin/client/net": 0.8, "models/networks": 0.8, "models/papers": 0.8, "models/zoo": 0.8}  # fmt: skip
ARROWS = (  # from, to, text, where the text is
    ((3.45, 1.15), (4.75, 4.6), "job", (4.02, 3.4)),
    ((7.2, 5.35), (8.4, 5.95), "job", (7.62, 5.85)),
    ((8.4, 5.6), (7.2, 4.95), "result", (7.78, 4.95)),
    ((5.1, 4.5), (3.45, 0.95), "progress, result", (4.78, 2.1)),
)
TRAINING = ("models/training", "core and one folder a task; writes models/zoo/weights", 4.5, 0.5, 2.9)


def draw() -> None:
    """Write the image. Raises FileNotFoundError when it names a folder that is not there."""
    figure, axes = plt.subplots(figsize=(12, 6.6), dpi=110)
    for title, x, y, width, height, color in PROCESSES:
        axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0.05", fc=color, ec="#777777"))
        axes.text(x + width / 2, y + height - 0.25, title, ha="center", va="center", fontsize=10, style="italic")
    for folder, text, x, y, width in (*ROOMS, TRAINING):
        if not (ROOT / folder).is_dir():
            raise FileNotFoundError(folder)
        height = HEIGHTS.get(folder, 1.05)
        axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0.03", fc="white", ec="#444444"))
        text = text.replace("; ", ";\n") if folder == "models/training" else text
        axes.text(x + width / 2, y + height * 0.72, folder, ha="center", va="center", fontsize=8.5, weight="bold")
        axes.text(x + width / 2, y + height * 0.3, text, ha="center", va="center", fontsize=7.2)
    for start, end, text, place in ARROWS:
        axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, color="#333333"))
        axes.text(*place, text, fontsize=8, ha="center", va="center")
    axes.add_patch(FancyArrowPatch((7.45, 1.0), (8.4, 1.0), arrowstyle="-|>", mutation_scale=14, color="#333333"))
    axes.set(xlim=(0, 13.5), ylim=(0.3, 7.3))
    axes.axis("off")
    figure.tight_layout(pad=0.2)
    figure.savefig(OUT)


if __name__ == "__main__":
    draw()

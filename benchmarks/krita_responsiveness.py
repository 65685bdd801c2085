"""How the real Krita answers while Inlay works: the event loop's longest stall, and what Cancel takes.

    python -m benchmarks.krita_responsiveness [--rounds 5] [--side 512] [--write]

A timer in Krita that wants to tick every 5 ms says how long the event loop stood still at most, idle, while a job
runs, and with every action. Time in which Krita was ready to go on but the processors served others is not counted.
Cancel is timed from the click to the job's end, and to when the worker has done another job.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from plugin.client.actions import ACTIONS, Source
from tests.editors.display import Display
from tests.editors.krita.harness import ROOT, Krita, install_into, install_remote
from tests.editors.krita.user import open_photograph
from tests.editors.trees import krita_root, vendored_pyzmq

REPORT = ROOT / "docs" / "benchmarks" / "krita.md"
STALL_MS, CANCEL_MS = 50.0, 500.0
WATCHED_SECONDS = 2.0
LEFT_OUT = {"style.train", "style.custom"}
"""They need a training."""
ROWS = {
    "idle": "idle: longest stall of the event loop",
    "waiting": "while a job runs: longest stall",
    "cancel": "Cancel: from the click until the job is over",
    "next": "from the click until the worker has done another job",
}
IDENTITY = "extension().run(actions.BY_NAME['diagnose.identity'], {'seconds': seconds}, {})"


def main() -> int:
    """Measure, print, and say by the exit status whether the medians are within the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=512, help="of the photograph that the actions work on, in pixels")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.relative_to(ROOT)}")
    args = parser.parse_args()
    with (
        Display() as display,
        tempfile.TemporaryDirectory(prefix="ik-") as folder,
        krita_with_inlay(display, Path(folder)) as krita,
    ):
        times = measure(krita, args.rounds)
        krita.run("K.activeWindow().qwindow().showMaximized()")
        stalls = measure_actions(krita, Path(folder), args.side)
        krita.quit()
    text = report(times, stalls, args.side)
    print(text)
    if args.write:
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")
    within = statistics.median(times["waiting"]) < STALL_MS and statistics.median(times["cancel"]) < CANCEL_MS
    return int(not within)


@contextmanager
def krita_with_inlay(display: Display, folder: Path) -> Iterator[Krita]:
    """Krita in a home of its own in `folder`, and a backend whose worker is up."""
    home = folder / "home"
    install_into(home, vendored_pyzmq(folder / "vendor", krita_root()))
    install_remote(home)
    environment = {
        "INLAY_TRANSPORT": "pyzmq",
        "INLAY_RUN_DIR": str(home / "run"),
        "INLAY_DATA_DIR": str(home / "data"),
        "INLAY_BACKEND_PYTHON": sys.executable,
        "INLAY_BACKEND_PATH": str(ROOT),
    }
    with Krita(display, home, environment) as krita:
        krita.run("settings.save(settings.Settings(keep_running=False)); open_document(512, 512)")
        krita.run(IDENTITY, seconds=0.0)
        krita.until("runner().job is None", wait=120)
        yield krita


def measure(krita: Krita, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every round, for each of ROWS."""
    times: dict[str, list[float]] = {name: [] for name in ROWS}
    for _ in range(rounds):
        time.sleep(2)  # Krita draws thumbnails of what is new
        times["idle"].append(longest_stall(krita))
        krita.run(IDENTITY, seconds=60.0)
        krita.until("runner().fraction > 0")
        times["waiting"].append(longest_stall(krita))
        begun = time.perf_counter()
        times["cancel"].append(
            krita.run("""
                import time
                begun = time.perf_counter()
                docker().findChild(QtWidgets.QPushButton, "inlay-cancel").click()
                assert runner().job is None
                answer = 1e3 * (time.perf_counter() - begun)
            """)
        )
        krita.run(IDENTITY, seconds=0.0)
        krita.until("runner().job is None", wait=60)
        times["next"].append(1e3 * (time.perf_counter() - begun))
    return times


def measure_actions(krita: Krita, folder: Path, side: int) -> dict[str, float]:
    """The longest stall of every action, by label: from its start to when its result has been in place for a while.

    Each works on a photograph of side x side pixels, with something selected in it and another layer above.
    """
    found = {}
    photograph = Image.fromarray(data.astronaut()).resize((side, side))
    other = Image.fromarray(data.chelsea()[:, :300]).convert("RGBA").resize((side // 3, side // 3))
    other.putalpha(Image.radial_gradient("L").resize(other.size).point(lambda value: 255 if value < 170 else 0))
    other.save(folder / "other.png")
    for action in ACTIONS:
        if action.hidden or action.name in LEFT_OUT:
            continue
        open_photograph(krita, folder, "photograph", np.asarray(photograph))
        krita.run("import_layer(path, 'Other', 20, 30)", path=str(folder / "other.png"))
        krita.run("select([box // 3, box // 20, box // 3, box // 3])", box=side)
        pasted = any(wanted.source is Source.BELOW for wanted in action.inputs)
        krita.run("front().setActiveNode(node('Other' if pasted else names()[0]))", pasted=pasted)
        krita.until("front().activeNode().name() == ('Other' if pasted else names()[0])", pasted=pasted)
        values = {"steps": 20} if action.name == "style.gatys" else {}
        inputs = [wanted.name for wanted in action.inputs if wanted.source is Source.OTHER]
        time.sleep(3)  # Krita draws thumbnails of what is new
        krita.run("stalls.start()")
        krita.run(
            """
            other = node("Other").uniqueId().toString()
            extension().run(actions.BY_NAME[name], values, dict.fromkeys(keys, other))
            """,
            name=action.name,
            values=values,
            keys=inputs,
        )
        krita.until("runner().job is None and not extension().delivery.waiting", wait=300)
        time.sleep(1)
        found[action.label] = float(krita.run("answer = stalls.stop()")["longest_ms"])
        if message := krita.get("message()"):
            raise RuntimeError(f"{action.label}: {message}")
        krita.run("clear()")
    return found


def longest_stall(krita: Krita) -> float:
    """Milliseconds between two ticks of a 5 ms timer in Krita, at most."""
    krita.run("stalls.start()")
    time.sleep(WATCHED_SECONDS)
    return float(krita.run("answer = stalls.stop()")["longest_ms"])


def report(times: dict[str, list[float]], stalls: dict[str, float], side: int) -> str:
    """The tables, in Markdown."""
    load = f"{os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else "unknown"
    rows = "\n".join(
        f"| {label} | {min(times[name]):.1f} ms | {statistics.median(times[name]):.1f} ms | {max(times[name]):.1f} ms |"
        for name, label in ROWS.items()
    )
    actions = "\n".join(f"| {label} | {stall:.1f} ms |" for label, stall in stalls.items())
    return f"""# How Krita answers while Inlay works

An image of 512 x 512 pixels in the real Krita, {len(times["idle"])} rounds of {WATCHED_SECONDS:g} s each:

| | least | median | most |
| --- | --- | --- | --- |
{rows}

Each action once on a photograph of {side} x {side} pixels, from its start until its result has been in place for a
second: the longest stall of the event loop.

| action | |
| --- | --- |
{actions}

Wanted: less than {STALL_MS:g} ms of stall while a job runs, and less than {CANCEL_MS:g} ms for Cancel. A timer that
wants to tick every 5 ms measures the stall; time in which Krita was ready to go on but the processors served others is
not counted.

On {os.cpu_count()} cores, {platform.system()} {platform.machine()}, at a load of {load}. Run it with
`python -m benchmarks.krita_responsiveness --write`.
"""


if __name__ == "__main__":
    sys.exit(main())

"""How the real Krita answers while Inlay works: the event loop's longest stall, and what Cancel takes.

    python -m benchmarks.krita_responsiveness [--rounds 5] [--write]

A timer in Krita that wants to tick every 5 ms says how long the event loop stood still at most, idle and while a job
runs. Time in which Krita was ready to go on but the processors served others is not counted. Cancel is timed from the
click to the job's end, and to when the worker has done another job.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.editors.display import Display
from tests.editors.krita.harness import ROOT, Krita, install_into, install_remote, vendored_pyzmq

REPORT = ROOT / "docs" / "benchmarks" / "krita.md"
STALL_MS, CANCEL_MS = 50.0, 500.0
WATCHED_SECONDS = 2.0
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
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.relative_to(ROOT)}")
    args = parser.parse_args()
    with Display() as display, tempfile.TemporaryDirectory(prefix="ik-") as folder:
        times = measure(display, Path(folder), args.rounds)
    text = report(times)
    print(text)
    if args.write:
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")
    within = statistics.median(times["waiting"]) < STALL_MS and statistics.median(times["cancel"]) < CANCEL_MS
    return int(not within)


def measure(display: Display, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every round, for each of ROWS."""
    home = folder / "home"
    install_into(home, vendored_pyzmq(folder / "vendor"))
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
        krita.until("runner().job is None", wait=120)  # the worker runs
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
        krita.quit()
    return times


def longest_stall(krita: Krita) -> float:
    """Milliseconds between two ticks of a 5 ms timer in Krita, at most."""
    krita.run("stalls.start()")
    time.sleep(WATCHED_SECONDS)
    return float(krita.run("answer = stalls.stop()")["longest_ms"])


def report(times: dict[str, list[float]]) -> str:
    """The table, in Markdown."""
    load = f"{os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else "unknown"
    rows = "\n".join(
        f"| {label} | {min(times[name]):.1f} ms | {statistics.median(times[name]):.1f} ms | {max(times[name]):.1f} ms |"
        for name, label in ROWS.items()
    )
    return f"""# How Krita answers while Inlay works

An image of 512 x 512 pixels in the real Krita, {len(times["idle"])} rounds of {WATCHED_SECONDS:g} s each:

| | least | median | most |
| --- | --- | --- | --- |
{rows}

Wanted: less than {STALL_MS:g} ms of stall while a job runs, and less than {CANCEL_MS:g} ms for Cancel. A timer that
wants to tick every 5 ms measures the stall; time in which Krita was ready to go on but the processors served others is
not counted.

On {os.cpu_count()} cores, {platform.system()} {platform.machine()}, at a load of {load}. Run it with
`python -m benchmarks.krita_responsiveness --write`.
"""


if __name__ == "__main__":
    sys.exit(main())

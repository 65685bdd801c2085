"""The command line as the user or a script meets it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import backend
from backend.cli import Exit, action_options, compose, paste, replace_sky, select
from backend.cli.main import COMMANDS, main
from plugin.client.actions import ACTIONS, BY_NAME, Action
from plugin.client.net.connection import Connection, State

ROOT = Path(backend.__file__).parent.parent
PHOTOGRAPHS = ROOT / "backend/demo"
PATCH = ["--target", "object", "--method", "grabcut", "--box", "124,336,92,116"]


def inlay(*words: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend", *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, env=environment or dict(os.environ), capture_output=True, text=True, timeout=200, check=False
    )


@pytest.fixture(scope="module")
def backend_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of a backend of its own, which the first command starts; it is shut down at the end."""
    run_dir = tmp_path_factory.mktemp("run")
    run_dir.chmod(0o700)
    data = tmp_path_factory.mktemp("data")
    own = {"INLAY_RUN_DIR": str(run_dir), "INLAY_DATA_DIR": str(data)}
    yield {**os.environ, **own}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        with Connection("test", start=False) as connection:
            end = time.monotonic() + 10
            while connection.state is State.STARTING and time.monotonic() < end:
                time.sleep(0.02)
            connection.shutdown()
            while connection.state is State.READY and time.monotonic() < end:
                time.sleep(0.02)


def run(*words: str | Path) -> int:
    """A command in this process, doing its work in this process."""
    return main([*map(str, words), "--in-process"])


def test_help_answers_without_torch_or_numpy() -> None:
    code = (
        "import sys; from backend.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print({'torch', 'numpy', 'cv2', 'PIL', 'zmq'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "set()"


def test_help_names_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for word in ("serve", "select", "paste", "doctor", "demo", "exit codes"):
        assert word in text


def test_commands_of_families_without_an_action_are_absent(capsys: pytest.CaptureFixture[str]) -> None:
    families = {action.name.split(".")[0] for action in ACTIONS}
    for family in ("style", "fill", "background"):
        assert (family in COMMANDS) == (family in families)
    with pytest.raises(SystemExit) as ended:
        main(["nonsense"])
    assert ended.value.code == Exit.USAGE
    assert "nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "actions", "others"),
    [
        ("select", action_options.family("select"), {"mode", select.CLASS_NAME}),
        ("paste", [paste.ACTION], set()),
        ("compose", [compose.ACTION], compose.PLACED),
        ("replace-sky", [replace_sky.ACTION], set()),
    ],
)
def test_every_parameter_of_the_table_is_an_option(command: str, actions: list[Action], others: set[str]) -> None:
    done = inlay(command, "--help")
    assert done.returncode == 0
    for action in actions:
        for parameter in action.parameters:
            if parameter.name not in others:
                assert f"--{parameter.name.replace('_', '-')}" in done.stdout


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [
        ("select", ["--what", "subject", "--careful"], ["--target", "subject", "--high-quality"]),
        ("select", ["--no-careful", "--position", "2"], ["--no-high-quality", "--spatial-weight", "2"]),
        ("fill", ["--what", "object", "--reach", "40"], ["--target", "object", "--sampling-radius", "40"]),
        ("fill", ["--mask", "m.png", "--no-traces"], ["--mask", "m.png", "--no-shadow-halo"]),
        ("style", ["--second", "hat", "--blend", "30"], ["--second-style", "hat", "--mix", "30"]),
        ("style", ["--style-picture", "a.png"], ["--style-image", "a.png"]),
        ("style", ["--own", "mine"], ["--custom", "mine"]),
        ("background", ["--subject-light", "1"], ["--subject-exposure", "1"]),
        ("background", ["--background-warmth", "9"], ["--background-temperature", "9"]),
        ("background", ["--subject-colour", "9"], ["--subject-saturation", "9"]),  # codespell:ignore
        ("style", ["--style", "wave", "--keep-colours"], ["--style", "wave", "--keep-colors"]),  # codespell:ignore
    ],
)
def test_older_spellings_of_options_are_taken_and_hidden(command: str, old: list[str], new: list[str]) -> None:
    parser = argparse.ArgumentParser()
    module = import_module(f"backend.cli.{command}")
    module.add_arguments(parser)
    images = ["gray", "a.png"] if command == "background" else ["a.png"]
    parsed = [parser.parse_args([*images, *words, "-o", "out.png"]) for words in (old, new)]
    assert parsed[0] == parsed[1]
    shown = parser.format_help()
    for word in new:
        assert not word.startswith("--") or word.replace("--no-", "--") in shown
    for word in set(old) - set(new):
        assert not word.startswith("--") or f"{word} " not in shown


def test_a_selection_is_an_eight_bit_gray_png_of_the_images_size(tmp_path: Path, backend_here: dict[str, str]) -> None:
    out = tmp_path / "mask.png"
    done = inlay("select", PHOTOGRAPHS / "astronaut.jpg", *PATCH, "-o", out, environment=backend_here)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (512, 512))
        mask = np.asarray(image)
    assert mask[385, 171] == 255
    assert mask[10, 10] == 0


def test_the_broker_and_this_process_come_to_the_same(tmp_path: Path, backend_here: dict[str, str]) -> None:
    words = ["select", PHOTOGRAPHS / "coffee.png", "--target", "colors", "--clusters", "3", "-o"]
    assert inlay(*words, tmp_path / "broker.png", environment=backend_here).returncode == 0
    assert run(*words, tmp_path / "here.png") == 0
    with Image.open(tmp_path / "broker.png") as one, Image.open(tmp_path / "here.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_many_images_go_to_a_folder_and_a_bad_one_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (40, 30), (200, 30, 30)).save(folder / name)
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("not an image")
    words = ["select", folder, "--target", "colors", "-o", tmp_path / "out"]
    assert run(*words) == Exit.BAD_INPUT
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a-mask.png", "b-mask.png"]
    printed = capsys.readouterr().err
    assert "broken.png" in printed
    assert "3/3" in printed


def test_images_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        Image.new("RGB", (40, 30), (200, 30, 30)).save(tmp_path / name)
    assert run("select", tmp_path / "a.png", tmp_path / "a.jpg", "--target", "colors", "-o", tmp_path / "out") == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.jpg-mask.png", "a.png-mask.png"]


def test_a_cutout_keeps_depth_and_clears_the_rest(tmp_path: Path) -> None:
    assert run("cutout", PHOTOGRAPHS / "astronaut.jpg", *PATCH, "-o", tmp_path / "patch.png") == 0
    with Image.open(tmp_path / "patch.png") as image:
        assert image.mode == "RGBA"
        pixels = np.asarray(image)
    assert pixels[385, 171, 3] == 255
    assert pixels[10, 10, 3] == 0


def test_paste_changes_the_masked_part_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 65535, (60, 80, 3)).astype(np.uint16)
    import cv2

    cv2.imwrite(str(tmp_path / "target.png"), target)
    Image.fromarray(rng.integers(90, 110, (20, 20, 3), dtype=np.uint8)).save(tmp_path / "source.png")
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    words = ["paste", tmp_path / "target.png", tmp_path / "source.png", "--mask", tmp_path / "mask.png"]
    assert run(*words, "--at", "-3,10", "--scale", "2", "--method", "poisson", "-o", tmp_path / "out.png") == 0
    after = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert after.dtype == np.uint16
    changed = (after != target).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == pytest.approx((7, 20, 26, 39), abs=1)


@pytest.mark.parametrize(
    ("words", "code", "printed"),
    [
        (["select", "{photo}", "-o", "{tmp}/x.png", "--target", "object"], Exit.USAGE, "--box"),
        (["select", "{photo}", "-o", "{tmp}/x.png", "--target", "unicorn"], Exit.USAGE, "unicorn"),
        (["select", "{photo}", "-o", "{tmp}/x.png", *PATCH, "--grow", "9999"], Exit.USAGE, "grow"),
        (["select", "{photo}", "-o", "{tmp}/x.png", *PATCH, "--clusters", "3"], Exit.USAGE, "clusters"),
        (["select", "{photo}", "-o", "{tmp}/x.xyz", *PATCH], Exit.USAGE, "x.xyz"),
        (["select", "{photo}", "-o", "{tmp}/x.png", *PATCH[:-1], "900,900,5,5"], Exit.USAGE, "outside"),
        (["cutout", "{photo}", "-o", "{tmp}/x.jpg", *PATCH], Exit.USAGE, "transparency"),
        (["paste", "{photo}", "{photo}", "--at", "0,0", "-o", "{tmp}/x.png"], Exit.USAGE, "--mask"),
        (["select", "{tmp}/missing.png", "-o", "{tmp}/x.png", *PATCH], Exit.BAD_INPUT, "missing.png"),
        (["select", "{tmp}", "-o", "{tmp}/out", *PATCH], Exit.BAD_INPUT, "no images"),
        (["paste", "{photo}", "{photo}", "--mask", "{small}", "--at", "0,0", "-o", "{tmp}/x.png"],
         Exit.BAD_INPUT, "same size"),
        (["select", "{photo}", "-o", "{tmp}/x.png", *PATCH[:-1], "0,0,512,512"], Exit.BAD_INPUT, "whole image"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_has_its_exit_code(
    words: list[str], code: Exit, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"photo": PHOTOGRAPHS / "astronaut.jpg", "small": PHOTOGRAPHS / "coffee.png", "tmp": tmp_path}
    assert run(*(word.format(**places) for word in words)) == code
    error = capsys.readouterr().err
    assert printed in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.png").exists()


def test_malformed_numbers_are_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("select", "a.png", "-o", tmp_path / "x.png", "--box", "1,2,three,4")
    assert ended.value.code == Exit.USAGE
    assert "X,Y,W,H" in capsys.readouterr().err


def test_an_unreachable_backend_has_its_own_exit_code(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "INLAY_RUN_DIR": str(tmp_path / "run"),
        "INLAY_DATA_DIR": str(tmp_path),
        "INLAY_BACKEND_PYTHON": "/nonexistent/python",
        "INLAY_BACKEND_PATH": "/nonexistent",
    }
    done = inlay(
        "select", PHOTOGRAPHS / "coffee.png", "--target", "colors", "-o", tmp_path / "x.png", environment=environment
    )
    assert done.returncode == Exit.UNREACHABLE
    assert "nonexistent" in done.stderr


def test_ctrl_c_cancels_the_job(tmp_path: Path, backend_here: dict[str, str]) -> None:
    """A run of many images is interrupted: the command ends at once and the backend has nothing left to do."""
    rng = np.random.default_rng(0)
    for number in range(40):
        Image.fromarray(rng.integers(0, 255, (700, 700, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    command = [
        sys.executable,
        "-m",
        "backend",
        "select",
        str(tmp_path),
        "--target",
        "colors",
        "-o",
        str(tmp_path / "o"),
    ]
    interruptible = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background commands ignore Ctrl-C
    with subprocess.Popen(
        command, cwd=ROOT, env=backend_here, stderr=subprocess.PIPE, text=True, preexec_fn=interruptible
    ) as process:
        assert process.stderr is not None
        assert "1/40" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == Exit.INTERRUPTED
    assert "interrupted" in rest
    assert "40/40" not in rest
    done = inlay("doctor", environment=backend_here)
    assert done.returncode == 0
    assert "All is well" in done.stdout


def test_the_demo_writes_its_images_and_says_where(tmp_path: Path, backend_here: dict[str, str]) -> None:
    done = inlay("demo", "-o", tmp_path / "demo", environment=backend_here)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "demo") in done.stdout
    for path in (tmp_path / "demo").iterdir():
        assert path.name in done.stdout
    with Image.open(tmp_path / "demo/chelsea-third-eye.png") as image:
        after = np.asarray(image.convert("RGB")).astype(int)
    with Image.open(PHOTOGRAPHS / "chelsea.png") as image:
        before = np.asarray(image).astype(int)
    assert np.array_equal(after[100:], before[100:])  # outside of the pasted eye nothing has changed
    greenish = after[25:60, 210:250, 1] - after[25:60, 210:250, 2]
    assert greenish.max() > 60  # the iris


def test_every_action_of_the_table_has_an_operation() -> None:
    from backend.operations import OPERATIONS

    assert set(OPERATIONS) == set(BY_NAME)

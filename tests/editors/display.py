"""A screen of its own for a real editor: Xvfb with a window manager, a keyboard and mouse (xdotool), screenshots."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

from PIL import Image, ImageGrab, ImageOps
from skimage import data

PROGRAMS = {"Xvfb": "xvfb", "openbox": "openbox", "xdotool": "xdotool"}
"""What a display needs, and the Debian package each comes from."""


def exactly(title: str) -> str:
    """A regular expression as xdotool takes it (POSIX) that matches this title and no other."""
    return "^" + re.sub(r"[().+*?]", r"[\g<0>]", title) + "$"


class Display:
    """`with Display() as display:` starts a screen; programs find it through `display.environment`."""

    def __init__(self, width: int = 1600, height: int = 1000) -> None:
        for program, package in PROGRAMS.items():
            if shutil.which(program) is None:
                raise RuntimeError(f"{program} is missing; the editor tests need it: apt-get install {package}")
        self.width, self.height = width, height
        self.processes: list[subprocess.Popen[bytes]] = []
        self.name = ""

    @property
    def environment(self) -> dict[str, str]:
        """Environment of this process, with DISPLAY set to this screen."""
        return {**os.environ, "DISPLAY": self.name}

    def __enter__(self) -> Display:
        read, write = os.pipe()
        screen = ["-screen", "0", f"{self.width}x{self.height}x24"]
        arguments = ["Xvfb", "-displayfd", str(write), *screen, "-nolisten", "tcp"]
        self.processes.append(subprocess.Popen(arguments, pass_fds=[write], stderr=subprocess.DEVNULL))
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = ":" + pipe.readline().strip()
        quiet = subprocess.DEVNULL
        self.processes.append(subprocess.Popen(["openbox"], env=self.environment, stdout=quiet, stderr=quiet))
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(10)

    def xdotool(self, *arguments: str | int, check: bool = True) -> str:
        """Run xdotool on this screen and return what it prints."""
        command = ["xdotool", *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or 'failed'}")
        return done.stdout.strip()

    def keys(self, *keys: str, pause: float = 0.25) -> None:
        """Press keys one after the other, each a name like "alt+t", "Down", "Return"."""
        for key in keys:
            self.xdotool("key", "--clearmodifiers", key)
            time.sleep(pause)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Click at a point of the screen."""
        self.xdotool("mousemove", "--sync", x, y, "click", button)

    def windows(self) -> dict[str, tuple[int, int, int, int]]:
        """All visible windows, menus among them, by id: left, top, width, height."""
        found = {}
        for window in self.xdotool("search", "--onlyvisible", "--name", ".*", check=False).split():
            lines = self.xdotool("getwindowgeometry", "--shell", window, check=False).split()
            place = dict(line.split("=") for line in lines)
            if place:
                found[window] = tuple(int(place[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))
        return found

    def find_window(self, title: str, wait: float = 10.0) -> str:
        """Id of the visible window whose title matches the regular expression. Raises TimeoutError."""
        end = time.monotonic() + wait
        while time.monotonic() < end:
            found = self.xdotool("search", "--onlyvisible", "--name", title, check=False).split()
            if found:
                return found[-1]
            time.sleep(0.1)
        raise TimeoutError(f"no window with the title {title!r} within {wait:g} s")

    def screenshot(self, path: Path) -> Path:
        """The whole screen as an image file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._grab().save(path, optimize=True)
        return path

    def pixels(self, box: tuple[int, int, int, int]) -> bytes:
        """What is on the screen in a box (left, top, right, bottom)."""
        return self._grab().crop(box).tobytes()

    def _grab(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self.name)


def publish(path: Path, name: str) -> None:
    """Copy a screenshot to the folder in $INLAY_SCREENSHOTS (docs/images, to renew the manual's), if it is set."""
    folder = os.environ.get("INLAY_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, Path(folder) / name)


def painting() -> Image.Image:
    """The image in $INLAY_PAINTING (a real painting, to renew the manual's images), else the photograph of the
    coffee; 600 x 400."""
    path = os.environ.get("INLAY_PAINTING")
    photo = Image.open(path).convert("RGB") if path else Image.fromarray(data.coffee())
    return ImageOps.fit(photo, (600, 400), Image.Resampling.LANCZOS)

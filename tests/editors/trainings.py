"""A custom style in training, as far as anybody can see: its lock is held and its status is written."""

from __future__ import annotations

from types import TracebackType

from backend.operations.style import training_process
from models.zoo import custom_styles
from plugin.client.server.launcher import take_lock

STEPS = 50


class Training:
    """`with Training("Evening") as training:` in the folder INLAY_DATA_DIR, which the backend uses, too."""

    def __init__(self, name: str) -> None:
        self.name, self.folder = name, custom_styles.run_folder(name)

    def __enter__(self) -> Training:
        self.folder.mkdir(parents=True)
        lock = take_lock(self.folder / "lock")
        assert lock is not None
        self.lock = lock
        self.at(10)
        return self

    def at(self, step: int) -> None:
        """So many steps are made."""
        left = 6.0 * (STEPS - step)
        training_process.write_status(self.folder, {"pid": 1, "step": step, "steps": STEPS, "seconds_left": left})

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """It is trained, to all appearances."""
        custom_styles.path_of(self.name).touch()
        (self.folder / "status.json").unlink()
        self.lock.close()

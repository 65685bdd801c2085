"""What both editors' windows of models do alike: one command at a time, and what is shown of it."""

from __future__ import annotations

from typing import Protocol

from .models import Model, ModelsCommand
from .server.launcher import Installation, LaunchError


class ModelsView(Protocol):
    """A window of models as the presenter sees it."""

    def show_models(self, models: list[Model]) -> None:
        """Show the table anew; the same network is chosen as before."""

    def show_chosen(self) -> None:
        """Show the details of the chosen network, and which buttons can be pressed."""

    def show_status(self, text: str) -> None:
        """Show a line about what has happened."""

    def show_progress(self, fraction: float) -> None:
        """Show how far a command is, 0 to 1; below 0: not known."""


class ModelsPresenter:
    """Runs the commands behind a window's buttons, one after the other. `look` is to be called now and then."""

    def __init__(self, view: ModelsView, installation: Installation | None = None) -> None:
        self._view, self._installation = view, installation
        self._command: ModelsCommand | None = None
        self._words: list[str] = []
        self._next: list[list[str]] = []

    @property
    def busy(self) -> bool:
        """Whether something is done with a network; nothing else can be, then."""
        return self._command is not None and self._words[0] != "list"

    @property
    def fetching(self) -> bool:
        """Whether a network is fetched, which can be paused."""
        return self.busy and self._words[0] == "fetch"

    def start(self, words: list[str]) -> None:
        """Begin `inlay models ...`; the table is shown anew after it."""
        try:
            self._command = ModelsCommand(words, self._installation)
        except LaunchError as error:
            self._view.show_status(str(error.failure))
            return
        self._words = words
        if words[0] != "list":
            self._view.show_status("")
            self._view.show_progress(-1.0)
        self._view.show_chosen()

    def look(self) -> None:
        """Show what has become of the command since the last time."""
        for step in self._command.steps() if self._command is not None else []:
            if step.ended:
                self._ended(step.failure)
            else:
                self._view.show_progress(step.fraction)

    def pause(self) -> None:
        """Stop a download, to go on with it later."""
        self.stop()
        self._view.show_status("Paused. Fetch goes on from here.")

    def cancel(self) -> None:
        """Stop a download and remove what there is of it."""
        self._next = [["remove", *self._words[1:]]]
        self.stop()

    def stop(self) -> None:
        """End what runs; what was fetched so far stays."""
        if self._command is not None:
            self._command.stop()

    def _ended(self, failure: str) -> None:
        command, self._command = self._command, None
        self._view.show_progress(0.0)
        if failure:
            self._view.show_status(failure)
        if self._words[0] == "list" and command is not None:
            self._view.show_models(command.models())
            self._view.show_chosen()
            return
        self.start(self._next.pop() if self._next else ["list"])

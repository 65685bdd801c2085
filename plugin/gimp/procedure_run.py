"""One call of a procedure: check the image, ask the user, send the job, show how it goes, put the result in place.

GIMP gives every call a process of its own, so waiting here holds up nobody. Cancelling GIMP's progress bar kills the
process; the backend notices that the client has gone and stops the job. So does closing the image.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from gi.repository import Gimp, GLib

from ..client.actions import BY_NAME, Action, Kind, ResultKind, Source
from ..client.messages import Job, Result
from ..client.names import named
from ..client.net.connection import Connection, JobCancelled, JobFailed
from ..client.training import followed as followed_training
from . import arguments, checks, choice_list, image, last_result, last_settings, results, training
from .following import begin, followed

PREVIEWED = ("Select", "Cut Out", "Fill", "Paste")
"""Menus whose dialogs show what the settings give."""


def run(procedure: Any, run_mode: Any, gimp_image: Any, drawables: list[Any], config: Any, action: Action) -> Any:
    """What GIMP calls. An error's message says what happened and what to do; the image is as it was then."""

    def work() -> None:
        layer = checks.active_layer(action, gimp_image, drawables)
        if run_mode == Gimp.RunMode.NONINTERACTIVE:
            values, layers = arguments.values(config, action), arguments.chosen_layers(config, action)
            with Connection("gimp") as connection:
                _Call(action, gimp_image, layer, connection).finish(values, layers)
            return
        checks.check_other_layers(action, layer)
        values = arguments.values(config, action) | last_settings.values(action)
        layers = arguments.proposed_layers(action, last_settings.layers(action), gimp_image, layer)
        with Connection("gimp") as connection:
            call = _Call(action, gimp_image, layer, connection)
            if run_mode == Gimp.RunMode.INTERACTIVE:
                arguments.forget_old(config, action)
                arguments.recall(config, action, values, layers)
                if not call.ask(procedure, config):
                    arguments.forget_layers(config, action)
                    raise JobCancelled
                values, layers = arguments.values(config, action), arguments.chosen_layers(config, action)
                arguments.forget_layers(config, action)
            call.finish_and_keep(values, layers)

    return _answered(procedure, gimp_image, work)


def run_at_once(
    procedure: Any, run_mode: Any, gimp_image: Any, drawables: list[Any], config: Any, action: Action
) -> Any:
    """What GIMP calls for an entry that asks nothing: the action with the settings it was last run with."""

    def work() -> None:
        layer = checks.active_layer(action, gimp_image, drawables)
        checks.check_other_layers(action, layer)
        layers = arguments.proposed_layers(action, last_settings.layers(action), gimp_image, layer)
        with Connection("gimp") as connection:
            _Call(action, gimp_image, layer, connection).finish_and_keep(last_settings.values(action), layers)

    return _answered(procedure, gimp_image, work)


def dynamic_choices(
    action: Action, gimp_image: Any, layer: Any, connection: Connection
) -> list[choice_list.DynamicChoice] | None:
    """What the layer offers for the action's parameter that depends on it; None where nothing does or none can tell.

    Raises ImageError when the layer has nothing to offer.
    """
    parameter = choice_list.dynamic_parameter(action)
    if parameter is None:
        return None
    listing = BY_NAME[parameter.choice_provider]
    begin(action)
    job = Job(listing.name, listing.check({}), image.gather(listing, gimp_image, layer, {}))
    try:
        listed = followed(job, action, gimp_image, connection)
    except JobFailed as error:
        print(f"{listing.name}: {error}", file=sys.stderr)
        return None
    found = choice_list.dynamic_choices(parameter, listed)
    if not found:
        raise image.ImageError("There is no custom style yet. Train one from a painting: Style > Train Custom Style.")
    if len(found) == 1 and parameter.kind is Kind.CHOICE:
        raise image.ImageError(f"{action.label} knows nothing of what is in this layer. Choose another way to select.")
    return found


class _Call:
    """An action on a layer."""

    def __init__(self, action: Action, gimp_image: Any, layer: Any, connection: Connection) -> None:
        self._action, self._image, self._layer, self._connection = action, gimp_image, layer, connection
        self._for_user = False  # not for a script
        self._computed: Callable[[Job], Result | None] = lambda _: None  # the result of a job that the dialog has shown

    def ask(self, procedure: Any, config: Any) -> bool:
        """Show the dialog, if there is anything to ask; whether the user said yes."""
        from .dialogs import Dialog

        action = self._action
        if not arguments.labeled(action):
            return True
        dynamic = dynamic_choices(action, self._image, self._layer, self._connection)
        dialog = Dialog(action, procedure, config, self._layer, dynamic)
        if action.menu not in PREVIEWED:
            return dialog.run()
        from .workbench import Workbench

        def make() -> tuple[Job, str]:
            return self._job(arguments.values(config, action), arguments.chosen_layers(config, action))

        bench = Workbench(action, self._image, self._layer, self._connection, make)
        dialog.show_beside(bench.widget)
        config.connect("notify", bench.change)
        try:
            said_yes = dialog.run()
        finally:
            bench.close()
        self._computed = bench.result_of
        return said_yes

    def finish(self, values: Mapping[str, object], layers: dict[str, Any]) -> tuple[str, ...]:
        """Have the result computed, unless the dialog has it already, and put it in place; sentences for the user."""
        begin(self._action)
        job, combine = self._job(values, layers)
        result = self._computed(job) or followed(
            job, self._action, self._image, self._connection, watch=self._action.watched and self._for_user
        )
        called = {w.name: self._layer.get_name() for w in self._action.inputs if w.source is Source.LAYER}
        called |= {name: layer.get_name() for name, layer in layers.items()}
        fill = any(wanted.source is Source.VISIBLE for wanted in self._action.inputs)
        result = named(result, self._action, called)
        before = last_result.selection_of(self._image) if self._for_user else None
        applied = results.apply(result, self._image, self._layer, combine, fill=fill, hide=self._action.hides_layer)
        if self._for_user and result.outputs:
            suited = self._action.suited(job.parameters)
            last_result.remember(job, suited, called, self._layer, layers, before, applied.layers)
        Gimp.displays_flush()
        return tuple(applied.notes)

    def finish_and_keep(self, values: Mapping[str, object], layers: dict[str, Any]) -> None:
        """The same for the user: they hear of the notes, and the next time starts with these settings."""
        self._for_user = True
        notes = self.finish(values, layers)
        last_settings.keep(self._action, self._action.following(self._action.check(dict(values))), layers)
        if name := followed_training(self._action.name, values):
            training.follow(name, self._image, self._connection)
        elif notes:
            Gimp.message("\n".join(notes))

    def _job(self, values: Mapping[str, object], layers: dict[str, Any]) -> tuple[Job, str]:
        parameters = self._action.check(dict(values))
        suited = self._action.suited(parameters)
        if suited.result is ResultKind.LAYER_MASK:
            checks.check_mask_can_be_set(self._layer)
        elif suited.result is ResultKind.LAYER:
            checks.check_layer_can_be_added(suited, self._image, self._layer)
        inputs = image.gather(suited, self._image, self._layer, layers)
        return Job(self._action.name, parameters, inputs), str(parameters.get("mode", "replace"))


def _answered(procedure: Any, gimp_image: Any, work: Callable[[], None]) -> Any:
    """Do the work; GIMP's return values. Over an image that was closed meanwhile nothing is said."""
    try:
        work()
    except JobCancelled:
        return _answer(procedure, Gimp.PDBStatusType.CANCEL)
    except (image.ImageError, JobFailed, ValueError) as error:
        if not gimp_image.is_valid():
            return _answer(procedure, Gimp.PDBStatusType.CANCEL)
        return _answer(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, str(error))
    except Exception as error:
        if not gimp_image.is_valid():
            return _answer(procedure, Gimp.PDBStatusType.CANCEL)
        traceback.print_exc(file=sys.stderr)
        fault = f"Inlay's plug-in failed: {type(error).__name__}: {error}. Please report this."
        return _answer(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, fault)
    return _answer(procedure, Gimp.PDBStatusType.SUCCESS)


def _answer(procedure: Any, status: Any, message: str = "") -> Any:
    return procedure.new_return_values(status, GLib.Error(message) if message else None)

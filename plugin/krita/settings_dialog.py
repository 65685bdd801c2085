"""The dialog of the settings."""

from __future__ import annotations

from typing import Any

from ..client.server.preferences import DEVICE_HELP, DEVICES, IDLE_HELP, MEMORY_HELP, Preferences, device_named
from .compat import QtWidgets
from .dialogs import FileField, arrange, choice
from .settings import Settings

_HELP = (
    "Settings > Configure Krita > Keyboard Shortcuts, under Inlay, changes the shortcuts; Settings > Configure "
    "Toolbars puts the entries on a toolbar."
)


class SettingsDialog(QtWidgets.QDialog):
    """Where the backend is, how it is reached, and what it may use."""

    def __init__(self, settings: Settings, preferences: Preferences, shortcuts: list[str], parent: Any = None) -> None:
        """`shortcuts` are lines like "Select Subject: Ctrl+Alt+Shift+S"."""
        super().__init__(parent)
        self.setWindowTitle("Inlay Settings")
        self._device = choice(list(DEVICES))
        self._device.setObjectName("inlay-device")
        self._device.setEditable(True)
        self._device.setToolTip(DEVICE_HELP)
        self._memory = QtWidgets.QDoubleSpinBox()
        self._memory.setObjectName("inlay-memory")
        self._memory.setRange(0, 1024)
        self._memory.setSuffix(" GiB")
        self._memory.setSpecialValueText("What is free")
        self._memory.setToolTip(MEMORY_HELP)
        self._idle = QtWidgets.QSpinBox()
        self._idle.setObjectName("inlay-idle")
        self._idle.setRange(0, 24 * 60)
        self._idle.setSuffix(" min")
        self._idle.setSpecialValueText("Automatic")
        self._idle.setToolTip(IDLE_HELP)
        self._python, self._source = FileField(), FileField(folder=True)
        self._transport = choice([("auto", "Automatic"), ("pyzmq", "ZeroMQ library"), ("pure", "Built in")])
        self._transport.setObjectName("inlay-transport")
        self._keep = QtWidgets.QCheckBox("Leave the backend running when Krita closes")
        self._keep.setToolTip("It ends by itself when it has been idle for a while, and starts again when needed.")
        keys = QtWidgets.QLabel("\n".join(shortcuts))
        keys.setObjectName("inlay-shortcuts")
        keys.setToolTip(_HELP)
        form = QtWidgets.QFormLayout()
        form.addRow("Device:", self._device)
        form.addRow("Memory for a job:", self._memory)
        form.addRow("Backend ends after:", self._idle)
        form.addRow("Python of the backend:", self._python)
        form.addRow("Folder of the backend:", self._source)
        form.addRow("Transport:", self._transport)
        form.addRow("", self._keep)
        form.addRow("Shortcuts:", keys)
        self._show(settings, preferences)
        arrange(
            self, "Leave both paths empty to use the backend that the installer set up. Device, memory and time are "
            f"those of its next start, in GIMP too. {_HELP}", form, lambda: self._show(Settings(), Preferences()),
        )  # fmt: skip

    def settings(self) -> Settings:
        """What was entered for Krita."""
        return Settings(
            self._python.text().strip(), self._source.text().strip(), self._transport.currentData(),
            self._keep.isChecked(),
        )  # fmt: skip

    def preferences(self) -> Preferences:
        """What was entered for the backend."""
        return Preferences(device_named(self._device.currentText()), self._memory.value(), self._idle.value())

    def _show(self, settings: Settings, preferences: Preferences) -> None:
        self._device.setEditText(preferences.device_label)
        self._memory.setValue(preferences.memory)
        self._idle.setValue(preferences.idle)
        self._python.setText(settings.python)
        self._source.setText(settings.folder)
        self._transport.setCurrentIndex(max(0, self._transport.findData(settings.transport)))
        self._keep.setChecked(settings.keep_running)

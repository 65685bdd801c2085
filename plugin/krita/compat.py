"""Qt as Krita ships it: PyQt5 up to Krita 5, PyQt6 from Krita 6.

Enums are written in full everywhere (`Qt.AlignmentFlag.AlignLeft`): both bindings take that.
"""

from __future__ import annotations

try:
    from PyQt5 import QtCore, QtGui, QtWidgets

    QAction = QtWidgets.QAction
except ImportError:
    from PyQt6 import QtCore, QtGui, QtWidgets

    QAction = QtGui.QAction

Qt = QtCore.Qt

__all__ = ["QAction", "Qt", "QtCore", "QtGui", "QtWidgets"]

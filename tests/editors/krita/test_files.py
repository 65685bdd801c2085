"""The files beside the plug-in's code, without Krita."""

from __future__ import annotations

import configparser
import xml.etree.ElementTree as ElementTree

from plugin.client.actions import ACTIONS
from plugin.krita import actionfile
from tests.editors.krita.harness import ROOT


def test_the_action_file_is_that_of_the_table() -> None:
    assert actionfile.FILE.read_text(encoding="utf-8") == actionfile.text(), (
        "python -m plugin.krita.actionfile renews it"
    )


def test_krita_can_read_the_action_file() -> None:
    root = ElementTree.fromstring(actionfile.text())
    names = [entry.get("name") for entry in root.iter("Action")]
    wanted = [name for action in ACTIONS for name, _label, _at_once in actionfile.entries(action)]
    assert names[: len(wanted)] == wanted
    assert {action.procedure for action in ACTIONS} <= set(wanted)
    assert len(set(names)) == len(names)


def test_the_desktop_file_names_the_folder_of_the_plugin() -> None:
    desktop = configparser.ConfigParser()
    desktop.read(ROOT / "plugin/krita/inlay.desktop")
    assert desktop["Desktop Entry"]["X-KDE-Library"] == "inlay"

"""The GIMP 3 plug-in: GIMP's images, dialogs and procedures on one side, `plugin.client` on the other."""

import gi

for _name, _version in {"Gimp": "3.0", "Gegl": "0.4", "Babl": "0.1"}.items():
    gi.require_version(_name, _version)

"""Inlay in Krita: an extension with a menu and a docker. Only `compat` names Qt, only this package talks to PyKrita."""

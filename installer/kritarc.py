"""Krita's settings file: switching the plug-in on and off, leaving every other byte as it is."""

from __future__ import annotations

import re

KEY = "enable_inlay"
_HEADER = re.compile(r"^\[python\][ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_LINE = re.compile(rf"^{KEY}[ \t]*=.*(?:\r?\n|\Z)", re.MULTILINE)


def switched_on(text: str) -> str:
    """The settings with enable_inlay=true in [python]."""
    newline = "\r\n" if "\r\n" in text else "\n"
    start, end = _group(text)
    if start < 0:
        gap = "" if not text else newline if text.endswith("\n") else newline * 2
        return f"{text}{gap}[python]{newline}{KEY}=true{newline}"
    group = text[start:end]
    if line := _LINE.search(group):
        ending = "\n" if line[0].endswith("\n") else ""
        ending = newline if ending else ""
        return text[:start] + group[: line.start()] + f"{KEY}=true{ending}" + group[line.end() :] + text[end:]
    head = text[:start] if text[:start].endswith("\n") else text[:start] + newline
    return f"{head}{KEY}=true{newline}{text[start:]}"


def switched_off(text: str) -> str:
    """The settings without enable_inlay; a [python] that held nothing else goes, too."""
    start, end = _group(text)
    if start < 0 or not _LINE.search(text[start:end]):
        return text
    group = _LINE.sub("", text[start:end])
    if group.strip():
        return text[:start] + group + text[end:]
    header = list(_HEADER.finditer(text[:start]))[-1]
    before = text[: header.start()]
    if text[end:]:
        return before + text[end:]
    return before.rstrip("\r\n") + ("\r\n" if "\r\n" in before else "\n") if before.strip() else ""


def _group(text: str) -> tuple[int, int]:
    """Start and end of what stands in [python]; -1, -1 without one."""
    header = _HEADER.search(text)
    if header is None:
        return -1, -1
    following = re.compile(r"^\[", re.MULTILINE).search(text, header.end())
    return header.end(), following.start() if following else len(text)

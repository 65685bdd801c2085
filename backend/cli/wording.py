"""The operations' sentences in the words of the command line, which has no layers, selections and menus."""

from __future__ import annotations

import re

_REMEDIES = {
    "select": "Mark it with --box X,Y,W,H or --point X,Y, or take another --target or --method.",
    "fill": "Mark it with --mask FILE, or with --target object and --box or --point.",
    "paste.portrait": "Cut the person out first (inlay cutout) and take the cutout as PORTRAIT.",
}
MARK = "Mark it with --mask FILE."

_TO_MARK = re.compile(
    r"^(Select |Remove the selection|Cut it out with|Choose another|Move it to|Make the selection smaller|Mark )"
)
"""How a remedy begins that an editor's user takes with the mouse."""

_WORDS: tuple[tuple[str, str], ...] = (
    (r"It goes on by itself: undo and fill again for another try\.", ""),
    (r",? on a (new )?layer of (its|their) own", ""),
    (r"\bA new layer\b", "An image"),
    (
        r"the pasted layer is transparent where the selection is, or nothing is selected",
        "SOURCE is transparent where the mask is white, or the mask is black",
    ),
    (r"\b[Tt]he pasted layer\b", "SOURCE"),
    (r"\bthe image below\b|\bthe image(?= below)", "TARGET"),
    (r"\bthe other layer\b", "the other image"),
    (r"Nothing of this layer is selected", "The mask, box or point marks nothing of this image"),
    (r"\bThe selection covers the whole layer\b", "The box or mask covers the whole image"),
    (r"\b(fill|erase) the selection\b", "fill the hole"),
    (r"\b([Tt])he (current )?selection\b", r"\1he mask"),
    (r"\b([Aa]) selection\b", r"\1 mask"),
    (r"\bWhole layer\b", "Whole image"),
    (r"\bLayers\b", "Images"),
    (r"\blayers\b", "images"),
    (r"\b[Aa] (new )?layer\b", "an image"),
    (r"\bLayer\b", "Image"),
    (r"\blayer\b", "image"),
    (r"Choose 'Say how far it is' to see\.|Choose 'Show its progress' to see\.", "See how far: --status."),
)
"""Regular expressions, and what stands in their place, in this order."""


def plain(text: str) -> str:
    """A sentence without an editor's words."""
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    return " ".join(text.split())


def remedy(text: str, action: str) -> str:
    """What helps, on the command line.

    Args:
        text: the operation's remedy, for users of an editor.
        action: the action's name; its command has the options that are named.
    """
    if not _TO_MARK.match(text):
        return plain(text)
    for prefix, found in _REMEDIES.items():
        if action.startswith(prefix):
            return found
    return MARK

"""The classes of PASCAL VOC."""

from __future__ import annotations

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table",
    "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "television",
)  # fmt: skip
"""In the data set's order: a class's number is its place. 255 in a label map means unknown."""

IGNORE = 255
"""Of pixels whose class nobody knows."""

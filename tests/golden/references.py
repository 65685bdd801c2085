"""Reference outputs in files: small copies of arrays, and how far a new output may be from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from backend.imaging.arrays import FloatArray

FOLDER = Path(__file__).parent / "references"
SIDE = 24  # px: arrays are averaged down to at most this many a side

EXACT = " box"
"""The end of the names of arrays of whole numbers, which are the same or wrong."""


def small(values: npt.ArrayLike) -> FloatArray:
    """A C x H x W or H x W array with its last two sides averaged down to at most SIDE."""
    array = np.asarray(values, np.float32)
    planes = array.reshape(-1, *array.shape[-2:])
    size = (min(SIDE, planes.shape[2]), min(SIDE, planes.shape[1]))
    return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes])


def write(name: str, arrays: Mapping[str, FloatArray]) -> None:
    """Into FOLDER/NAME.npz, in half precision, which is finer than every tolerance."""
    FOLDER.mkdir(exist_ok=True)
    halves = {key: value.astype(np.float16) for key, value in arrays.items()}
    np.savez_compressed(FOLDER / f"{name}.npz", allow_pickle=False, **halves)


def read(name: str) -> dict[str, FloatArray]:
    """What `write` has written. Raises FileNotFoundError with what to do where it has not."""
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        raise FileNotFoundError(
            f"there is no reference output of {name}: run `python -m tests.golden.regenerate {name}`"
        )
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key].astype(np.float32) for key in file.files}


def differences(name: str, arrays: Mapping[str, FloatArray], worst: float, mean: float) -> list[str]:
    """What of these arrays is not as the reference has it, a line each.

    Args:
        name: of the reference.
        arrays: the new ones.
        worst: largest allowed difference of an element, as a share of the reference's range (at least 1e-3).
        mean: largest allowed mean difference, likewise.
    """
    reference = read(name)
    if set(reference) != set(arrays):
        return [f"{name}: has {sorted(arrays)}, the reference {sorted(reference)}"]
    found = []
    for key, wanted in reference.items():
        array = arrays[key]
        if array.shape != wanted.shape:
            found.append(f"{name} {key}: shape {array.shape}, the reference {wanted.shape}")
            continue
        unit = max(1e-3, float(np.ptp(wanted)))
        difference = np.abs(array - wanted) / unit
        if key.endswith(EXACT) and difference.any():
            found.append(f"{name} {key}: {array.ravel()}, the reference {wanted.ravel()}")
            continue
        if not difference.max() <= worst or not difference.mean() <= mean:  # so that no number is one, too
            found.append(f"{name} {key}: differs by up to {difference.max():.4f}, {difference.mean():.5f} in the mean")
    return found

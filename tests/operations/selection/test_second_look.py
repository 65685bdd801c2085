"""A subject the network does not see at first: small in a quiet image, or one of two things it is not sure between."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from skimage import data

from backend.io.rasters import raster, samples
from backend.operations import Context, OperationError, find
from backend.operations.selection import second_look
from backend.operations.selection.second_look import expected_iou
from plugin.client.actions import BY_NAME
from plugin.client.image import PixelFormat, Raster
from plugin.client.messages import Job

RGB, RGBA = PixelFormat("RGB", "u8"), PixelFormat("RGBA", "u8")
CONTEXT = Context()
WIDTH, HEIGHT = 1200, 800


def subject(pixels: np.ndarray) -> np.ndarray:
    """The mask, H x W u8, of an image's subject."""
    layer: Raster = raster(pixels, RGBA if pixels.shape[2] == 4 else RGB)
    job = Job("select.subject", BY_NAME["select.subject"].check({}), {"image": layer})
    return samples(find("select.subject")(job, CONTEXT)[0].raster)[..., 0]


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float(np.count_nonzero((mask > 127) & truth) / np.count_nonzero((mask > 127) | truth))


@cache
def cutout(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Color and alpha (0..1) of an object, cropped to it."""
    if name == "astronaut":
        pixels = data.astronaut()
        alpha = subject(pixels) / 255
        rows, columns = np.flatnonzero((alpha > 0.5).any(1)), np.flatnonzero((alpha > 0.5).any(0))
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return pixels[window], alpha[window]
    y, x = np.mgrid[:200, :200] - 99.5
    light = np.clip(1.1 - np.hypot(x + 30, y + 30) / 220, 0.3, 1.1)[..., None]
    color = {"red ball": (220, 40, 30), "blue ball": (40, 60, 220)}[name]
    return np.clip(light * color, 0, 255).astype(np.uint8), (np.hypot(x, y) < 99).astype(float)


def background(name: str) -> np.ndarray:
    gray = {"moon": data.moon, "lawn": data.grass, "gravel": data.gravel}[name]()
    tint = (100, 200, 80) if name == "lawn" else (255, 255, 255)
    enlarged = cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)[..., None] / 255
    return np.clip(enlarged * tint, 0, 255).astype(np.uint8)


def placed(image: np.ndarray, name: str, share: float, left: int, top: int) -> np.ndarray:
    """Puts an object that takes up a share of the image there; where it is, H x W bool."""
    color, alpha = cutout(name)
    scale = np.sqrt(share * image.shape[0] * image.shape[1] / np.count_nonzero(alpha > 0.5))
    size = tuple(max(1, round(side * scale)) for side in alpha.shape[::-1])
    color = cv2.resize(color, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    there = image[top : top + size[1], left : left + size[0]]
    there[:] = np.rint(color * alpha[..., None] + there * (1 - alpha[..., None]))
    truth = np.zeros(image.shape[:2], bool)
    truth[top : top + size[1], left : left + size[0]] = alpha > 0.5
    return truth


@pytest.mark.parametrize("where", ["moon", "lawn", "gravel"])
@pytest.mark.parametrize("name", ["astronaut", "red ball", "blue ball"])
@pytest.mark.parametrize("share", [0.0008, 0.002])
def test_a_small_thing_in_a_quiet_image_is_its_subject(where: str, name: str, share: float) -> None:
    image = background(where)
    truth = placed(image, name, share, 760, 330)
    assert iou(subject(image), truth) > 0.7


def screen(page: int, dialog: int, bar: bool) -> tuple[np.ndarray, np.ndarray]:
    """A page of text in gray `page` with a dialog in gray `dialog` over it, and where that is."""
    image = np.full((420, 640, 3), page, np.uint8)
    ink = (30,) * 3 if page > 100 else (215,) * 3
    for line in range(12):
        cv2.putText(image, "The quick brown fox jumps", (160, 62 + 22 * line), 0, 0.45, ink, 1, cv2.LINE_AA)
    cv2.rectangle(image, (300, 240), (540, 370), (dialog,) * 3, -1)
    cv2.rectangle(image, (300, 240), (540, 370), (100, 100, 100), 1)
    if bar:
        cv2.rectangle(image, (300, 240), (540, 262), (60, 110, 200), -1)
    cv2.putText(image, "Save?", (315, 290), 0, 0.5, (0,) * 3 if dialog > 100 else (235,) * 3, 1, cv2.LINE_AA)
    cv2.rectangle(image, (320, 330), (390, 355), (60, 120, 220), -1)
    truth = np.zeros(image.shape[:2], bool)
    truth[240:371, 300:541] = True
    return image, truth


@pytest.mark.parametrize(
    ("page", "dialog", "bar"), [(240, 255, False), (42, 250, False), (240, 60, True), (42, 250, True)]
)
def test_a_dialog_is_parted_from_the_page_behind_it(page: int, dialog: int, bar: bool) -> None:
    image, truth = screen(page, dialog, bar)
    assert iou(subject(image), truth) > 0.7


@pytest.mark.parametrize("kind", ["flat", "noise", "gradient", "hidden"])
def test_a_quiet_image_without_a_subject_still_has_none(kind: str) -> None:
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    if kind == "noise":
        image = np.clip(np.random.default_rng(0).normal(200, 3, image.shape), 0, 255).astype(np.uint8)
    elif kind == "gradient":
        image[:] = np.linspace(180, 230, HEIGHT).astype(np.uint8)[:, None, None]
    elif kind == "hidden":  # a color that alpha hides does not stand out
        image = np.dstack([image, np.full((HEIGHT, WIDTH), 255, np.uint8)])
        image[300:330, 500:540] = (255, 0, 255, 0)
    with pytest.raises(OperationError, match=r"[Nn]o subject|[Nn]othing"):
        subject(image)


def test_a_sure_answer_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = subject(data.astronaut())

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(second_look, "color_distance", fail)
    monkeypatch.setattr(second_look, "_closer", fail)
    assert np.array_equal(subject(data.astronaut()), expected)


def test_the_expected_iou_falls_with_doubt() -> None:
    sure = np.zeros((10, 10), np.float32)
    assert expected_iou(sure) == 0
    sure[2:6, 2:6] = 1
    assert expected_iou(sure) == 1
    unsure = np.where(sure > 0, np.float32(0.75), np.float32(0.05))
    assert expected_iou(unsure) == pytest.approx(16 * 0.75 / (16 + 84 * 0.05), rel=1e-5)

"""Color transforms given on a coarse grid and applied at full size."""

import numpy as np
import pytest

from backend.imaging.color.affine_field import transformed


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_every_pixel_gets_its_places_matrix_shift_and_share(rng: np.random.Generator) -> None:
    image, second = rng.uniform(0, 1, (2, 300, 40, 3)).astype(np.float32)
    matrix, shift = rng.normal(size=(3, 3)), rng.normal(size=3)
    field = np.broadcast_to(np.concatenate([matrix.ravel(), shift, [0.3]]), (10, 5, 13)).astype(np.float32)
    part = (slice(20, 290), slice(4, 33))
    seen = np.full((300, 40, 3), np.nan, np.float32)
    for rows, values in transformed(field, (40, 300), part, lambda rows: (image[rows, part[1]], second[rows, part[1]])):
        seen[rows, part[1]] = values
    np.testing.assert_allclose(seen[part], image[part] @ matrix.T + shift + 0.3 * second[part], atol=1e-5)
    assert np.isnan(seen[:20]).all()
    assert np.isnan(seen[290:]).all()


def test_between_the_cells_the_transform_changes_evenly() -> None:
    field = np.zeros((1, 8, 13), np.float32)
    field[0, :, 9] = np.arange(8)
    black = np.zeros((1, 64, 3), np.float32)
    ((_, values),) = transformed(field, (64, 1), (slice(0, 1), slice(0, 64)), lambda rows: (black, black))
    np.testing.assert_allclose(values[0, 4:-4, 0], (np.arange(4, 60) + 0.5) / 8 - 0.5, atol=0.04)
    assert not values[..., 1:].any()

"""The table and the contact sheet of the styles."""

from __future__ import annotations

from benchmarks import styles
from models.zoo.style_presets import PHOTOGRAPH, PRESETS
from tests.operations.style.networks import small_network


def test_the_table_has_the_mean_and_the_worst_of_the_presets() -> None:
    text = styles.table({"wave": (0.1, 1.0), "scream": (0.3, 2.0), PHOTOGRAPH: (3.7, 0.0)})
    rows = {line.split("|")[1].strip(): line for line in text.splitlines()}
    assert "Munch" in rows["scream"]
    assert rows["mean"].endswith("| 0.200 | 1.50 |")
    assert rows["largest"].endswith("| 0.300 | 2.00 |")
    assert rows["not repainted"].endswith("| 3.700 | 0.00 |")


def test_the_sheet_shows_every_preset() -> None:
    sheet = styles.sheet(small_network(), columns=1)
    height = styles.CELL[1] + styles.TITLE + styles.GAP
    assert sheet.shape[0] == (1 + len(PRESETS)) * height
    assert sheet[height + styles.TITLE :].std() > 5

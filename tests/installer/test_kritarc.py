"""Krita's settings: one line comes and goes, nothing else moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.kritarc import switched_off, switched_on

OURS = "enable_inlay=true"
SAMPLES = {
    "empty": "",
    "without the group": "[General]\nlanguage=de\n",
    "without a last newline": "[General]\nlanguage=de",
    "others' plug-ins": "[General]\na=1\n\n[python]\nenable_tenbrushes=true\nenable_other=false\n\n[theme]\nTheme=x\n",
    "group at the end": "[theme]\nTheme=x\n\n[python]\nenable_other=true\n",
    "header without a newline": "[python]",
    "windows": "[General]\r\na=1\r\n\r\n[python]\r\nenable_other=true\r\n",
    "odd bytes": "[General]\nname=\udcff\udc00 \u00e9\n",
    "group in another's name": "[python][sub]\nx=1\n[pythonic]\ny=2\n",
}


@pytest.mark.parametrize("before", SAMPLES.values(), ids=SAMPLES.keys())
def test_switching_on_adds_one_line_to_the_group_and_changes_no_other(before: str) -> None:
    after = switched_on(before)
    lines = after.replace("\r\n", "\n").split("\n")
    assert lines.count(OURS) == 1
    group = lines[: lines.index(OURS)]
    assert [line for line in group if line.startswith("[")][-1] == "[python]"
    kept = [line for line in lines if line not in (OURS, "[python]", "")]
    assert kept == [line for line in before.replace("\r\n", "\n").split("\n") if line not in ("[python]", "")]
    assert ("\r\n" in after) == ("\r\n" in before)
    assert switched_on(after) == after


@pytest.mark.parametrize(
    "name", [name for name in SAMPLES if name not in ("without a last newline", "header without a newline")]
)
def test_switching_off_gives_back_every_byte(name: str) -> None:
    assert switched_off(switched_on(SAMPLES[name])) == SAMPLES[name]


def test_a_plugin_that_was_switched_off_by_hand_is_switched_on() -> None:
    assert switched_on("[python]\nenable_inlay=false\nenable_b=true\n") == f"[python]\n{OURS}\nenable_b=true\n"


def test_settings_without_us_are_left_alone() -> None:
    for text in SAMPLES.values():
        assert switched_off(text) == text


@given(st.lists(st.sampled_from(["[a]", "[python]", "[b]", "x=1", "enable_x=true", ""]), max_size=12))
def test_any_file_of_unique_groups_keeps_its_lines(lines: list[str]) -> None:
    if lines.count("[python]") > 1:
        lines = [line for line in lines if line != "[python]"]
    text = "".join(line + "\n" for line in lines)
    back = switched_off(switched_on(text))
    assert [line for line in back.split("\n") if line and line != "[python]"] == [
        line for line in lines if line and line != "[python]"
    ]

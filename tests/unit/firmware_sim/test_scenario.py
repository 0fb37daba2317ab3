"""Scenario files: what happens when and for how long, and how wrong ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.faults.scenario import load_scenario
from firmware_sim.options import OptionError, Options


def scenario(tmp_path: Path, text: str) -> Options:
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    options = Options()
    load_scenario(path, options)
    return options


def test_a_scenario_says_what_when_and_for_how_long(tmp_path: Path) -> None:
    options = scenario(
        tmp_path,
        """
seed: 12
options: {battery: 44, heat: off}
steps:
  - {fault: stall, value: neck_left, at: 30, until: 35}
  - {fault: button, on: arm, at: 10}
  - {fault: silent}
  - {fault: silent, until: 2}
  - fault: clock
    value: -10%
""",
    )
    assert options.seed == 12
    assert (options.config.battery, options.config.heat) == (44.0, False)
    assert options.config.clock_rate == pytest.approx(0.9)
    said = [(step.label, step.at, step.event, step.lasts) for step in options.steps]
    assert said == [
        ("stall=neck_left@30:5", 30.0, None, 5.0),
        ("button@arm+10", 10.0, "arm", None),
        ("silent", 0.0, None, None),
        ("silent@0:2", 0.0, None, 2.0),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: [{fault: stall, at: 5, until: 3}]", "before it begins"),
        ("steps: [{fault: none}]", "no fault 'none'"),
        ("stops: []", "unknown field"),
        ("steps: [{fault: stall, at: soon}]", "Expected `float`"),
        ("a: [", "scenario.yaml is wrong"),
        ("a: &a [1]\nb: *a", "aliases"),
        ("options: {colour: red}", "no option"),
        ("seed: 1\n" + "#" * 70_000, "64 KiB"),
    ],
)
def test_a_wrong_scenario_names_the_file_and_the_reason(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        scenario(tmp_path, text)
    assert "scenario.yaml" in str(caught.value)


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot read the scenario"):
        load_scenario(tmp_path / "none.yaml", Options())

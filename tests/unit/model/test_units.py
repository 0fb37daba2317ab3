"""R1, R19, Z1: values that cannot be wrong, and what a person reads who typed something else."""

from __future__ import annotations

import math

import pytest

from massager_ctl.errors import InputError, IntensityError
from massager_ctl.model.units import (
    DIRECTIONS,
    FORBIDDEN_ZONES,
    ZONES,
    Direction,
    Intensity,
    Motion,
    Zone,
    parse_intensity,
)


def test_the_zones_are_in_wire_order_and_each_has_a_mirror() -> None:
    assert [zone.index for zone in ZONES] == [0, 1, 2, 3, 4, 5]
    for zone in ZONES:
        assert zone.mirror.mirror is zone
        assert zone.mirror.is_left is not zone.is_left
        assert zone.mirror.value.rsplit("_", 1)[0] == zone.value.rsplit("_", 1)[0]
        assert Zone.parse(zone.value) is zone


@pytest.mark.parametrize("name", FORBIDDEN_ZONES)
def test_a_forbidden_zone_is_refused_with_its_reason(name: str) -> None:
    """Z1, Z2."""
    with pytest.raises(InputError) as caught:
        Zone.parse(name)
    assert f"'{name}' is never powered: {FORBIDDEN_ZONES[name]}" in caught.value.message
    assert "trapezius_left" in caught.value.remedy


@pytest.mark.parametrize("name", ["nose", "", "NECK_LEFT", None, 3])
def test_an_unknown_zone_is_refused_with_those_that_there_are(name: object) -> None:
    with pytest.raises(InputError, match=f"unknown zone '{name}'"):
        Zone.parse(name)


@pytest.mark.parametrize("name", ["percussion", "percuss", "massage_gun"])
def test_percussion_is_refused_with_its_reason(name: str) -> None:
    """D3."""
    with pytest.raises(InputError, match=rf"motion '{name}' is refused: percussion .* \(D3\)"):
        Motion.parse(name)


def test_unknown_words_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="unknown motion 'wobble'") as motion:
        Motion.parse("wobble")
    assert "rest, vibrate, knead, glide, circle, hold" in motion.value.remedy
    with pytest.raises(InputError, match="unknown direction 'sideways'") as direction:
        Direction.parse("sideways")
    assert "none, cw, ccw, alternate, up, down" in direction.value.remedy


def test_words_that_are_known_are_read_and_numbered_in_wire_order() -> None:
    assert [Motion.parse(str(motion)).wire for motion in Motion] == [0, 1, 2, 3, 4, 5]
    assert [Direction.parse(str(way)).wire for way in Direction] == [0, 1, 2, 3, 4, 5]
    assert DIRECTIONS.keys() == set(Motion)


@pytest.mark.parametrize("value", [0, 0.0, 100, 100.0, 12.34, -0.0])
def test_an_intensity_is_percent_in_steps_of_a_tenth(value: float) -> None:
    assert Intensity(value) == round(value, 1)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (True, "is not a number"),
        ("50", "is not a number"),
        (None, "is not a number"),
        (math.nan, "nan is not a finite number"),
        (math.inf, "inf is not a finite number"),
        (-math.inf, "-inf is not a finite number"),
        (-0.1, "-0.1 is outside 0 to 100"),
        (100.1, "100.1 is outside 0 to 100"),
        (1e308, "1e[+]308 is outside 0 to 100"),
        (10**400, "of hundreds of digits is outside 0 to 100"),
    ],
)
def test_r19_anything_else_is_refused(value: object, why: str) -> None:
    with pytest.raises(IntensityError, match=why):
        Intensity(value)


@pytest.mark.parametrize(
    ("text", "percent"), [("20", 20.0), (" 20.5 ", 20.5), ("20%", 20.0), ("0", 0.0)]
)
def test_a_typed_intensity_is_read(text: str, percent: float) -> None:
    assert parse_intensity(text) == percent


@pytest.mark.parametrize(
    "text", ["", "much", "20 %%", "1,5", "nan", "inf", "-1", "101", "1_0", "１０"]
)
def test_r19_a_typed_intensity_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(IntensityError):
        parse_intensity(text)


@pytest.mark.parametrize(
    ("text", "hint"), [("30,5", "30.5"), ("30,5 %", "30.5"), ("1,2,3", ""), ("much", "")]
)
def test_a_comma_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(IntensityError) as refused:
        parse_intensity(text)
    assert ("with a point" in refused.value.remedy) is bool(hint)
    assert hint in refused.value.remedy


@pytest.mark.parametrize("text", ["030", "30%", " 30 % "])
def test_what_a_person_may_well_type_is_taken(text: str) -> None:
    assert parse_intensity(text) == 30.0

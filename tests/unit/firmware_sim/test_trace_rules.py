"""Traces that break R1, R2, R3, R6 or R8 in one place: each is found, with its moment and by how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.trace_rules import (
    CAPS,
    Bounds,
    Violation,
    assert_rules,
    explain,
    read_trace,
    violations,
)

HEADER: dict[str, Any] = {"type": "header", "version": 1, "device": "TEST", "seed": 0}
ARM: dict[str, Any] = {"type": "event", "t": 0.0, "event": "arm", "reason": ""}
STILL: dict[str, float] = dict.fromkeys(CAPS, 0.0)


def sample(
    t: float,
    out: dict[str, float] | None = None,
    *,
    drive: dict[str, float] | None = None,
    running: float = 1000.0,
    state: str = "running",
) -> dict[str, Any]:
    levels = STILL | (out or {})
    drives = dict(levels) if drive is None else STILL | drive
    return {
        "type": "sample",
        "t": t,
        "running": running,
        "state": state,
        "out": levels,
        "drive": drives,
    }


def steady(seconds: int, state: str = "running", *, start: int = 0) -> list[dict[str, Any]]:
    """One sample a second at the same level."""
    return [sample(float(t), {"neck_left": 5.0}, state=state) for t in range(start, seconds)]


def only(trace: list[dict[str, Any]], bounds: Bounds | None = None) -> str:
    """The message of the one violation that there is."""
    found = violations(trace, bounds)
    assert len(found) == 1, found
    return str(found[0])


def test_a_sound_trace_has_no_violation() -> None:
    trace = [HEADER, ARM, *steady(600), sample(600.0, state="idle")]
    assert violations(trace) == []
    assert_rules(trace)
    assert explain(violations(trace)) == "the trace keeps R1, R2, R3 and R8"


@pytest.mark.parametrize(
    ("zone", "level", "bound"),
    [("trapezius_left", 70.1, 70), ("neck_right", 50.1, 50), ("suboccipital_left", 35.1, 35)],
)
def test_a_level_above_its_cap_is_found(zone: str, level: float, bound: float) -> None:
    """R1."""
    assert only([sample(3.0, {zone: level})]) == (
        f"R1 at 3.00 s, {zone}: {level:.2f}, bound {bound:.2f} (over by 0.10)"
    )
    assert violations([sample(3.0, {zone: bound})]) == []


def test_a_zone_that_no_motor_may_touch_has_a_cap_of_zero() -> None:
    """R1, Z1."""
    found = violations([sample(0.0, {"throat": 0.1})])
    assert str(found[0]) == "R1 at 0.00 s, throat: 0.10, bound 0.00 (over by 0.10)"


def test_a_cap_of_the_session_is_held_to() -> None:
    """R1."""
    trace = [sample(1.0, {"neck_left": 25.1})]
    assert violations(trace) == []
    assert only(trace, Bounds(caps={"neck_left": 25.0})) == (
        "R1 at 1.00 s, neck_left: 25.10, bound 25.00 (over by 0.10)"
    )


def test_a_sum_above_200_is_found() -> None:
    """R1."""
    full = {"trapezius_left": 70.0, "trapezius_right": 70.0, "neck_left": 50.0}
    assert only([sample(2.0, full | {"neck_right": 10.1})]) == (
        "R1 at 2.00 s, sum: 200.10, bound 200.00 (over by 0.10)"
    )
    assert violations([sample(2.0, full | {"neck_right": 10.0})]) == []


@pytest.mark.parametrize(
    ("running", "highest"),
    [(0.0, 10.0), (60.0, 10.0), (180.0, 40.0), (299.0, 69.75)],
)
def test_a_level_above_the_envelope_is_found(running: float, highest: float) -> None:
    """R2: 10 % for the first minute, then a straight way to the cap at 300 s."""
    assert violations([sample(0.0, {"trapezius_left": highest}, running=running)]) == []
    above = [sample(0.0, {"trapezius_left": highest + 0.2}, running=running)]
    assert only(above).startswith("R2 at 0.00 s, trapezius_left:")


def test_a_ramp_of_the_session_is_held_to() -> None:
    """R2: a profile may ask for a longer way."""
    trace = [sample(0.0, {"trapezius_left": 70.0}, running=300.0)]
    assert violations(trace) == []
    assert only(trace, Bounds(ramp_s=600.0)).startswith("R2")


def test_a_cap_below_ten_is_the_envelope() -> None:
    trace = [sample(0.0, {"neck_left": 8.0}, running=500.0)]
    assert [found.rule for found in violations(trace, Bounds(caps={"neck_left": 5.0}))] == [
        "R1",
        "R2",
    ]
    assert violations(trace, Bounds(caps={"neck_left": 8.0})) == []


def test_a_level_that_rises_too_fast_is_found() -> None:
    """R3: a point a second for a host, two for a device on its own."""
    trace = [sample(0.0, {"neck_left": 5.0}), sample(1.0, {"neck_left": 6.5})]
    assert only(trace) == "R3 at 1.00 s, neck_left: 6.50, bound 6.11 (over by 0.39)"
    assert violations(trace, Bounds(rise=2.0)) == []
    assert violations(trace, Bounds(step_s=0.5)) == []


def test_a_level_may_fall_at_once() -> None:
    """R3."""
    assert violations([sample(0.0, {"neck_left": 40.0}), sample(0.02)]) == []


def test_events_between_samples_do_not_renew_the_slew() -> None:
    """R3 holds across a stop and a new ARM."""
    risen = sample(0.02, {"neck_left": 3.0}, drive={"neck_left": 0.1})
    assert only([sample(0.0), ARM | {"t": 0.01}, risen]) == (
        "R3 at 0.02 s, neck_left: 3.00, bound 0.13 (over by 2.87)"
    )


def test_a_drive_above_its_level_is_found() -> None:
    """R3: a pattern plays within its level."""
    trace = [sample(1.0, {"neck_left": 5.0}, drive={"neck_left": 5.1})]
    assert only(trace) == "R3 at 1.00 s, neck_left drive: 5.10, bound 5.00 (over by 0.10)"


def test_a_drive_that_rises_too_fast_is_found() -> None:
    """R3: ten points a second within an earned level."""
    trace = [
        sample(0.0, {"neck_left": 20.0}, drive={"neck_left": 0.0}),
        sample(1.0, {"neck_left": 20.0}, drive={"neck_left": 12.0}),
    ]
    assert only(trace) == "R3 at 1.00 s, neck_left drive: 12.00, bound 10.11 (over by 1.89)"
    assert violations(trace, Bounds(drive_rise=12.0)) == []


def test_an_actuator_that_jumps_while_its_zone_does_not_is_found() -> None:
    """R3: at a change of motion the drive goes over from one actuator to the other, slowly."""
    at_first, then = sample(0.0, {"neck_left": 20.0}), sample(1.0, {"neck_left": 20.0})
    at_first |= {"vibration": {"neck_left": 20.0}, "kneading": {"neck_left": 0.0}}
    slow = then | {"vibration": {"neck_left": 10.0}, "kneading": {"neck_left": 10.0}}
    jumped = then | {"vibration": {"neck_left": 6.0}, "kneading": {"neck_left": 14.0}}
    assert violations([at_first, slow]) == []
    assert only([at_first, jumped]) == (
        "R3 at 1.00 s, neck_left kneading: 14.00, bound 10.11 (over by 3.89)"
    )


def test_two_actuators_above_their_level_are_found() -> None:
    """R3."""
    line = sample(1.0, {"neck_left": 5.0})
    line |= {"vibration": {"neck_left": 3.0}, "kneading": {"neck_left": 2.5}}
    assert only([line]) == "R3 at 1.00 s, neck_left actuators: 5.50, bound 5.00 (over by 0.50)"


@pytest.mark.parametrize("state", ["idle", "latched", "fault"])
def test_an_output_outside_a_session_is_found(state: str) -> None:
    """R6."""
    assert only([sample(4.0, {"neck_left": 1.0}, state=state)]) == (
        f"R6 at 4.00 s, state {state}: 1.00, bound 0.00 (over by 1.00)"
    )


def test_a_session_of_more_than_30_minutes_is_found_once() -> None:
    """R8."""
    trace = [HEADER, ARM, *[sample(float(t), state="armed") for t in range(2000)]]
    assert only(trace) == "R8 at 1802.00 s, session: 1802.00, bound 1800.00 (over by 2.00)"
    assert violations(trace[:1803]) == []


def test_pauses_do_not_count_but_45_minutes_with_them_are_the_end() -> None:
    """R8."""
    trace = [HEADER, ARM, *[sample(float(t), state="paused") for t in range(2800)]]
    assert only(trace) == (
        "R8 at 2702.00 s, session with pauses: 2702.00, bound 2700.00 (over by 2.00)"
    )


def test_a_new_arm_begins_a_new_session() -> None:
    """R8: the length of a session is counted from its own ARM."""
    first = [ARM, *[sample(float(t), state="armed") for t in range(1700)]]
    second = [
        sample(1700.0, state="idle"),
        ARM | {"t": 1701.0},
        *[sample(float(t), state="armed") for t in range(1701, 3400)],
    ]
    assert violations([*first, *second]) == []


def test_a_session_whose_arm_was_not_recorded_is_not_timed() -> None:
    assert violations([sample(float(t), state="armed") for t in range(2000)]) == []


def test_more_than_1800_s_of_running_in_any_hour_are_found() -> None:
    """R8: stop and ARM again renew nothing."""
    trace = [HEADER]
    for start in range(0, 2400, 600):
        trace += [ARM | {"t": float(start)}, *steady(start + 590, start=start)]
        trace.append(sample(start + 590.0, state="idle"))
    assert only(trace) == (
        "R8 at 1832.00 s, running in an hour: 1802.00, bound 1800.00 (over by 2.00)"
    )


def test_running_of_more_than_an_hour_ago_is_forgotten() -> None:
    """R8: half of every hour, for three hours."""
    trace: list[dict[str, Any]] = []
    for start in range(0, 10800, 3600):
        trace += [*steady(start + 1800, start=start), sample(start + 1800.0, state="idle")]
    assert violations(trace) == []


def test_running_counts_for_the_part_of_a_span_that_lies_in_the_hour() -> None:
    """R8: one long span that began before the hour."""
    trace = [
        sample(0.0, {"neck_left": 5.0}),
        sample(1000.0, state="idle"),
        sample(3600.0, {"neck_left": 1.0}),
        sample(4600.0, state="idle"),
    ]
    assert violations(trace) == []
    trace[-1] = sample(5500.0, state="idle")
    assert violations(trace)[0].measured == pytest.approx(1900.0)


def test_an_explanation_names_the_first_and_the_worst_of_each_rule() -> None:
    found = [
        Violation("R3", 1.0, "neck_left", 2.0, 1.0),
        Violation("R3", 2.0, "neck_left", 3.0, 1.0),
        Violation("R3", 3.0, "neck_left", 9.0, 1.0),
        Violation("R1", 4.0, "sum", 201.0, 200.0),
    ]
    assert explain(found, most=2).splitlines() == [
        "R1 is broken in 1 samples",
        "  R1 at 4.00 s, sum: 201.00, bound 200.00 (over by 1.00)",
        "R3 is broken in 3 samples",
        "  R3 at 1.00 s, neck_left: 2.00, bound 1.00 (over by 1.00)",
        "  worst: R3 at 3.00 s, neck_left: 9.00, bound 1.00 (over by 8.00)",
    ]


def test_a_broken_trace_fails_with_its_explanation() -> None:
    with pytest.raises(AssertionError, match=r"R1 is broken in 1 samples\n  R1 at 3\.00 s"):
        assert_rules([sample(3.0, {"neck_left": 50.5})])


def test_rules_can_be_asserted_one_by_one() -> None:
    trace = [sample(3.0, {"neck_left": 50.5})]
    assert_rules(trace, rules=["R3", "R8"])
    with pytest.raises(AssertionError, match="R1 is broken"):
        assert_rules(trace, rules=["R1"])


@pytest.mark.parametrize("trace", [[], [HEADER], [json.dumps(HEADER), ""]])
def test_a_trace_without_samples_proves_nothing(trace: list[Any]) -> None:
    with pytest.raises(AssertionError, match="no samples: nothing was recorded"):
        assert_rules(trace)


def test_a_trace_is_read_from_a_file_or_from_its_lines(tmp_path: Path) -> None:
    trace = [HEADER, ARM, sample(3.0, {"neck_left": 50.5})]
    lines = [json.dumps(line) for line in trace]
    file = tmp_path / "trace.jsonl"
    file.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    assert read_trace(file) == read_trace([*lines, " "]) == trace
    for form in (file, lines, trace):
        with pytest.raises(AssertionError, match="R1 is broken"):
            assert_rules(form)

"""R1, R2, R3 and R8 read off a trace: what the actuators really did, sample by sample."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CAPS: Final[Mapping[str, float]] = {
    "trapezius_left": 70.0,
    "trapezius_right": 70.0,
    "neck_left": 50.0,
    "neck_right": 50.0,
    "suboccipital_left": 35.0,
    "suboccipital_right": 35.0,
}
"""Percent a zone (R1)."""

SUM_CAP: Final = 200.0
GENTLE: Final = 10.0
GENTLE_S: Final = 60.0
RAMP_S: Final = 300.0
"""The envelope: 10 % for 60 s of running, the cap no earlier than 300 s (R2)."""

ROUNDING: Final = 0.11
"""Points that a level may seem to rise for being written to 0.1."""

DRIVE_RISE: Final = 10.0
"""Points a second that each actuator's drive may rise within its level (R3)."""

ACTUATORS: Final = ("vibration", "kneading")
"""The keys of a sample that tell the drive of each zone's actuators."""

SESSION_S: Final = 1800.0
SESSION_WITH_PAUSES_S: Final = 2700.0
RUNNING_S: Final = 1800.0
"""Seconds of one session, with its pauses, and of running in any hour (R8)."""

_OPEN: Final = frozenset({"armed", "running", "paused", "fading"})


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule, broken at `t` seconds: what was measured and what the bound was."""

    rule: str
    t: float
    where: str
    measured: float
    bound: float

    def __str__(self) -> str:
        return (
            f"{self.rule} at {self.t:.2f} s, {self.where}: {self.measured:.2f}, bound {self.bound:.2f}"
            f" (over by {self.measured - self.bound:.2f})"
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a trace is held to.

    `rise`: points a second, 1 for a sound host, 2 for the device alone (R3). `step_s`: a host speaks every 200 ms, so a
    device without a slew of its own climbs in steps of that length. `drive_rise`: points a second of the pattern.
    """

    caps: Mapping[str, float] | None = None
    rise: float = 1.0
    step_s: float = 0.0
    ramp_s: float = RAMP_S
    drive_rise: float = DRIVE_RISE


def read_trace(source: Path | Iterable[str]) -> list[dict[str, Any]]:
    """The lines of a trace, from a file or from text."""
    lines = source.read_text(encoding="utf-8").splitlines() if isinstance(source, Path) else source
    return [json.loads(line) for line in lines if line.strip()]


def violations(trace: Sequence[Mapping[str, Any]], bounds: Bounds | None = None) -> list[Violation]:
    """Every place where a trace leaves R1, R2, R3 or R8; empty for a sound one."""
    held_to = bounds or Bounds()
    caps = {**CAPS, **(held_to.caps or {})}
    found: list[Violation] = []
    before: Mapping[str, Any] | None = None
    for sample in trace:
        if sample["type"] != "sample":
            continue
        found += _levels(sample, caps, held_to.ramp_s)
        if before is not None:
            found += _rises(before, sample, held_to)
        before = sample
    return found + _times(trace)


def _levels(sample: Mapping[str, Any], caps: Mapping[str, float], ramp_s: float) -> list[Violation]:
    t, running = sample["t"], sample["running"]
    found: list[Violation] = []
    for zone, level in sample["out"].items():
        cap = caps.get(zone, 0.0)
        if level > cap + 1e-9:
            found.append(Violation("R1", t, zone, level, cap))
        ceiling = _envelope(running, cap, ramp_s) + ROUNDING
        if level > ceiling:
            found.append(Violation("R2", t, zone, level, ceiling))
        drive = sample["drive"][zone]
        if drive > level + 1e-9:
            found.append(Violation("R3", t, f"{zone} drive", drive, level))
        both = sum(sample.get(actuator, {}).get(zone, 0.0) for actuator in ACTUATORS)
        if both > level + 1e-9:
            found.append(Violation("R3", t, f"{zone} actuators", both, level))
    total = sum(sample["out"].values())
    if total > SUM_CAP + 1e-9:
        found.append(Violation("R1", t, "sum", total, SUM_CAP))
    if sample["state"] not in _OPEN and total > 0:
        found.append(Violation("R6", t, f"state {sample['state']}", total, 0.0))
    return found


def _envelope(running: float, cap: float, ramp_s: float) -> float:
    if running <= GENTLE_S or cap <= GENTLE:
        return min(GENTLE, cap)
    return min(cap, GENTLE + (cap - GENTLE) * (running - GENTLE_S) / (ramp_s - GENTLE_S))


def _rises(before: Mapping[str, Any], sample: Mapping[str, Any], bounds: Bounds) -> list[Violation]:
    t = sample["t"]
    elapsed = t - before["t"]
    level_rise = bounds.rise * (elapsed + bounds.step_s) + ROUNDING
    drive_rise = bounds.drive_rise * elapsed + ROUNDING
    found: list[Violation] = []
    for zone, level in sample["out"].items():
        bound = before["out"][zone] + level_rise
        if level > bound:
            found.append(Violation("R3", t, zone, level, bound))
        drive, drive_bound = sample["drive"][zone], before["drive"][zone] + drive_rise
        if drive > drive_bound:
            found.append(Violation("R3", t, f"{zone} drive", drive, drive_bound))
    for actuator in ACTUATORS:
        for zone, now in sample.get(actuator, {}).items():
            bound = before[actuator][zone] + drive_rise
            if now > bound:
                found.append(Violation("R3", t, f"{zone} {actuator}", now, bound))
    return found


def _times(trace: Sequence[Mapping[str, Any]]) -> list[Violation]:
    """R8: one session's length, with and without pauses, and running in any hour."""
    found: list[Violation] = []
    armed_at: float | None = None
    active = 0.0
    last: Mapping[str, Any] | None = None
    spans: list[tuple[float, float]] = []
    for line in trace:
        t = line["t"] if line["type"] != "header" else 0.0
        if line["type"] == "event" and line["event"] == "arm":
            armed_at, active = t, 0.0
        if line["type"] != "sample":
            continue
        if last is not None:
            elapsed = t - last["t"]
            if any(last["out"].values()):
                spans.append((last["t"], t))
            if last["state"] in _OPEN and last["state"] != "paused":
                active += elapsed
        if line["state"] in _OPEN and armed_at is not None:
            if active > SESSION_S + 1:
                found.append(Violation("R8", t, "session", active, SESSION_S))
                armed_at = None
            elif t - armed_at > SESSION_WITH_PAUSES_S + 1:
                found.append(
                    Violation("R8", t, "session with pauses", t - armed_at, SESSION_WITH_PAUSES_S)
                )
                armed_at = None
        last = line
    return found + _hourly(spans)


def _hourly(spans: Sequence[tuple[float, float]]) -> list[Violation]:
    """The most running that any 3600 s hold, looked at where each span ends."""
    oldest, total = 0, 0.0
    for start, end in spans:
        total += end - start
        while spans[oldest][1] <= end - 3600:
            total -= spans[oldest][1] - spans[oldest][0]
            oldest += 1
        partly = max(0.0, end - 3600 - spans[oldest][0])
        if total - partly > RUNNING_S + 1:
            return [Violation("R8", end, "running in an hour", total - partly, RUNNING_S)]
    return []


def explain(found: Sequence[Violation], *, most: int = 8) -> str:
    """What is wrong with a trace, for a person: each rule with its first, its worst, and how often."""
    if not found:
        return "the trace keeps R1, R2, R3 and R8"
    lines: list[str] = []
    for rule in sorted({violation.rule for violation in found}, key=lambda r: (len(r), r)):
        of_rule = [violation for violation in found if violation.rule == rule]
        worst = max(of_rule, key=lambda violation: violation.measured - violation.bound)
        lines.append(f"{rule} is broken in {len(of_rule)} samples")
        lines += [f"  {violation}" for violation in of_rule[: max(1, most // 2)]]
        if worst not in of_rule[: max(1, most // 2)]:
            lines.append(f"  worst: {worst}")
    return "\n".join(lines)


def assert_rules(
    trace: Path | Iterable[str] | Sequence[Mapping[str, Any]],
    bounds: Bounds | None = None,
    *,
    rules: Iterable[str] | None = None,
) -> None:
    """Fail unless a trace (a file, its lines, or lines already read) keeps `rules`, or all of R1, R2, R3, R6 and R8.

    Raises AssertionError, which names each rule, when it was broken, and by how much.
    """
    lines = _lines(trace)
    if not any(line["type"] == "sample" for line in lines):
        raise AssertionError("the trace has no samples: nothing was recorded")
    found = violations(lines, bounds)
    if rules is not None:
        wanted = frozenset(rules)
        found = [violation for violation in found if violation.rule in wanted]
    if found:
        raise AssertionError(explain(found))


def _lines(
    trace: Path | Iterable[str] | Sequence[Mapping[str, Any]],
) -> Sequence[Mapping[str, Any]]:
    if isinstance(trace, Path):
        return read_trace(trace)
    given = list(trace)
    return [json.loads(line) if isinstance(line, str) else line for line in given if line]

"""From a profile's file to a proved plan, and how that grows with its steps."""

from __future__ import annotations

import time
from pathlib import Path

from bench.figures import Rounds, Row, Scale, at_most, exponent
from massager_ctl.profile.format.load import load_file, load_text
from massager_ctl.profile.library import find
from massager_ctl.profile.plan.make import make_plan
from massager_ctl.safety.limits import CapLayer, combine

NUMBER = 10
TITLE = "profile: load, prove, plan"

FIRST = combine((CapLayer.flat("first", 25.0, "session 1 of 3"),))
"""A personal cap, so that the plan is made and proved twice, as for most people."""

SIZES = (100, 300, 1000, 3000, 9900)


def measure(scale: Scale) -> Row:
    path = find("full-routine")
    whole = Rounds()
    many = {size: Rounds() for size in SIZES}
    began = time.perf_counter()
    make_plan(load_file(path), FIRST)
    first = time.perf_counter() - began
    for _ in range(scale.rounds):
        whole.add([_full_routine(path) for _ in range(scale.of(10))])
        for size, rounds in many.items():
            if scale.part >= 1 or size <= 1000:
                rounds.add([_many_steps(size)])
    measured = [size for size in SIZES if many[size].of]
    growth = exponent(measured, [many[size].p(50) for size in measured])
    return Row(
        NUMBER,
        TITLE,
        (
            at_most("full-routine", whole.p(50) * 1000, 30.0, "ms"),
            at_most(f"exponent {measured[0]} to {measured[-1]:,} steps", growth, 1.05, ""),
        ),
        {
            "first_ms": first * 1000,
            "full_routine_p50_ms": whole.p(50) * 1000,
            "full_routine_p99_ms": whole.p(99) * 1000,
            **{f"steps_{size}_ms": many[size].p(50) * 1000 for size in measured},
        },
    )


def _full_routine(path: Path) -> float:
    began = time.perf_counter()
    make_plan(load_file(path), FIRST)
    return time.perf_counter() - began


def _many_steps(count: int) -> float:
    """Seconds for `count` steps written out of one repeat; all of them last as long together."""
    text = (
        "title: T\ncap: 30\nduration: 1590\nsteps:\n"
        f"  - repeat: {count // 2}\n    steps:\n"
        f"      - zones: neck\n        level: 5\n        duration: {1400 / count}\n"
        f"      - zones: trapezius\n        level: 6\n        duration: {1400 / count}\n"
        "  - zones: neck\n"
    )
    began = time.perf_counter()
    make_plan(load_text(text, "many.yaml"), combine(()))
    return time.perf_counter() - began

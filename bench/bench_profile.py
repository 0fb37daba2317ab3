"""How long a profile takes from its file to a proved plan; the goal is 30 ms for full-routine."""

from __future__ import annotations

import time

from massager_ctl.profile.library import find
from massager_ctl.profile.load import load_file, load_text
from massager_ctl.profile.plan import make_plan
from massager_ctl.safety.limits import CapLayer, combine

ROUNDS = 20
FIRST = combine((CapLayer.flat("first", 25.0, "session 1 of 3"),))


def full_routine() -> None:
    path = find("full-routine")
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        make_plan(load_file(path), FIRST)
        times.append(time.perf_counter() - start)
    print(f"full-routine: first {times[0] * 1e3:.1f} ms, best {min(times) * 1e3:.1f} ms")


def many_steps() -> None:
    for count in (100, 1_000, 9_000):
        text = (
            "title: T\ncap: 30\nduration: 1800\nsteps:\n"
            f"  - repeat: {count // 2}\n    steps:\n"
            f"      - zones: neck\n        level: 5\n        duration: {1600 / count}\n"
            f"      - zones: trapezius\n        level: 6\n        duration: {1600 / count}\n"
            "  - zones: neck\n"
        )
        start = time.perf_counter()
        plan = make_plan(load_text(text, "many.yaml"), combine(()))
        seconds = time.perf_counter() - start
        print(
            f"{len(plan.steps):6d} steps: {seconds * 1e3:7.1f} ms, {seconds / count * 1e6:.0f} µs a step"
        )


if __name__ == "__main__":
    full_routine()
    many_steps()

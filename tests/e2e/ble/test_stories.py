"""The other end-to-end tests, played again over BLE: T is 1 s there, and the rest is the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

from tests.e2e import test_each_side_alone, test_fade_and_start, test_session
from tests.e2e.ble.harness import opened_ble
from tests.support.marks import rig, simulated_time

pytestmark = [simulated_time, pytest.mark.unmeasured]

NOT_HERE = {
    # Its bound is T on a serial line; test_sessions.py has the one for BLE.
    "test_r4_the_device_alone_stops_when_the_host_falls_silent",
    # test_sessions.py plays whole sessions; what else a profile asks says nothing about the link.
    "test_every_shipped_profile_plays_to_its_end_within_the_rules",
}
LONGEST_ONLY = {"test_r8_the_host_alone_plays_profiles_within_the_rules": ("full-routine",)}
"""One profile says as much about the link as all of them do."""

MODULES = (test_session, test_fade_and_start, test_each_side_alone)

Played = Callable[..., Coroutine[Any, Any, None]]


def played() -> Generator[Any]:
    """Every test of these modules that plays on a bench, once for each of its parameters."""
    for module in MODULES:
        for name, function in vars(module).items():
            if (
                name in NOT_HERE
                or not name.startswith("test_")
                or "bench" not in inspect.signature(function).parameters
            ):
                continue
            marks = [m for m in getattr(function, "pytestmark", ()) if m.name == "parametrize"]
            if not marks:
                yield pytest.param(function, {}, id=name)
                continue
            (mark,) = marks
            names = [word.strip() for word in mark.args[0].split(",")]
            every: Any = LONGEST_ONLY.get(name) or mark.args[1]
            for value in every:
                values = value if len(names) > 1 else (value,)
                given = dict(zip(names, values, strict=True))
                yield pytest.param(function, given, id=f"{name}[{value}]")


@pytest.mark.parametrize(("test", "given"), list(played()))
async def test_over_ble(
    test: Played, given: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    parameters = inspect.signature(test).parameters
    needed = [name for name in parameters if name != "bench" and name not in given]
    fixtures = {name: request.getfixturevalue(name) for name in needed}
    async with opened_ble(**rig(test)) as bench:
        await test(bench=bench, **given, **fixtures)

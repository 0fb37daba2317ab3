"""R5, R6: which starts still have an effect once their turn has come."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import InputError, ProfileError, Refused
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Origin, Start
from massager_ctl.model.status import Phase
from massager_ctl.safety.freshness import STALE_S

pytestmark = simulated_time


def armed(bench: Bench) -> bool:
    return any(line.get("event") == "arm" for line in bench.trace)


def wait_in(bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str, seconds: float) -> None:
    """The admission takes `seconds` more for `step`, as with a ledger that another process has locked."""
    real = getattr(bench.admission, step)

    async def slow(*given: Any, **named: Any) -> Any:
        await asyncio.sleep(seconds)
        return await real(*given, **named)

    monkeypatch.setattr(bench.admission, step, slow)


@pytest.mark.parametrize("step", ["limits", "reserve"])
@pytest.mark.parametrize(("seconds", "runs"), [(STALE_S - 0.1, True), (STALE_S + 0.01, False)])
@pytest.mark.parametrize("profile", ["manual", "restorative"])
async def test_r5_a_start_that_waited_longer_than_a_second_arms_nothing(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    seconds: float,
    runs: bool,
    profile: str,
) -> None:
    wait_in(bench, monkeypatch, step, seconds)
    start = Start(profile)
    if runs:
        await bench.controller.start(start)
        assert bench.controller.status.phase is Phase.RUNNING
        return
    with pytest.raises(Refused, match="R5"):
        await bench.controller.start(start)
    assert not bench.controller.status.phase.in_session
    assert not armed(bench)
    monkeypatch.undo()
    await bench.controller.start(start)  # nothing of it is left


async def test_r5_a_start_counts_from_when_the_operating_system_had_it(bench: Bench) -> None:
    now = bench.loop.time()
    with pytest.raises(Refused, match="R5"):
        await bench.controller.start(Start(), received_at=now - STALE_S - 0.01)
    assert not armed(bench)
    await bench.controller.start(Start(), received_at=now - STALE_S + 0.2)


async def test_r6_a_stop_cancels_the_starts_before_it_and_only_those(bench: Bench) -> None:
    controller = bench.controller
    first = controller.receive(Start("restorative"))
    second = controller.receive(Start(), origin=Origin.REMOTE)
    stopping = controller.stop_now()
    third = controller.receive(Start())
    for attempt in (first, second):
        with pytest.raises(Refused, match="a stop was requested"):
            await controller.begin(attempt)
    assert not armed(bench)
    await controller.begin(third)
    assert stopping.done()
    assert controller.open_attempt is third
    assert controller.status.phase is Phase.RUNNING
    await controller.stop()
    assert controller.open_attempt is None


async def test_r6_a_start_after_the_stop_of_a_session_waits_for_its_confirmation(
    bench: Bench,
) -> None:
    await bench.play(after_s=5.0)
    ended = asyncio.ensure_future(bench.controller.ended())
    bench.controller.stop_now()
    await bench.controller.start(Start())
    assert (await ended).cause is Cause.PERSON
    assert bench.controller.status.profile == "manual"
    assert bench.controller.status.phase is Phase.RUNNING


@pytest.mark.parametrize("name", ["", "no-such-profile", "../profiles/gentle.yaml", "/etc/passwd"])
async def test_a_start_names_a_profile_of_the_library_and_no_path(bench: Bench, name: str) -> None:
    with pytest.raises(ProfileError, match="no profile"):
        await bench.controller.start(Start(name))


async def test_a_cancelled_attempt_says_so() -> None:
    attempt = StartAttempt(Start(), Origin.LOCAL, 0.0)
    assert attempt.cancelled is False
    attempt.cancel()
    assert attempt.cancelled is True


@pytest.mark.parametrize("duration_s", ["5", True, 0.0, -1.0, math.nan, math.inf])
async def test_r8_a_start_whose_duration_makes_no_sense_is_refused_and_arms_nothing(
    bench: Bench, duration_s: Any
) -> None:
    with pytest.raises(InputError, match="seconds"):
        await bench.controller.start(Start(duration_s=duration_s))
    assert not armed(bench)


@pytest.mark.parametrize("step", ["limits", "reserve"])
async def test_r5_r10_a_start_that_slept_with_the_computer_arms_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    wait_in(bench, monkeypatch, step, 0.4)
    starting = asyncio.ensure_future(bench.controller.start(Start()))
    await asyncio.sleep(0.2)
    bench.loop.clock.suspend(8 * 3600.0)
    with pytest.raises(Refused, match="R5"):
        await starting
    assert not armed(bench)
    monkeypatch.undo()
    await bench.controller.start(Start())  # one from after it is as good as ever

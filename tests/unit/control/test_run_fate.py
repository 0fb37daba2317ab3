"""R6: a session's end says "confirmed" only if every stop of that very session was confirmed."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from tests.faults.ground import Ground, Line, Recipe
from tests.support.marks import simulated_time

from massager_ctl.control.open_session import OpenSession
from massager_ctl.control.session import Ended
from massager_ctl.errors import ExitCode, Refused, StopUnconfirmed, StoreError
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Start
from massager_ctl.model.units import ZERO
from massager_ctl.safety.telemetry_watch import STUCK_S
from massager_ctl.wire.codec import decode_body
from massager_ctl.wire.messages import Stop

pytestmark = simulated_time

BLE = Recipe(ble=True)


def hung_reservation(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> tuple[asyncio.Event, asyncio.Event]:
    """The next reservation hangs until the second event, and then fails; the first says that it has begun."""
    real, begun, go_on = g.admission.reserve, asyncio.Event(), asyncio.Event()

    async def hang(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(g.admission, "reserve", real)
        begun.set()
        await go_on.wait()
        raise StoreError("the ledger was locked")

    monkeypatch.setattr(g.admission, "reserve", hang)
    return begun, go_on


async def test_r6_a_reservation_that_fails_late_confirms_no_other_sessions_end(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    begun, go_on = hung_reservation(g, monkeypatch)
    first = asyncio.ensure_future(g.controller.start(Start()))
    await begun.wait()
    await g.controller.stop()
    await g.run()
    g.tap.line = Line.MUTE
    stopping = g.controller.stop_now()
    go_on.set()
    with pytest.raises(StoreError):
        await first
    end = await g.over()
    assert stopping.done()
    assert isinstance(stopping.exception(), StopUnconfirmed)
    assert (end.cause, end.exit_code) == (Cause.PERSON, ExitCode.UNCONFIRMED)
    assert g.controller.status.exit_code == ExitCode.UNCONFIRMED


async def test_r6_one_unconfirmed_stop_of_two_is_not_a_confirmed_end(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    first = g.controller.stop_now()
    g.tap.line = Line.MUTE
    second = g.controller.stop_now()
    g.tap.line = Line.SOUND
    await first
    g.tap.line = Line.MUTE
    end = await g.over()
    assert isinstance(second.exception(), StopUnconfirmed)
    assert end.exit_code is ExitCode.UNCONFIRMED


async def test_r6_the_stop_of_an_earlier_session_decides_nothing_about_a_later_one(
    g: Ground,
) -> None:
    await g.controller.connect()
    await g.controller.stop()
    await g.run()
    await g.controller.stop()
    earlier = await g.over()
    assert earlier.exit_code is ExitCode.OK
    await g.run()
    g.tap.line = Line.MUTE
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    assert (await g.over()).exit_code is ExitCode.UNCONFIRMED
    assert earlier.exit_code is ExitCode.OK


async def test_r6_a_stop_while_a_start_hangs_is_the_end_of_it(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    begun, go_on = hung_reservation(g, monkeypatch)
    starting = asyncio.ensure_future(g.controller.start(Start()))
    await begun.wait()
    await g.controller.stop(Cause.PERSON)
    end = await g.over()
    assert (end.cause, end.exit_code, end.running_s) == (Cause.PERSON, ExitCode.OK, 0.0)
    go_on.set()
    with pytest.raises(StoreError):
        await starting
    assert not g.seen("arm")
    assert g.controller.open_attempt is None
    with pytest.raises(Refused, match="no session"):
        g.controller.request(Start())  # type: ignore[arg-type]


async def test_r6_a_front_end_that_is_lost_while_a_start_hangs_is_the_end_of_it(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    real, begun, go_on = g.admission.reserve, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any, **named: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await real(*given, **named)

    monkeypatch.setattr(g.admission, "reserve", slow)
    starting = asyncio.ensure_future(g.controller.start(Start()))
    await begun.wait()
    g.tap.written.clear()
    g.controller.fade(Ended(Cause.LINK_LOST, "the broker is gone"), 3.0)
    assert [type(decode_body(body)) for body in g.tap.written] == [Stop]
    assert (await g.over()).cause is Cause.LINK_LOST
    go_on.set()
    with pytest.raises(Refused, match="cancelled"):
        await starting
    assert not g.seen("arm")


async def test_r14_current_while_a_stop_is_confirmed_begins_no_second_stop(
    g: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await g.controller.connect()
    await g.run()
    newest = g.driver.newest
    assert newest is not None
    stops: list[Cause] = []
    real = OpenSession.stop

    def stop(session: OpenSession, cause: Cause, text: str) -> asyncio.Task[None]:
        stops.append(cause)
        return real(session, cause, text)

    monkeypatch.setattr(OpenSession, "stop", stop)
    g.tap.line = Line.MUTE
    stopping = g.controller.stop_now()
    flowing = msgspec.structs.replace(newest, levels=ZERO, current_ma=500)
    g.controller.telemetry_received(flowing)
    await asyncio.sleep(STUCK_S + 0.1)
    assert not stopping.done()
    g.controller.telemetry_received(flowing)
    assert [event.name for event in g.events].count("alarm") == 1
    assert stops == [Cause.PERSON]
    with pytest.raises(StopUnconfirmed):
        await stopping

"""One suite for every `SessionControl`: this process's own controller, and one that another process would own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from enum import StrEnum
from pathlib import Path

import pytest
import pytest_asyncio
from tests.faults.ground import Ground, On, Recipe, laid
from tests.support.marks import simulated_time

from massager_ctl.control.session_control import SessionControl
from massager_ctl.errors import ExitCode, MassagerError, ProfileError, Refused, StopUnconfirmed
from massager_ctl.frontends.socket.remote import RemoteController
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.frontends.terminal.session_ui import SessionUi
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    PainKind,
    Pause,
    Presence,
    Resume,
    SetLevel,
    Start,
    Undo,
)
from massager_ctl.model.status import Event, LinkState, Phase, Status
from massager_ctl.model.units import Zone

pytestmark = [simulated_time, pytest.mark.usefixtures("runtime")]

SHOWN_S = 0.5
"""Seconds after which a view over the socket has surely heard what happened."""


class Kind(StrEnum):
    """Who implements it."""

    LOCAL = "local"
    REMOTE = "remote"


@pytest_asyncio.fixture
async def g(tmp_path: Path) -> AsyncGenerator[Ground]:
    """A connected controller and its device."""
    async with laid(On.MEMORY, Recipe(ble=True), tmp_path) as ground:
        await ground.controller.connect()
        yield ground
        ground.holds()


@pytest_asyncio.fixture(params=list(Kind))
async def control(g: Ground, request: pytest.FixtureRequest) -> AsyncGenerator[SessionControl]:
    """Each implementation in turn, on the same device."""
    if request.param is Kind.LOCAL:
        yield g.controller
        return
    async with ControlServer(g.controller, "sim:test") as server:
        remote = RemoteController(server.path)
        await remote.open()
        await asyncio.sleep(SHOWN_S)
        yield remote
        await remote.close()


async def refused(control: SessionControl, change: Change) -> str:
    """Why a change was refused: raised at once, or reported as the event `refused`."""
    events: list[Event] = []
    remove = control.add_event_listener(events.append)
    try:
        control.request(change)
    except MassagerError as error:
        return str(error)
    finally:
        await asyncio.sleep(SHOWN_S)
        remove()
    return next((event.text for event in events if event.name == "refused"), "")


async def test_a_session_by_hand_from_its_start_to_its_stop(
    g: Ground, control: SessionControl
) -> None:
    assert control.status.link is LinkState.UP
    await control.start(Start(None, 20.0, 300.0))
    await asyncio.sleep(SHOWN_S)
    assert (control.status.phase, control.status.profile) == (Phase.RUNNING, "manual")
    assert (control.status.duration_s, control.status.caps[0]) == (300.0, 20.0)
    control.request(SetLevel(10.0, Zone.NECK_LEFT))
    await asyncio.sleep(5.0)
    assert control.status.target == (0.0, 0.0, 10.0, 0.0, 0.0, 0.0)
    assert 0 < control.status.actual[2] <= 5.0
    await control.stop_now()
    assert not g.is_up
    end = await control.ended()
    assert (end.cause, end.exit_code) == (Cause.PERSON, ExitCode.OK)
    await asyncio.sleep(SHOWN_S)
    assert control.status.phase is Phase.ENDED


async def test_a_profile_by_its_id_and_every_change(g: Ground, control: SessionControl) -> None:
    await control.start(Start("gentle"))
    await asyncio.sleep(30.0)
    for change, eased, phase in (
        (Ease(3.0), 3.0, Phase.RUNNING),
        (Ease(), 8.0, Phase.RUNNING),
        (Undo(), 3.0, Phase.RUNNING),
        (Presence(), 3.0, Phase.RUNNING),
        (Pause(), 3.0, Phase.PAUSED),
        (Resume(), 3.0, Phase.RUNNING),
    ):
        control.request(change)
        await asyncio.sleep(SHOWN_S)
        assert (control.status.eased, control.status.phase) == (eased, phase), change
    control.request(Fade())
    async with asyncio.timeout(12.0):
        end = await control.ended()
    assert (end.cause, end.exit_code) == (Cause.PERSON, ExitCode.OK)
    assert end.played_s == pytest.approx(33.0, abs=1.5)


async def test_what_cannot_be_started_says_why(g: Ground, control: SessionControl) -> None:
    for start, kind in (
        (Start("there-is-none"), ProfileError),
        (Start({"title": "empty"}), ProfileError),
    ):
        with pytest.raises(kind):
            await control.start(start)
    await control.start(Start())
    with pytest.raises(Refused, match="already running"):
        await control.start(Start())
    assert g.controller.status.phase is Phase.RUNNING


async def test_a_change_that_is_refused_is_told_and_changes_nothing(
    g: Ground, control: SessionControl
) -> None:
    assert "no session" in await refused(control, Ease())
    await control.start(Start("gentle"))
    assert "a profile is playing" in await refused(control, SetLevel(50.0))
    assert "0 to 100" in await refused(control, Ease(500.0))
    assert g.controller.status.eased == 0.0


async def test_r6_a_stop_that_is_not_confirmed_is_never_called_done(
    g: Ground, control: SessionControl
) -> None:
    await control.start(Start())
    g.inject("ack_lost=1000")
    with pytest.raises(StopUnconfirmed):
        await control.stop_now()
    end = await control.ended()
    assert end.exit_code is ExitCode.UNCONFIRMED


async def test_r6_a_stop_cancels_a_start_that_was_asked_for_before_it(
    g: Ground, control: SessionControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    limits = g.admission.limits

    async def held_up(*given: object, **named: object) -> object:
        asked.set()
        await go_on.wait()
        return await limits(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(g.admission, "limits", held_up)
    starting = asyncio.ensure_future(control.start(Start()))
    await asked.wait()
    await control.stop_now()
    go_on.set()
    with pytest.raises(Refused, match="cancelled"):
        await starting
    assert not g.seen("arm")


@pytest.mark.parametrize("key", ["q", "space"])
async def test_a_key_before_a_session_has_started_starts_nothing(
    g: Ground, control: SessionControl, key: str
) -> None:
    ui = SessionUi(lambda: None)
    ui.attend(control, lambda: control.start(Start()))
    starting = asyncio.ensure_future(ui.started())
    await asyncio.sleep(0)
    ui.key(key)
    with contextlib.suppress(Refused):  # or it had begun, and was stopped
        await starting
    await ui.settled()
    await asyncio.sleep(SHOWN_S)
    assert ui.early
    assert not control.status.phase.in_session
    assert not g.controller.status.phase.in_session
    assert not g.is_up


async def test_r22_pain_stops_and_says_what_follows(g: Ground, control: SessionControl) -> None:
    await control.start(Start())
    control.request(SetLevel(10.0))
    await asyncio.sleep(3.0)
    said = await control.pain(PainKind.MILD)
    assert "24 hours" in said
    assert not g.is_up
    end = await control.ended()
    assert (end.cause, end.exit_code) == (Cause.PAIN, ExitCode.OK)


async def test_the_end_that_the_device_makes_is_seen(g: Ground, control: SessionControl) -> None:
    await control.start(Start())
    control.request(SetLevel(10.0))
    await asyncio.sleep(3.0)
    g.device.press()
    end = await control.ended()
    assert (end.cause, end.exit_code) == (Cause.BUTTON, ExitCode.REFUSED)
    g.device.release()


async def test_each_session_has_an_end_of_its_own(g: Ground, control: SessionControl) -> None:
    for _ in range(2):
        await control.start(Start())
        waiting = asyncio.ensure_future(control.ended())
        await asyncio.sleep(SHOWN_S)
        assert not waiting.done()
        await control.stop_now()
        assert (await waiting).cause is Cause.PERSON


async def test_a_listener_hears_every_change_until_it_is_removed(
    g: Ground, control: SessionControl
) -> None:
    heard: list[Status] = []
    remove = control.add_listener(heard.append)
    await control.start(Start())
    await asyncio.sleep(SHOWN_S)
    assert {status.phase for status in heard} >= {Phase.RUNNING}
    assert heard[-1].telemetry == control.status.telemetry
    remove()
    heard.clear()
    with contextlib.suppress(StopUnconfirmed):
        await control.stop_now()
    assert heard == []

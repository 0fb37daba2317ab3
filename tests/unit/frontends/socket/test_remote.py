"""A controller at the other end of a control socket: what it steers, hears, and sees end (R6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.e2e.harness import opened
from tests.support.marks import simulated_time
from tests.unit.frontends.socket.served import DEVICE, served

from massager_ctl.errors import (
    InputError,
    LinkLost,
    MassagerError,
    ProfileError,
    Refused,
    StopUnconfirmed,
)
from massager_ctl.frontends.socket.remote import RemoteController, _decoded, error_from
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.frontends.status_document import error_document
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Ease, PainKind, Pause, Start
from massager_ctl.model.status import Event, Phase

pytestmark = pytest.mark.usefixtures("runtime")


@pytest.mark.parametrize("error", [Refused("no", "why"), InputError("no"), StopUnconfirmed("no")])
def test_an_error_keeps_its_class_over_the_socket(error: MassagerError) -> None:
    found = error_from(error_document(error))
    assert (type(found), found.message, found.remedy) == (type(error), error.message, error.remedy)
    for nothing in (None, {}, {"message": ""}):
        assert error_from(nothing).message == "the answer cannot be read"


@pytest.mark.parametrize("line", [b"[]", b"7", b"{", b""])
def test_an_answer_of_an_owner_is_an_object_or_an_error(line: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        _decoded(line)


@simulated_time
async def test_a_remote_view_steers_and_sees_the_end() -> None:
    async with served() as (bench, server, _):
        remote = RemoteController(server.path)
        await remote.open()
        await asyncio.sleep(0.5)
        assert remote.status.phase is Phase.RUNNING
        assert remote.status.actual == bench.controller.status.actual
        remote.request(Ease())
        remote.request(Pause())
        await asyncio.sleep(0.5)
        assert (remote.status.eased, remote.status.phase) == (5.0, Phase.PAUSED)
        await remote.stop_now()
        end = await remote.ended()
        assert (end.cause, end.error) == (Cause.PERSON, None)
        await remote.close()


@simulated_time
async def test_nothing_is_known_of_an_end_before_the_status_is_followed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not followed yet"):
        await RemoteController(str(tmp_path / "owner.sock")).ended()


@simulated_time
async def test_a_remote_view_hears_of_a_refusal() -> None:
    async with served(start_s=None) as (_, server, _):
        remote = RemoteController(server.path)
        await remote.open()
        heard: list[Event] = []
        remote.add_event_listener(heard.append)
        remote.request(Ease())
        await asyncio.sleep(0.5)
        assert [event.name for event in heard] == ["refused"]
        with pytest.raises(ProfileError):
            await remote.start(Start({}))
        assert await remote.pain(PainKind.MILD)
        await remote.close()


@asynccontextmanager
async def followed() -> AsyncGenerator[tuple[ControlServer, RemoteController]]:
    """A session and a remote view of it; the owner ends with the context, and the view stays."""
    async with opened() as bench:
        await bench.play(after_s=5)
        async with ControlServer(bench.controller, DEVICE) as server:
            remote = RemoteController(server.path)
            await remote.open()
            await asyncio.sleep(0.5)
            yield server, remote


@simulated_time
async def test_a_remote_view_ends_with_its_owner() -> None:
    async with followed() as (server, remote):
        pass
    end = await remote.ended()
    assert isinstance(end.error, LinkLost)
    with pytest.raises(StopUnconfirmed):
        await remote.stop_now()
    await remote.close()
    with pytest.raises(LinkLost):
        await RemoteController(server.path).open()


@simulated_time
async def test_an_end_that_was_seen_stays_as_it_was_when_the_owner_ends_as_well() -> None:
    async with followed() as (_, remote):
        await remote.stop_now()
        assert (await remote.ended()).cause is Cause.PERSON
    await asyncio.sleep(0.5)
    assert (await remote.ended()).cause is Cause.PERSON
    assert remote._following is not None
    assert remote._following.exception() is None, "the second end is no error"
    await remote.close()

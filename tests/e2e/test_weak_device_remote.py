"""A device without a dead-man over a broker, a page and the control socket: each gives it its class alone (R25)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from massager_ctl.control.admission import Subject
from massager_ctl.drivers.factory import make_driver
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import Refused
from massager_ctl.frontends.socket.remote import RemoteController
from massager_ctl.model.requests import SetLevel, Start
from tests.e2e import mqtt_harness
from tests.e2e.mqtt_harness import Mosquitto, listener, settings_for
from tests.e2e.web import harness as web_harness
from tests.e2e.web.harness import page
from tests.support.line_device import Peer

DESCRIPTION = Path(__file__).parents[1] / "faults" / "line_device.yaml"

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def peer() -> Generator[Peer]:
    answers_to = {b"L%d" % level: b"=%d\n" % level for level in (1, 2, 3)}
    device = Peer("pty", answers=True, answers_to=answers_to)
    yield device
    device.close()


@pytest.fixture
def driver(peer: Peer, tmp_path: Path) -> PlainDriver:
    """As the service makes it, from a description in the user's folder and with a guardian."""
    folder = tmp_path / "config" / "massager-ctl" / "devices"
    folder.mkdir(parents=True)
    text = DESCRIPTION.read_text().replace("percent: 3", "percent: 60")
    (folder / DESCRIPTION.name).write_text(text)
    files = (str(tmp_path / "lock"), str(tmp_path / "guardian"))
    made = make_driver(f"line-device:{peer.address}", guard=files)
    assert isinstance(made, PlainDriver)
    return made


@pytest.fixture
def sockets(runtime_folder: Path) -> Callable[[], list[str]]:
    return lambda: [str(path) for path in runtime_folder.glob("*.sock")]


@pytest.mark.needs("mosquitto")
async def test_over_a_broker_it_says_why_it_does_not_start_and_stops(
    peer: Peer, driver: PlainDriver, tmp_path: Path
) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        listener(broker.port) as ear,
        mqtt_harness.rig(settings_for(broker.port), subject=Subject.BENCH, driver=driver) as bench,
    ):
        await ear.until(lambda: "not started remotely" in ear.state.get("advice", ""))
        bench.let()
        await ear.press("start", "manual")
        rejected = await ear.event("rejected")
        assert "not started remotely" in rejected["text"]
        assert any("no dead-man" in note for note in ear.state["notes"])
        await ear.send("stop")
        assert (await ear.event("stopped"))["confirmed"] is True
        assert not any(level for _, level in peer.levels)


async def test_on_the_page_it_says_why_it_does_not_start_and_stops(
    peer: Peer, driver: PlainDriver
) -> None:
    async with (
        web_harness.rig(subject=Subject.BENCH, driver=driver) as made,
        page(made) as phone,
    ):
        made.let()
        await phone.until(lambda picture: picture["ready_for_s"] > 0)
        answer = await made.stamped("start", phone, profile="restorative")
        assert answer.status in (403, 409), answer.body
        assert "not started remotely" in answer.json["detail"]
        prospect = (await made.ask("GET", "/v1/devices/neck")).json["prospect"]
        assert any("no dead-man" in note for note in prospect["notes"])
        assert prospect["refusal"]["remedy"] == "Start it at this machine, with `massager-ctl run`."
        stopped = await made.ask("POST", "/v1/devices/neck/stop")
        assert stopped.json["confirmed"] is True, stopped.json
        assert not any(level for _, level in peer.levels)


async def test_on_the_control_socket_its_cap_and_its_minutes_hold(
    peer: Peer, driver: PlainDriver, sockets: Callable[[], list[str]]
) -> None:
    async with (
        web_harness.rig(subject=Subject.BENCH, driver=driver),
    ):
        (socket,) = sockets()
        remote = RemoteController(socket)
        await remote.open()
        try:
            with pytest.raises(Refused, match="at most 600 s"):
                await remote.start(Start(duration_s=601.0))
            await remote.start(Start())
            remote.request(SetLevel(100.0))
            await web_harness.soon(lambda: any(level for _, level in peer.levels))
            assert remote.status.caps[0] == 15.0, "its own keys may raise it"
            await remote.stop_now()
            assert (await remote.ended()).error is None
            assert peer.level == 0
        finally:
            await remote.close()
        assert max(level for _, level in peer.levels) <= 1, "earned before it is taken"

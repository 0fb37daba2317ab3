"""The guardian of a Bluetooth device, on a virtual radio: bumble's, not BlueZ (R25)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from bumble.core import AdvertisingData
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service
from tests.support.line_device import lives

from firmware_sim.links.ble.hci import RadioServer
from firmware_sim.links.ble.host import on_radio
from firmware_sim.links.ble.radio import VirtualRadio
from massager_ctl.errors import LinkError, SeveralDevices
from massager_ctl.guardian.messages import Burst
from massager_ctl.testing.transports import Recorder, until
from massager_ctl.transports.address import parse_address
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.gatt import Gatt
from massager_ctl.transports.guarded import GuardedTransport, guarded

GATT: Final = Gatt(service="FFF0", write="FFF2", notify=("FFF1",))
OFF: tuple[Burst, ...] = ((b"OFF", b"END"),)
REST: Final = ((b"=0", b"\xff\xff"),)
BUSY_S: Final = 2.0
_P = Characteristic.Properties


class Device:
    """A massager on a virtual radio that obeys for ever: `L20`, `OFF`; it answers `=0`."""

    def __init__(self, radio: VirtualRadio, where: str, number: str = "C4:0F:5A:11:22:44") -> None:
        self.address = f"ble:Relax?hci=tcp:{where}"
        self.heard: list[tuple[float, bytes]] = []
        self._host = on_radio(radio, "Relax", number)
        self._tell = Characteristic("FFF1", _P.NOTIFY, Characteristic.READABLE, b"")
        write = Characteristic(
            "FFF2",
            _P.WRITE_WITHOUT_RESPONSE | _P.WRITE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._written),
        )
        self._host.device.add_services([Service("FFF0", [write, self._tell])])
        self._tasks: set[asyncio.Task[None]] = set()
        self._host.device.on(self._host.device.EVENT_CONNECTION, self._connected)
        self.connections = 0

    async def start(self) -> None:
        await self._host.device.power_on()
        await self._advertise()

    async def close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._host.close()

    def frames(self, what: bytes) -> list[float]:
        return [at for at, data in self.heard if data == what]

    async def _advertise(self) -> None:
        data = AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, b"Relax")])
        await self._host.device.start_advertising(advertising_data=bytes(data))

    def _connected(self, connection: Connection) -> None:
        self.connections += 1
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)

    def _disconnected(self, _: object) -> None:
        self.connections -= 1
        self._later(self._advertise())

    def _written(self, _: object, data: bytes) -> None:
        self.heard.append((time.monotonic(), data))
        if data in (b"OFF", b"WHO"):
            self._later(self._host.device.notify_subscribers(self._tell, b"=0"))

    def _later(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def on_air(another: str = "") -> AsyncGenerator[Device]:
    radio = VirtualRadio()
    air = RadioServer(radio)
    host, port = await air.start("127.0.0.1", 0)
    device = Device(radio, f"{host}:{port}")
    await device.start()
    others = [Device(radio, f"{host}:{port}", another)] if another else []
    for other in others:
        await other.start()
    try:
        yield device
    finally:
        for one in (device, *others):
            await one.close()
        await air.close()


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def held(device: Device) -> GuardedTransport:
    found = guarded(make_transport(device.address, gatt=GATT))
    assert found is not None
    assert not found.guarded, "not shown on BlueZ: the cap is 15 %"
    return found


async def run(transport: GuardedTransport, seconds: float = 0.0) -> None:
    await transport.begin(OFF, REST)
    transport.write(b"L20")
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    transport.beat()
    while loop.time() < end:
        await asyncio.sleep(0.1)
        transport.beat()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_r25_the_guardian_holds_the_link_and_tells_what_the_device_says() -> None:
    async with on_air() as device:
        transport, heard = held(device), Recorder()
        await transport.open(heard)
        assert device.connections == 1
        transport.write(b"WHO")
        await until(lambda: bytes(heard.data) == b"=0", "the device is heard")
        await run(transport, 0.5)
        await until(lambda: not transport.backlog, "all is with the system")
        transport.stop(OFF[0])
        await until(lambda: device.frames(b"END"), "the stop comes, whole")
        assert [data for _, data in device.heard] == [b"WHO", b"L20", b"OFF", b"END"]
        transport.rest()
        await transport.close()
        await until(lambda: device.connections == 0, "the link ends")
        assert len(device.frames(b"OFF")) == 1


@pytest.mark.slow
@pytest.mark.asyncio
async def test_r25_silence_of_the_control_loop_stops_a_bluetooth_device() -> None:
    async with on_air() as device:
        transport = held(device)
        troubles: list[str] = []
        transport.on_trouble = troubles.append
        await transport.open(Recorder())
        await run(transport, 0.3)
        since = time.monotonic()
        await until(lambda: device.frames(b"OFF"), "the stop comes")
        assert 0.7 <= device.frames(b"OFF")[0] - since <= 1.2 + BUSY_S
        await until(lambda: troubles, "and is notified")
        assert "no heartbeat" in troubles[0]
        transport.rest()
        await transport.close()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_r25_a_bluetooth_guardian_that_dies_is_stood_in_for() -> None:
    """The link goes down with it; this process opens it again and stops."""
    async with on_air() as device:
        transport = held(device)
        troubles: list[str] = []
        transport.on_trouble = troubles.append
        await transport.open(Recorder())
        await run(transport, 0.3)
        assert transport._process is not None
        os.kill(transport._process.pid, signal.SIGKILL)
        await until(lambda: device.frames(b"END"), "the stop comes by the road of this process")
        assert "has ended" in troubles[0]
        await transport.close()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_two_devices_of_one_name_are_told_apart_by_the_guardian_too() -> None:
    async with on_air(another="C4:0F:5A:11:22:45") as device:
        with pytest.raises(SeveralDevices, match="2 devices here have the name Relax") as caught:
            await held(device).open(Recorder())
        assert {parse_address(one).name[-2:] for one in caught.value.found} == {"44", "45"}  # type: ignore[union-attr]
        assert device.connections == 0


@pytest.mark.asyncio
async def test_a_device_that_is_not_there_is_told_in_its_own_words(tmp_path: Path) -> None:
    found = guarded(make_transport("ble:No one?hci=tcp:127.0.0.1:9", gatt=GATT))
    assert found is not None
    with pytest.raises(LinkError, match="cannot be opened"):
        await found.open(Recorder())
    await found.close()


CONTROLLER = """
import asyncio, sys
from tests.unit.guardian.test_keeper import GATT, OFF, REST
from massager_ctl.testing.transports import Recorder
from massager_ctl.transports.address import parse_address
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.guarded import guarded

async def main():
    transport = guarded(make_transport(sys.argv[1], gatt=GATT))
    await transport.open(Recorder())
    await transport.begin(OFF, REST)
    transport.write(b"L20")
    print(transport._process.pid, flush=True)
    while True:
        transport.beat()
        await asyncio.sleep(0.1)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_r25_a_controller_that_is_gone_or_frozen_is_stood_in_for_on_bluetooth(
    number: signal.Signals,
) -> None:
    async with on_air() as device:
        command = [sys.executable, "-c", CONTROLLER, device.address]
        program = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE)
        try:
            assert program.stdout is not None
            pid = int(await asyncio.to_thread(program.stdout.readline))
            await until(lambda: device.frames(b"L20"), "it runs")
            program.send_signal(number)
            since = time.monotonic()
            await until(lambda: device.frames(b"OFF"), "the stop comes")
            assert device.frames(b"OFF")[0] - since <= 1.2 + BUSY_S
            if number is signal.SIGKILL:
                await until(
                    lambda: not lives(pid), "it ends once the device reported that it is off"
                )
                assert 2 <= len(device.frames(b"OFF")) <= 4
        finally:
            program.send_signal(signal.SIGCONT)
            program.kill()
            await asyncio.to_thread(program.communicate)
        await until(lambda: device.connections == 0, "the link ends")

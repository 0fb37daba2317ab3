"""A whole session by a description, over the virtual radio, and what was wrong with it as the device sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from firmware_sim.links.ble.bleak_backend import Central
from firmware_sim.links.ble.host import on_radio
from firmware_sim.links.ble.radio import VirtualRadio
from massager_ctl.drivers.described.dialect import Dialect
from massager_ctl.drivers.described.model import Description
from tests.unseen_devices.device import Device
from tests.unseen_devices.peer import Peer

HOST_ADDRESS: Final = "E6:F1:F2:F3:F4:01"
TICK_S: Final = 0.2
SETTLED_S: Final = 0.6
"""After a change the device has to be there within this."""
REST_S: Final = 25.0


class Drive:
    """One host with a description, connected to one device."""

    def __init__(self, device: Device, description: Description) -> None:
        self.device = device
        self.description = description
        self.faults: list[str] = []
        self._dialect = Dialect(description)
        self._random = Random(f"session {device.seed}")

    async def run(self) -> list[str]:
        """Two sessions on one connection; what was wrong, empty where nothing was."""
        self._look_at_percents()
        radio = VirtualRadio()
        peer = Peer(self.device, radio)
        await peer.start()
        central = Central(on_radio(radio, "host", HOST_ADDRESS))
        link = self.description.file.link
        async with BleakClient(peer.address, backend=central.client) as client:
            for notify in link.notify:
                await client.start_notify(_one(client, None, notify), self._heard)
            write = _one(client, link.service, str(link.write))
            await self._session(client, write, peer)
        await peer.close()
        await central.close()
        record = peer.record
        for what, frames in (
            ("no frame to the device", record.bad),
            ("not obeyed", record.ignored),
            ("written to the update service", record.elsewhere),
        ):
            self.faults += [f"{what}: {frame.hex(' ')}" for frame in frames[:3]]
        self.faults += [f"fell silent at {at:.1f} s" for at in record.lapses[:3]]
        return self.faults

    def _look_at_percents(self) -> None:
        levels = self.description.file.levels
        if [level.level for level in levels] != [*range(1, self.device.levels + 1)]:
            self.faults.append(f"levels {[level.level for level in levels]}")
        for level in levels:
            if level.percent < 100 * level.level / self.device.levels - 0.1:
                self.faults.append(f"level {level.level} is worth more than {level.percent} %")

    def _look_at_answer(self, level: int) -> None:
        reported = self._dialect.reported
        if reported not in (None, level):
            self.faults.append(f"it tells level {reported} where {level} was sent")
        if reported is None and not level and self.description.file.stop.confirmed_by == "state":
            self.faults.append("a stop was not confirmed")

    def _heard(self, _: BleakGATTCharacteristic, data: bytearray) -> None:
        self._dialect.feed(bytes(data))

    async def _session(
        self, client: BleakClient, write: BleakGATTCharacteristic, peer: Peer
    ) -> None:
        loop = asyncio.get_running_loop()
        response = self.description.file.link.response

        async def send(frames: list[bytes]) -> None:
            for frame in frames:
                await client.write_gatt_char(write, frame, response=response)

        await send(self._dialect.start(loop.time()))
        level = 0
        for percent in self._curve():
            wanted = self._dialect.highest_below(percent)
            now = loop.time()
            if wanted != level or percent < 0:
                level = wanted
                self._dialect.reported = None
                await send(self._dialect.set_level(level, now))
                changed = now
                while loop.time() < changed + SETTLED_S:
                    await asyncio.sleep(TICK_S)
                    await send(self._dialect.due(loop.time()))
                self._look_at_answer(level)
            else:
                await send(self._dialect.due(now))
                await asyncio.sleep(TICK_S)
            if set(peer.levels) != {level}:
                self.faults.append(f"{loop.time():.1f} s: at {peer.levels}, not at {level}")
                if len(self.faults) > 5:
                    return

    def _curve(self) -> Iterator[float]:
        """Percents, one a tick; below 0 for a stop that is sent in any case."""
        rest = int(REST_S / TICK_S)
        percents = [level.percent for level in self.description.file.levels]
        for _ in range(2):
            for percent in [*percents, *reversed(percents[:-1])]:
                yield from [percent] * rest
            yield from [-1.0] * 2
            yield from [0.0] * rest
            for percent in self._random.sample(percents, len(percents)):
                yield from [percent] * self._random.randrange(2, rest)
                if self._random.random() < 0.4:
                    yield from [-1.0, *[0.0] * self._random.randrange(rest)]
            yield from [-1.0] * 2
            yield from [0.0] * rest


def _one(client: BleakClient, service: str | None, uuid: str) -> BleakGATTCharacteristic:
    """The characteristic of that UUID, short or long, in that service."""
    found = [
        characteristic
        for each in client.services
        if service is None or _long(each.uuid) == _long(service)
        for characteristic in each.characteristics
        if _long(characteristic.uuid) == _long(uuid)
    ]
    assert len(found) == 1, f"{uuid} of {service}: {len(found)}"
    return found[0]


def _long(uuid: str) -> str:
    return uuid.lower() if len(uuid) > 8 else f"0000{uuid.lower()}-0000-1000-8000-00805f9b34fb"


async def drive(device: Device, description: Description) -> list[str]:
    """What was wrong with a session by the description; under simulated time."""
    return await Drive(device, description).run()

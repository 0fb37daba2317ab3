"""A phone with the massager's app, a person who follows the how-to, and the log and the notes that they leave."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bumble.core import UUID, AdvertisingData
from bumble.device import Peer as Remote
from bumble.gatt_client import CharacteristicProxy

from firmware_sim.links.ble.host import on_radio
from firmware_sim.links.ble.radio import VirtualRadio
from tests.unseen_devices.device import Device, KeepAlive
from tests.unseen_devices.peer import Peer, Record
from tests.unseen_devices.snoop import SimulatedSnooper, clock

PHONE_ADDRESS: Final = "DA:11:22:33:44:55"
NEIGHBOUR_ADDRESS: Final = "D0:99:88:77:66:55"
REST_S: Final = 11.0
"""How long the person waits after each key, at least; the how-to says ten seconds."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A log, the person's notes, and what the device really did."""

    log: bytes
    labels: str
    record: Record


class App:
    """One app: what it sends, and when."""

    def __init__(self, device: Device, random: Random) -> None:
        self.device = device
        self.level = 0
        self.on = False
        self._random = random
        self._sent = 0
        self._beats = 0
        self._write: CharacteristicProxy[bytes] | None = None
        self._last: list[tuple[int, bytes]] = self._frames_of(0)
        self._last_sent_at = -math.inf
        self._busy = asyncio.Lock()

    def _frames_of(self, level: int) -> list[tuple[int, bytes]]:
        device = self.device
        if level or device.stop == "zero":
            return [(device.commands.level, each) for each in device.coding.payloads(level)]
        return [(device.commands.power, device.off_payload)]

    async def connected(self, write: CharacteristicProxy[bytes]) -> None:
        """What the app says first."""
        device, commands = self.device, self.device.commands
        self._write = write
        first: list[tuple[int, bytes]] = []
        if device.hello is not None:
            first.append((commands.hello, device.hello))
        if device.clock is not None:
            first.append((commands.clock, self._time()))
        if device.asks:
            first.append((commands.ask, b""))
        await self._send(first, 0.15)

    def _time(self) -> bytes:
        now = clock()
        if self.device.clock == "unix":
            return int(now.timestamp()).to_bytes(4, "big")
        return bytes([now.year - 2000, now.month, now.day, now.hour, now.minute, now.second])

    async def press_on(self) -> None:
        """The key that switches on."""
        self.on = True
        await self._send([(self.device.commands.power, b"\x01")], 0.0)

    async def press_level(self, level: int) -> None:
        """A level's key."""
        if self.device.stop == "switch" and not self.on:
            await self.press_on()
            await asyncio.sleep(self._random.uniform(0.1, 0.3))
        await self._command(level)

    async def press_stop(self) -> None:
        """The stop key."""
        self.on = False
        await self._command(0)

    async def _command(self, level: int) -> None:
        self.level = level
        self._last = self._frames_of(level)
        await self._send(self._last, self._random.uniform(0.03, 0.06))

    async def _send(self, frames: list[tuple[int, bytes]], apart_s: float) -> None:
        assert self._write is not None
        async with self._busy:
            for index, (command, payload) in enumerate(frames):
                if index:
                    await asyncio.sleep(apart_s)
                frame = self.device.framing.build(command, payload, self._sent)
                self._sent += 1
                self._last_sent_at = asyncio.get_running_loop().time()
                await self._write.write_value(frame, self.device.with_response)

    # By itself.

    def habits(self) -> list[Awaitable[None]]:
        """What it does by itself until it is cancelled."""
        habits: list[Awaitable[None]] = []
        if self.device.keep_alive is not None:
            habits.append(self._keep_alive(self.device.keep_alive))
        if self.device.asks_every_s is not None:
            habits.append(self._ask(self.device.asks_every_s))
        return habits

    async def _keep_alive(self, keep: KeepAlive) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + keep.every_s
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()) + self._late())
            if not keep.free_running and loop.time() < self._last_sent_at + 0.9 * keep.every_s:
                due = self._last_sent_at + keep.every_s
                continue
            due = max(due + keep.every_s, loop.time()) if keep.free_running else (
                loop.time() + keep.every_s
            )  # fmt: skip
            if keep.running_only and not self.level:
                continue
            if keep.kind == "resend":
                await self._send(self._last, 0.04)
            else:
                payload = bytes([self._beats & 0xFF]) if keep.counts else b""
                self._beats += 1
                await self._send([(self.device.commands.beat, payload)], 0.0)

    async def _ask(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s + self._late())
            await self._send([(self.device.commands.ask, b"")], 0.0)

    def _late(self) -> float:
        """Timers of a phone fire a little late, and now and then much; then the radio's next turn comes."""
        late = abs(self._random.gauss(0, 0.006))
        if self._random.random() < 0.02:
            late += self._random.uniform(0.03, 0.12)
        return math.ceil(late / 0.015) * 0.015


def plan(device: Device, random: Random) -> list[str]:
    """What the person does, after the how-to: each level in turn, stop; again in another order, and stop twice."""
    steps: list[str] = []
    up = list(range(1, device.levels + 1))
    if device.slider:
        again = random.sample(up, len(up))
        while again == up:
            again = random.sample(up, len(up))
    else:
        turn = random.randrange(2, device.levels)
        again = [*range(1, turn + 1), *range(turn - 1, 0, -1), *range(2, device.levels + 1)]
        again += range(
            device.levels - 1, device.levels - 1 - random.randrange(1, device.levels), -1
        )
    for levels in (up, again):
        if device.on_key:
            steps.append("on")
        steps += [f"level {level}" for level in levels]
        steps.append("stop")
    return [*steps, "stop"]


async def capture(device: Device) -> Capture:
    """Use the app for a while; under simulated time."""
    random = Random(f"phone {device.seed}")
    radio = VirtualRadio()
    peer = Peer(device, radio)
    await peer.start()
    neighbour = on_radio(radio, "neighbour", NEIGHBOUR_ADDRESS)
    if random.random() < 0.5:
        await neighbour.device.power_on()
        tv = AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, b"[TV] Living room")])
        await neighbour.device.start_advertising(
            advertising_data=bytes(tv), advertising_interval_min=400, advertising_interval_max=400
        )
    host = on_radio(radio, "phone", PHONE_ADDRESS)
    snooper = SimulatedSnooper()
    host.device.host.snooper = snooper
    await host.device.power_on()
    await host.device.start_scanning(filter_duplicates=True)
    await asyncio.sleep(random.uniform(2, 5))
    await host.device.stop_scanning()
    await neighbour.close()
    connection = await host.device.connect(peer.address)
    app = App(device, random)
    await app.connected(await _discover(device, Remote(connection), random))
    tasks = [asyncio.ensure_future(habit) for habit in app.habits()]
    notes: list[tuple[datetime, str]] = []
    await asyncio.sleep(REST_S)
    for step in plan(device, random):
        await asyncio.sleep(random.uniform(0, 2))
        notes.append((clock(), step))
        match step.split():
            case ["level", level]:
                await app.press_level(int(level))
            case ["on"]:
                await app.press_on()
            case _:
                await app.press_stop()
        await asyncio.sleep(REST_S)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if random.random() < 0.5:
        await connection.disconnect()
    log = snooper.buffer.getvalue()
    assert snooper.first is not None
    labels = write_notes(notes, snooper.first, random)
    await host.close()
    await peer.close()
    return Capture(log, labels, peer.record)


async def _discover(device: Device, remote: Remote, random: Random) -> CharacteristicProxy[bytes]:
    """Discover all services as a phone does, listen, and return what to write to."""
    if device.mtu is not None:
        await remote.request_mtu(device.mtu)
    await remote.discover_services()
    for service in remote.services:
        await service.discover_characteristics()
        for characteristic in service.characteristics:
            await characteristic.discover_descriptors()
    write_service, write, notify_service, notify = device.layout
    teller = _characteristic(remote, notify_service, notify)
    await teller.subscribe()
    if device.battery:
        battery = _characteristic(remote, "180F", "2A19")
        await battery.subscribe()
        await battery.read_value()
    if device.about:
        await _characteristic(remote, "180A", "2A26").read_value()
    await asyncio.sleep(random.uniform(0.1, 0.5))
    return _characteristic(remote, write_service, write)


def _characteristic(remote: Remote, service: str, uuid: str) -> CharacteristicProxy[bytes]:
    for each in remote.services:
        if each.uuid == UUID(service):
            for characteristic in each.characteristics:
                if characteristic.uuid == UUID(uuid):
                    return characteristic
    raise AssertionError(f"{uuid} was not discovered")


def write_notes(notes: list[tuple[datetime, str]], began: datetime, random: Random) -> str:
    """The person's file: by the clock to the second, or in seconds of the log; a second or two off, all one way."""
    by_clock = random.random() < 0.5
    late = random.choice((random.uniform(-0.8, 0.0), random.uniform(1.0, 1.9)))
    lines: list[str] = []
    for time, step in notes:
        seen = time + timedelta(seconds=late)
        if by_clock:
            lines.append(f"{seen:%H:%M:%S}    {step}\n")
        else:
            lines.append(f"{math.floor((seen - began).total_seconds())}    {step}\n")
    return "".join(lines)

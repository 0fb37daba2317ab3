"""A made-up massager on a virtual radio. It takes what its dialect allows, and keeps what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Final

from bumble.core import UUID, AdvertisingData
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from firmware_sim.links.ble.host import on_radio
from firmware_sim.links.ble.radio import VirtualRadio
from tests.unseen_devices.device import Device
from tests.unseen_devices.framing import Message

ADDRESS: Final = "C4:0F:5A:11:22:33"
OWN_TIMER_MIN: Final = 15
_P: Final = Characteristic.Properties
_READ: Final = Characteristic.READABLE
_WRITE: Final = Characteristic.WRITEABLE


@dataclass(slots=True)
class Record:
    """What the device noticed. Times in seconds of the loop's clock."""

    levels: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    """Each change, with the level of each zone."""
    bad: list[bytes] = field(default_factory=list)
    """Frames that were no frames to it."""
    ignored: list[bytes] = field(default_factory=list)
    """Frames that it did not obey: not greeted yet, off, or a repeated number."""
    elsewhere: list[bytes] = field(default_factory=list)
    """What was written to the firmware-update service."""
    lapses: list[float] = field(default_factory=list)
    """When it switched off because it had heard nothing."""
    taken: list[tuple[float, int, bytes]] = field(default_factory=list)
    """Commands that it obeyed, with their payloads."""


class Peer:
    """`start` it, look at `levels` and `record`, and `close` it."""

    def __init__(self, device: Device, radio: VirtualRadio, address: str = ADDRESS) -> None:
        self.device = device
        self.record = Record()
        self._random = Random(f"peer {device.seed}")
        self._zones = dict.fromkeys(device.coding.zones, 0)
        self._on = device.stop != "switch"
        self._greeted = False
        self._last_count: int | None = None
        self._sent = 0
        self._battery = self._random.randrange(40, 101)
        self._running_since: float | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._advertising: asyncio.Task[None] | None = None
        self._host = on_radio(radio, device.name, address)
        self._radio = self._host.device
        self._notify, self._battery_level = self._make_services()
        self._radio.on(self._radio.EVENT_CONNECTION, self._connected)

    @property
    def address(self) -> str:
        """Its Bluetooth address."""
        return self._radio.random_address.to_string(with_type_qualifier=False)

    @property
    def levels(self) -> tuple[int, ...]:
        """The level of each zone, 0 where it is off."""
        return tuple(self._zones.values())

    async def start(self) -> None:
        """Power on, advertise, and tell the battery now and then."""
        await self._radio.power_on()
        await self._advertise()
        self._later(self._tell_battery())
        if self.device.state_every_s is not None:
            self._later(self._tell_state(self.device.state_every_s))

    async def close(self) -> None:
        """Leave the air."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._silence is not None:
            self._silence.cancel()
        # Half a change of the advertising cannot be undone.
        if self._advertising is not None:
            await self._advertising
        await self._radio.stop_advertising()
        await self._host.close()

    def _make_services(self) -> tuple[Characteristic[bytes], Characteristic[bytes]]:
        device = self.device
        service, write, notify_service, notify = device.layout
        writable = _P.WRITE | _P.WRITE_WITHOUT_RESPONSE if device.with_response else (
            _P.WRITE_WITHOUT_RESPONSE
        )  # fmt: skip
        taker: CharacteristicValue[bytes] = CharacteristicValue(write=self._written)
        if write == notify:
            teller = Characteristic(write, writable | _P.NOTIFY, _WRITE, taker)
            services = [Service(service, [teller])]
        else:
            teller = Characteristic(notify, _P.NOTIFY, _READ, b"")
            command = Characteristic(write, writable, _WRITE, taker)
            if service == notify_service:
                services = [Service(service, [command, teller])]
            else:
                services = [Service(service, [command]), Service(notify_service, [teller])]
        battery = Characteristic(
            UUID.from_16_bits(0x2A19),
            _P.READ | _P.NOTIFY,
            _READ,
            CharacteristicValue(read=lambda _: bytes([self._battery])),
        )
        if device.battery:
            services.append(Service(UUID.from_16_bits(0x180F), [battery]))
        if device.about:
            texts = ((0x2A29, b"Shenzhen Tech Co"), (0x2A26, b"V1.0.3"), (0x2A25, b"20240611"))
            about = [
                Characteristic(UUID.from_16_bits(number), _P.READ, _READ, text)
                for number, text in texts
            ]
            services.append(Service(UUID.from_16_bits(0x180A), about))
        if device.update is not None:
            update = Characteristic(
                device.update[1],
                _P.READ | _P.WRITE_WITHOUT_RESPONSE | _P.NOTIFY,
                _READ | _WRITE,
                CharacteristicValue(read=lambda _: b"\0", write=self._written_elsewhere),
            )
            services.append(Service(device.update[0], [update]))
        self._random.shuffle(services)
        self._radio.add_services(services)
        return teller, battery

    async def _advertise(self) -> None:
        uuid = UUID(self.device.layout[0])
        short = len(uuid.to_bytes()) == 2
        first = AdvertisingData(
            [
                (AdvertisingData.FLAGS, b"\x06"),
                (
                    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
                    if short
                    else AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                    uuid.to_bytes(),
                ),
            ]
        )
        name = AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, self.device.name.encode())])
        await self._radio.start_advertising(
            advertising_data=bytes(first),
            scan_response_data=bytes(name),
            advertising_interval_min=100.0,
            advertising_interval_max=100.0,
        )

    # Connections.

    def _connected(self, connection: Connection) -> None:
        self._greeted = self.device.hello is None
        self._last_count = None
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)

    def _disconnected(self, _: object) -> None:
        self._advertising = asyncio.get_running_loop().create_task(self._advertise())

    def _written_elsewhere(self, _: object, data: bytes) -> None:
        self.record.elsewhere.append(data)

    def _written(self, _: object, data: bytes) -> None:
        message = self.device.framing.read(data)
        if message is None:
            self.record.bad.append(data)
        elif self._obey(message):
            self.record.taken.append((_now(), message.command, message.payload))
            self._heard()
            self._answer(message, data)
        else:
            self.record.ignored.append(data)

    def _heard(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        if self.device.silence_s is not None:
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(self.device.silence_s, self._lapse)

    def _lapse(self) -> None:
        if any(self.levels):
            self.record.lapses.append(_now())
            self._set(None, 0)

    # What it does.

    def _obey(self, message: Message) -> bool:
        device, commands = self.device, self.device.commands
        if device.drops_repeats and message.count is not None and message.count == self._last_count:
            return False
        self._last_count = message.count
        if message.command == commands.hello:
            self._greeted = self._greeted or self._same(message.payload, device.hello)
            return True
        if message.command in (commands.clock, commands.ask, commands.beat):
            return True
        if not self._greeted:
            return False
        if message.command == commands.power and device.stop != "zero":
            return self._switch(message.payload)
        if message.command != commands.level or not self._on:
            return False
        wanted = device.coding.read(self._cut(message.payload))
        if wanted is None:
            return False
        self._set(*wanted)
        return True

    def _cut(self, payload: bytes) -> bytes:
        """A payload without what fills it up."""
        size = len(self.device.coding.payloads(0)[0])
        return payload[:size] if not any(payload[size:]) else payload

    def _same(self, payload: bytes, wanted: bytes | None) -> bool:
        return wanted is not None and payload.rstrip(b"\0") == wanted.rstrip(b"\0")

    def _switch(self, payload: bytes) -> bool:
        on = bool(payload[:1].strip(b"\0"))
        if on and self.device.stop == "command":
            return False
        self._on = on or self.device.stop == "command"
        if not on:
            self._set(None, 0)
        return True

    def _set(self, zone: int | None, level: int) -> None:
        before = self.levels
        for each in self._zones:
            if zone is None or zone == each:
                self._zones[each] = level
        if self.levels != before:
            self.record.levels.append((_now(), self.levels))
        if not any(self.levels):
            self._running_since = None
        elif self._running_since is None:
            self._running_since = _now()

    # What it tells.

    def _answer(self, message: Message, frame: bytes) -> None:
        commands = self.device.commands
        if message.command == commands.beat and self._random.random() < 0.5:
            return
        if self.device.answer == "echo":
            self._later(self._tell(lambda: frame))
        elif self.device.answer == "state":
            self._later(self._tell(self._state))
        elif message.command == commands.ask:
            self._later(self._tell(lambda: self._frame(commands.about, b"\x01\x03")))

    def _state(self) -> bytes:
        device = self.device
        level = b"".join(
            device.coding.values[level] if device.state_coded else bytes([level])
            for level in self.levels
        )
        minutes = b""
        if device.state_tells_minutes:
            since = self._running_since
            ran = 0 if since is None else int((_now() - since) / 60)
            minutes = bytes([max(0, OWN_TIMER_MIN - ran)])
        return self._frame(device.commands.state, device.state_first + level + minutes)

    def _frame(self, command: int, payload: bytes) -> bytes:
        self._sent += 1
        return self.device.framing.build(command, payload, self._sent - 1)

    async def _tell(self, frame: Callable[[], bytes]) -> None:
        await asyncio.sleep(self._random.uniform(0.02, 0.08))
        await self._radio.notify_subscribers(self._notify, frame())

    async def _tell_state(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._radio.notify_subscribers(self._notify, self._state())

    async def _tell_battery(self) -> None:
        while self.device.battery:
            await asyncio.sleep(self._random.uniform(60, 200))
            self._battery -= 1
            await self._radio.notify_subscribers(self._battery_level, bytes([self._battery]))

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()

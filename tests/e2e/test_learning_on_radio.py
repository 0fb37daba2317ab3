"""A device on the virtual radio: its app is recorded by bumble, and what was learned drives it over the same radio."""

from __future__ import annotations

# bumble's own types are incomplete here and there.
# pyright: reportUnknownMemberType=false
import asyncio
import contextlib
import io
import struct
from pathlib import Path
from typing import Any

import pytest
from bumble.core import UUID, AdvertisingData
from bumble.device import Peer as GattPeer
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.snoop import BtSnooper, Snooper

from firmware_sim.links.ble.bleak_backend import Central
from firmware_sim.links.ble.host import LocalHost, on_radio
from firmware_sim.links.ble.lab import SharedRadio
from firmware_sim.links.ble.radio import VirtualRadio
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.described.dialect import Dialect
from massager_ctl.drivers.described.driver import spec_of
from massager_ctl.drivers.described.load import load_text
from massager_ctl.drivers.described.model import Description
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.learn.labels import parse_labels
from massager_ctl.learn.propose import propose
from massager_ctl.learn.read import read_capture
from massager_ctl.learn.study import study
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.requests import Presence, SetLevel
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport
from tests.learn_devices.app import App
from tests.learn_devices.device import Device, make
from tests.learn_devices.peer import Peer
from tests.support.marks import running_loop

MAKER = "C4:F1:F2:F3:F4:F5"
PHONE = "E6:F1:F2:F3:F4:01"


class Recording(BtSnooper):
    """bumble's own writer of btsnoop, by the loop's clock."""

    def __init__(self, output: Any) -> None:
        super().__init__(output)
        self.start = asyncio.get_running_loop().time()

    def snoop(self, hci_packet: bytes, direction: Snooper.Direction) -> None:
        elapsed = asyncio.get_running_loop().time() - self.start
        flags = int(direction) | (2 if hci_packet[0] in (1, 4) else 0)
        stamp = int((1_700_000_000 + elapsed) * 1e6) + 0x00DCDDB30F2F8000
        self.output.write(
            struct.pack(">IIIIQ", len(hci_packet), len(hci_packet), flags, 0, stamp) + hci_packet
        )


class Massager:
    """The made-up device as a GATT server."""

    def __init__(self, device: Device, host: LocalHost) -> None:
        self.peer = Peer(device)
        self.host = host
        self._answers = Characteristic[bytes](
            UUID.from_16_bits(0xFFF1), Characteristic.Properties.NOTIFY, Characteristic.READABLE
        )
        write: Any = CharacteristicValue(write=self._write)
        command = Characteristic[bytes](
            UUID.from_16_bits(0xFFF2),
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            write,
        )
        host.device.add_service(Service(UUID.from_16_bits(0xFFF0), [command, self._answers]))

    async def _write(self, _: object, value: bytes) -> None:
        now = asyncio.get_running_loop().time()
        for answer in self.peer.take(bytes(value), now):
            await self.host.device.notify_subscribers(self._answers, answer)

    async def advertise(self) -> None:
        await self.host.device.power_on()
        name = AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, b"Relax-00A7")])
        await self.host.device.start_advertising(advertising_data=bytes(name), auto_restart=True)


class Phone:
    """Whatever writes to the massager: its app, or what was learned."""

    def __init__(self, host: LocalHost, service: str, write: str, notify: str) -> None:
        self._host, self._uuids = host, (service, write, notify)
        self.heard: list[bytes] = []
        self._write: Any = None
        self._link: Any = None

    async def connect(self) -> None:
        # A phone hears the advertising before it connects, and the log shows the name from there.
        await self._host.device.start_scanning()
        await asyncio.sleep(3.0)
        await self._host.device.stop_scanning()
        self._link = await self._host.device.connect(MAKER)
        server = GattPeer(self._link)
        await server.discover_services()
        service, write, notify = (UUID(uuid) for uuid in self._uuids)
        (found,) = server.get_services_by_uuid(service)
        await found.discover_characteristics()
        (self._write,) = found.get_characteristics_by_uuid(write)
        (characteristic,) = found.get_characteristics_by_uuid(notify)
        await characteristic.discover_descriptors()
        await characteristic.subscribe(self.heard.append)

    async def send(self, frames: list[bytes]) -> None:
        for frame in frames:
            await self._write.write_value(frame, with_response=False)
            await asyncio.sleep(0.02)

    async def leave(self) -> None:
        await self._link.disconnect()


async def use_the_app(device: Device, phone: Phone, start: float) -> list[str]:
    """Each level twice, and two stops, as the how-to says; returns the labels."""
    app = App(device)
    loop = asyncio.get_running_loop()
    await phone.connect()
    await asyncio.sleep(1.0)
    await phone.send(app.hello())
    labels: list[str] = []
    level, beat = 0, loop.time() + device.period
    order = list(range(1, device.levels + 1))
    for chosen in (*order, 0, *order[::-1], 0):
        until = loop.time() + 8.0
        while beat < until:
            await asyncio.sleep(beat - loop.time())
            beat = loop.time() + device.period
            if device.alive != "resend" or level:
                await phone.send(app.beat(level))
        await asyncio.sleep(max(0.0, until - loop.time()))
        level = chosen
        labels.append(f"{loop.time() - start:.2f} {'stop' if level == 0 else f'level {level}'}")
        await phone.send(app.level(level))
        if device.alive == "resend":
            beat = loop.time() + device.period
    await asyncio.sleep(5.0)
    return labels


async def drive(description: Description, phone: Phone, peer: Peer) -> None:
    """A whole session by the description."""
    loop = asyncio.get_running_loop()
    dialect = Dialect(description)
    await phone.connect()
    await phone.send(dialect.start(loop.time()))
    for number in (*(level.level for level in description.file.levels), 0):
        await phone.send(dialect.set_level(number, loop.time()))
        until = loop.time() + 20.0
        while (due := dialect.next_due()) is not None and due < until:
            await asyncio.sleep(max(0.0, due - loop.time()))
            await phone.send(dialect.due(loop.time()))
        await asyncio.sleep(max(0.0, until - loop.time()))
        peer.pass_time(loop.time())
        assert peer.level == number
    while phone.heard:
        dialect.feed(phone.heard.pop(0))
    if description.file.stop.confirmed_by == "state":
        assert dialect.reported == 0


async def play_a_session(description: Description, radio: VirtualRadio, massager: Massager) -> None:
    """What was learned as a driver, over bleak, with every rule of a session (R25)."""
    loop = running_loop()
    spec = spec_of(description, Path("on-radio.yaml"))
    central = Central(on_radio(radio, "host", "E6:F1:F2:F3:F4:02"))

    async def open_radio() -> SharedRadio:
        return SharedRadio(central)

    moments = ClockReader(loop.clock, boot="test")
    policy = AdmissionPolicy(MemoryStore(moments), load(), moments, subject=Subject.BENCH)
    transport = BleTransport(BleAddress("Relax-00A7"), open_radio, spec.gatt)
    controller = Controller(PlainDriver(transport, spec), policy, clock=loop.clock)
    info = await controller.connect()
    assert info.firmware.startswith("description ")
    await controller.manual()
    controller.request(SetLevel(100.0))
    for _ in range(20):
        await asyncio.sleep(1.0)
        controller.request(Presence())
    massager.peer.pass_time(loop.time())
    assert massager.peer.level == 4
    assert massager.peer.rejected == []
    if description.file.stop.confirmed_by == "state":
        await controller.stop()
    else:
        with pytest.raises(StopUnconfirmed, match="sent, not confirmed"):
            await controller.stop()
    assert massager.peer.level == 0
    with contextlib.suppress(StopUnconfirmed):
        await controller.close()
    await central.close()


def learned_from(log: bytes, labels: list[str], folder: Path) -> Description:
    path = folder / "btsnoop_hci.log"
    path.write_bytes(log)
    found = read_capture(path)
    (connection,) = found.connections
    assert connection.name == "Relax-00A7"
    result = study(found, connection, parse_labels(labels, found.started))
    assert result.sure, result.doubts
    zones = ("trapezius_left", "trapezius_right")
    # Four of forty levels were used: they are the gentle ones, which a device of this class may have (R25).
    text = propose(result, ident="on-radio", title="On the radio", zones=zones, of=40).text
    return load_text(text, "on-radio.yaml")


@pytest.mark.parametrize(
    ("framing", "checksum", "alive", "counter", "state"),
    [
        ("length", "crc16_modbus", "counted", "all", "state"),
        ("fixed", "sum_ones", "resend", "none", "state"),
        ("slip", "xor", "fixed", "none", "none"),
        ("ascii", "sum", "counted", "all", "ack"),
    ],
)
def test_recorded_learned_and_driven(
    framing: str, checksum: str, alive: str, counter: str, state: str, tmp_path: Path
) -> None:
    device = make(7)
    device.framing, device.checksum, device.alive = framing, checksum, alive
    device.counter, device.state, device.levels, device.period = counter, state, 4, 1.0
    device.coding, device.stop = "times", "level0"

    async def scenario() -> None:
        radio = VirtualRadio()
        massager = Massager(device, on_radio(radio, "massager", MAKER))
        await massager.advertise()
        host = on_radio(radio, "phone", PHONE)
        await host.device.power_on()
        log = io.BytesIO()
        recording = Recording(log)
        host.device.host.snooper = recording
        phone = Phone(host, "FFF0", "FFF2", "FFF1")
        labels = await use_the_app(device, phone, recording.start)
        await phone.leave()
        host.device.host.snooper = None
        assert massager.peer.rejected == []
        description = learned_from(log.getvalue(), labels, tmp_path)
        massager.peer = Peer(device)
        link = description.file.link
        assert link.service is not None
        assert link.write is not None
        mine = Phone(host, link.service, link.write, link.notify[0] if link.notify else "FFF1")
        await drive(description, mine, massager.peer)
        assert massager.peer.rejected == []
        await mine.leave()
        massager.peer = Peer(device)
        await play_a_session(description, radio, massager)
        await massager.host.close()
        await host.close()

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(scenario())

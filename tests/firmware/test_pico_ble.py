"""The board's Bluetooth code, unmodified: MicroPython's API on a whole stack, a virtual radio, our own transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from bleak import BleakClient

from firmware_sim.links.ble import gatt
from firmware_sim.links.ble.bleak_backend import MTU, Central
from firmware_sim.links.ble.host import on_radio
from firmware_sim.links.ble.lab import HOST_ADDRESS, SharedRadio
from firmware_sim.links.ble.peripheral import ADDRESS
from firmware_sim.links.ble.radio import VirtualRadio
from massager_ctl.flash.manifest import Build
from massager_ctl.testing.transports import Recorder
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport
from massager_ctl.wire import codec, messages
from tests.firmware.pico import Pico, built, flashed
from tests.firmware.stack import Stack
from tests.firmware.unix_board import needs_micropython

pytestmark = [needs_micropython, pytest.mark.asyncio]

LEVELS = (100, 100, 0, 0, 0, 0)
VIBRATE = (1, 1, 1, 1, 1, 1)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("ble")
    made: Build = built(folder / "made")
    flashed(folder / "flash", made)
    return folder / "flash", (folder / "made" / "pins.py").read_text()


@dataclass
class Air:
    """A board on a virtual radio, and a host that can be several users."""

    board: Pico
    stack: Stack
    radio: VirtualRadio
    central: Central

    def transport(self) -> BleTransport:
        async def open_radio() -> SharedRadio:
            return SharedRadio(self.central)

        return BleTransport(BleAddress("Massager"), open_radio)

    async def hold(self, seconds: float) -> None:
        """The device's button."""
        self.board.hand("button", 1)
        await asyncio.sleep(seconds)
        self.board.hand("button", 0)
        await asyncio.sleep(0.3)

    async def open_door(self) -> None:
        """5 s open pairing, 2 s more clear the latch."""
        await self.hold(5.3)
        await self.hold(2.3)

    def duties(self, pin: int) -> list[int]:
        return [value for _, _, number, value in self.board.noted("pwm") if number == pin]


def switched_on(folder: Path, flash: Path, pins: str, port: int) -> Pico:
    """A board that finds its stack at a port."""
    folder.mkdir(exist_ok=True)
    (folder / "radio").write_text(str(port))
    return Pico(folder, flash, pins)


@asynccontextmanager
async def on_air(folder: Path, flash: Path, pins: str, *, mtu: int = MTU) -> AsyncGenerator[Air]:
    radio = VirtualRadio()
    stack = Stack(on_radio(radio, "Massager", ADDRESS))
    board = switched_on(folder, flash, pins, await stack.listen())
    central = Central(on_radio(radio, "host", HOST_ADDRESS), mtu)
    try:
        async with asyncio.timeout(15):
            await stack.advertising.wait()
        yield Air(board, stack, radio, central)
    finally:
        await central.close()
        board.unplug()
        await stack.close()


class Host:
    """Frames over the transport."""

    def __init__(self, transport: BleTransport) -> None:
        self.transport = transport
        self.heard = Recorder()
        self._seq = 10
        self._epoch = 0

    async def open(self) -> None:
        await self.transport.open(self.heard)

    def all(self) -> list[codec.Message]:
        return [codec.decode_body(chunk) for chunk in self.heard.chunks]

    async def next(
        self, fits: Callable[[codec.Message], bool], within: float = 5.0
    ) -> codec.Message:
        seen = len(self.heard.chunks)
        async with asyncio.timeout(within):
            while True:
                for chunk in self.heard.chunks[seen:]:
                    seen += 1
                    message = codec.decode_body(chunk)
                    if fits(message):
                        return message
                await asyncio.sleep(0.01)

    async def telemetry(self) -> messages.TelemetryFrame:
        message = await self.next(lambda one: isinstance(one, messages.TelemetryFrame))
        assert isinstance(message, messages.TelemetryFrame)
        return message

    async def ack(self, token: int) -> messages.Ack:
        message = await self.next(lambda one: isinstance(one, messages.Ack) and one.token == token)
        assert isinstance(message, messages.Ack)
        return message

    async def arm(self, token: int) -> messages.Ack:
        now = await self.telemetry()
        self._epoch = now.epoch
        arm = messages.Arm(token, 99, now.epoch, now.challenge, self._seq, 400, 600)
        self.transport.write(codec.encode_body(arm))
        return await self.ack(token)

    async def drive(self, seconds: float) -> messages.TelemetryFrame:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        now = await self.telemetry()
        while loop.time() < until:
            self._seq += 1
            setpoint = messages.SetpointFrame(
                *(self._epoch, 99, self._seq, now.counter, 0, 0, 10_000), LEVELS, VIBRATE
            )
            self.transport.write(codec.encode_body(setpoint))
            await asyncio.sleep(0.15)
            newest = [one for one in self.all() if isinstance(one, messages.TelemetryFrame)]
            now = newest[-1]
        return now


@pytest.fixture
def flash(image: tuple[Path, str], tmp_path: Path) -> Path:
    path = tmp_path / "flash"
    path.write_bytes(image[0].read_bytes())
    return path


async def test_pairing_a_session_a_stop_and_the_bond_after_a_power_cycle(
    image: tuple[Path, str], flash: Path, tmp_path: Path
) -> None:
    async with on_air(tmp_path / "run", flash, image[1]) as air:
        assert air.stack.config["bond"] is True
        assert air.stack.config["le_secure"] is True
        await air.open_door()
        host = Host(air.transport())
        await host.open()
        assert host.transport.may_command
        assert air.stack.kept == [True]
        assert (await host.arm(1)).result == 0
        now = await host.drive(2.0)
        assert now.state == 2
        assert now.levels[0] > 10
        assert air.duties(2)[-1] > 0
        host.transport.preempt(codec.encode_body(messages.Stop(2, 1)))
        assert (await host.ack(2)).result == 0
        await asyncio.sleep(0.1)
        assert air.duties(2)[-1] == 0
        # TELEMETRY comes no faster than each 50 ms, however many changes there are.
        times = [when for when, size in air.stack.notified if size == 84]
        assert len(times) <= 2 + (times[-1] - times[0]) / 0.05
        await asyncio.sleep(1.5)  # the bond is written at rest
        await host.transport.close()
        keys = air.central.host.device.keystore
    async with on_air(tmp_path / "run", flash, image[1]) as air:
        air.central.host.device.keystore = keys
        host = Host(air.transport())
        await host.open()
        assert host.transport.may_command, "the board has kept its side of the bond"
        assert air.stack.kept == []
        assert (await host.arm(3)).result == 0
        await host.transport.close()


async def test_with_the_door_closed_nobody_is_bonded_and_anybody_may_stop(
    image: tuple[Path, str], flash: Path, tmp_path: Path
) -> None:
    async with on_air(tmp_path / "run", flash, image[1]) as air:
        host = Host(air.transport())
        await host.open()
        assert not host.transport.may_command
        assert air.stack.kept in ([], [False])
        now = await host.telemetry()
        host.transport.write(
            codec.encode_body(messages.Arm(1, 99, now.epoch, now.challenge, 1, 400, 600))
        )
        assert (await host.ack(1)).result == 14
        host.transport.preempt(codec.encode_body(messages.Stop(2, 1)))
        assert (await host.ack(2)).result == 0
        assert not any(air.duties(2))
        await host.transport.close()


async def test_r6_a_stop_behind_more_writes_than_there_is_room_for_is_heard(
    image: tuple[Path, str], flash: Path, tmp_path: Path
) -> None:
    async with on_air(tmp_path / "run", flash, image[1]) as air:
        host = Host(air.transport())
        await host.open()
        air.stack.written(gatt.STOP, *[bytes(20)] * 200, codec.encode_body(messages.Stop(7, 1)))
        assert (await host.ack(7)).result == 0
        await host.transport.close()


async def test_a_link_that_drops_ends_the_session_within_100_ms(
    image: tuple[Path, str], flash: Path, tmp_path: Path
) -> None:
    async with on_air(tmp_path / "run", flash, image[1]) as air:
        await air.open_door()
        host = Host(air.transport())
        await host.open()
        assert (await host.arm(1)).result == 0
        now = await host.drive(1.5)
        assert now.state == 2, now
        assert air.duties(2)[-1] > 0
        air.radio.drop()
        await asyncio.sleep(0.5)
        assert air.duties(2)[-1] == 0
        again = Host(air.transport())
        await again.open()
        now = await again.telemetry()
        assert (now.state, now.cause) == (0, 17)
        await again.transport.close()


async def test_a_host_that_falls_silent_is_a_dead_man_after_a_second(
    image: tuple[Path, str], flash: Path, tmp_path: Path
) -> None:
    async with on_air(tmp_path / "run", flash, image[1]) as air:
        await air.open_door()
        host = Host(air.transport())
        await host.open()
        await host.arm(1)
        await host.drive(1.5)
        over = await host.next(
            lambda one: isinstance(one, messages.TelemetryFrame) and one.cause == 16
        )
        assert isinstance(over, messages.TelemetryFrame)
        assert not any(over.levels)
        assert air.duties(2)[-1] == 0
        await host.transport.close()


async def test_the_smallest_mtu_takes_a_stop_alone_and_reads_the_rest(
    image: tuple[Path, str], flash: Path, tmp_path: Path
) -> None:
    async with on_air(tmp_path / "run", flash, image[1], mtu=23) as air:
        heard: list[bytes] = []
        came = asyncio.Event()

        def hear(_: object, value: bytearray) -> None:
            heard.append(bytes(value))
            came.set()

        async with BleakClient(ADDRESS, backend=air.central.client) as client:
            await client.start_notify(gatt.EVENT, hear)
            await client.write_gatt_char(
                gatt.STOP, codec.encode_body(messages.Stop(5, 1)), response=False
            )
            await asyncio.wait_for(came.wait(), 5)
            ack = codec.decode_body(heard[0])
            assert isinstance(ack, messages.Ack)
            assert (ack.token, ack.result) == (5, 0)
            await asyncio.sleep(0.5)
            assert len(heard) == 1, "TELEMETRY does not fit, and is not sent"
            first = codec.decode_body(bytes(await client.read_gatt_char(gatt.EVENT)))
            assert isinstance(first, messages.TelemetryFrame)
            await asyncio.sleep(0.6)
            later = codec.decode_body(bytes(await client.read_gatt_char(gatt.EVENT)))
            assert isinstance(later, messages.TelemetryFrame)
            assert later.uptime > first.uptime
            info = codec.decode_body(bytes(await client.read_gatt_char(gatt.INFO)))
            assert isinstance(info, messages.Info)
            assert info.deadman == 1000
            assert bytes(await client.read_gatt_char("2a19")) == b"\x64"
            assert bytes(await client.read_gatt_char("2a25")) == b"385283123456"

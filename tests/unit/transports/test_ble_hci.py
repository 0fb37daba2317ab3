"""BLE over HCI on TCP: a radio for guests from outside, keys that are kept, and guests that vanish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.ble.hci import BleServer, open_central, serve_ble
from firmware_sim.links.memory import build_device
from firmware_sim.options import parse_options
from massager_ctl.errors import LinkError
from massager_ctl.testing.transports import PIECE, Recorder, until
from massager_ctl.transports.address import BleAddress, parse_address
from massager_ctl.transports.ble import make_ble


@asynccontextmanager
async def served(name: str = "Massager") -> AsyncGenerator[tuple[SimulatedDevice, BleServer]]:
    device = build_device(parse_options(""))
    server = await serve_ble(device, "tcp:127.0.0.1:0", name)
    try:
        yield device, server
    finally:
        await server.close()
        device.close()


def address_of(server: BleServer) -> BleAddress:
    address = parse_address(f"ble:{server.where}")
    assert isinstance(address, BleAddress)
    return address


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_bond_is_kept_from_one_program_to_the_next(tmp_path: Path) -> None:
    async with served() as (device, server):
        device.firmware.core.pairing_until = 1 << 40
        for _ in range(2):
            transport = make_ble(address_of(server))
            heard = Recorder()
            await transport.open(heard)
            assert transport.may_command
            await until(lambda: len(heard.chunks) > 2, "telemetry comes")  # noqa: B023
            await transport.close()
            assert server.peripheral.hosts == 0
            # The second time it is the kept keys that open the door.
            device.firmware.core.pairing_until = 0
    assert (tmp_path / "massager-sim" / "ble-host.json").exists()
    assert len((tmp_path / "massager-sim" / "ble-address").read_text()) == 17


@pytest.mark.asyncio
async def test_a_guest_that_vanishes_takes_its_link_along() -> None:
    async with served() as (_, server):
        address = address_of(server)
        central = await open_central(address.hci)
        client = central.client("F0:F1:F2:F3:F4:F5", timeout=5)
        await client.connect(pair=False)
        assert server.peripheral.hosts == 1
        assert central.host.transport is not None
        await central.host.transport.close()
        await until(lambda: server.peripheral.hosts == 0, "the device sees it go")


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_radio_that_ends_is_a_lost_link() -> None:
    heard = Recorder()
    async with served("Shoulder & neck") as (_, server):
        transport = make_ble(address_of(server))
        await transport.open(heard)
    await until(lambda: heard.lost, "the loss is told")
    transport.write(PIECE)
    assert len(heard.lost) == 1
    await transport.close()


@pytest.mark.parametrize("spec", ["tcp:nowhere", "tcp::x", "tcp:127.0.0.1:"])
@pytest.mark.asyncio
async def test_an_address_to_serve_at_that_makes_no_sense(spec: str) -> None:
    device = build_device(parse_options(""))
    with pytest.raises(ValueError, match="tcp:HOST:PORT"):
        await serve_ble(device, spec)
    device.close()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_two_devices_of_one_process_have_a_radio_each() -> None:
    async with served("One") as (_, one), served("Two") as (_, two):
        wrong = BleAddress("Two", address_of(one).hci)
        transport = make_ble(wrong)
        opening = asyncio.ensure_future(transport.open(Recorder()))
        right = make_ble(address_of(two))
        await right.open(Recorder())
        await right.close()
        with pytest.raises(LinkError, match="Two"):
            await opening
        await transport.close()

"""Who may command over BLE: bonds, pairing, a small MTU, and a second host (R16, R17)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bleak import BleakClient
from bleak.exc import BleakError
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_sim.links.ble import gatt
from firmware_sim.links.ble.lab import SharedRadio
from firmware_sim.trace_rules import violations
from massager_ctl.errors import DeviceRefused, LinkError
from massager_ctl.model.device import Cause
from massager_ctl.model.status import Phase
from massager_ctl.testing.transports import Recorder, until
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport
from massager_ctl.wire.codec import decode_body, encode_body
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Info,
    Reset,
    Result,
    SetpointFrame,
    Stop,
    TelemetryFrame,
)
from tests.e2e.ble.harness import BleBench
from tests.e2e.ble.on_the_air import device_time, zero_after
from tests.support.marks import simulated_time

pytestmark = simulated_time


# R17: bonds.


async def raw_client(bench: BleBench, number: int) -> tuple[BleakClient, list[Any]]:
    """A host of its own that has not paired, and the frames that it hears."""
    central = bench.lab.another_host(number)
    client = BleakClient("F0:F1:F2:F3:F4:F5", backend=central.client, timeout=5)
    await client.connect()
    heard: list[Any] = []
    await client.start_notify(gatt.EVENT, lambda _, data: heard.append(decode_body(bytes(data))))
    return client, heard


async def answer(heard: list[Any], token: int) -> Any:
    def found() -> list[Any]:
        return [m for m in heard if isinstance(m, Ack | Info) and m.token == token]

    await until(found, "an answer comes")
    return found()[0]


async def test_r17_an_unbonded_peer_can_stop_and_read_and_nothing_else(bench: BleBench) -> None:
    await bench.play(after_s=70)  # the minute in which pairing was open is over
    stranger, heard = await raw_client(bench, 7)
    # Read.
    battery = await stranger.read_gatt_char("2a19")
    assert 0 < battery[0] <= 100
    assert await stranger.read_gatt_char("2a26") == b"1.0.0"
    assert isinstance(decode_body(bytes(await stranger.read_gatt_char(gatt.INFO))), Info)
    newest = decode_body(bytes(await stranger.read_gatt_char(gatt.EVENT)))
    assert isinstance(newest, TelemetryFrame)
    assert newest.owner != 0
    # Neither pair nor read or write what needs a bond.
    with pytest.raises(BleakError):
        await stranger.pair()
    with pytest.raises(BleakError):
        await stranger.read_gatt_char(gatt.COMMAND)
    owner, epoch, seq = newest.owner, newest.epoch, newest.seq
    lie = SetpointFrame(epoch, owner, seq + 1000, newest.counter, 0, 0, 5000, (1000,) * 6, (1,) * 6)
    with pytest.raises(BleakError):
        await stranger.write_gatt_char(gatt.COMMAND, encode_body(lie), response=True)
    before = bench.out
    for target in (gatt.COMMAND, gatt.STOP):
        await stranger.write_gatt_char(target, encode_body(lie), response=False)
    await asyncio.sleep(0.3)
    assert bench.out == pytest.approx(before, abs=1.0)
    assert bench.controller.status.phase is Phase.RUNNING
    # Questions are answered; ARM and RESET are refused.
    await stranger.write_gatt_char(gatt.STOP, encode_body(GetInfo(11)), response=False)
    assert isinstance(await answer(heard, 11), Info)
    arm = Arm(12, 99, epoch, newest.challenge, 1, 1000, 600)
    await stranger.write_gatt_char(gatt.STOP, encode_body(arm), response=False)
    assert (await answer(heard, 12)).result == Result.NOT_ALLOWED
    reset = Reset(13, newest.challenge, newest.latch)
    await stranger.write_gatt_char(gatt.STOP, encode_body(reset), response=False)
    assert (await answer(heard, 13)).result == Result.NOT_ALLOWED
    assert any(bench.out.values()), "the session of the bonded host goes on"
    # Stop.
    asked = device_time(bench)
    await stranger.write_gatt_char(gatt.STOP, encode_body(Stop(14, 1)), response=False)
    assert (await answer(heard, 14)).result == Result.OK
    assert zero_after(bench, asked) <= 0.1
    end = await bench.controller.ended()
    assert end.cause is Cause.PERSON
    await stranger.disconnect()

    await bench.end()
    assert violations(bench.trace) == []


@pytest.mark.rig(paired=False)
async def test_r17_without_a_bond_a_start_is_refused_with_the_way_to_pair_and_stop_works(
    bench: BleBench,
) -> None:
    assert not bench.ble.may_command
    with pytest.raises(DeviceRefused, match="may not command") as caught:
        await bench.play()
    assert "button" in caught.value.remedy
    await bench.controller.stop()

    await bench.end()
    assert not any(any(line["out"].values()) for line in bench.trace if line["type"] == "sample")


@pytest.mark.rig(paired=False, connect=False)
async def test_r17_pairing_is_open_for_a_minute_after_the_button_was_held(bench: BleBench) -> None:
    for wait, allowed in ((61.0, False), (30.0, True)):
        await bench.lab.open_pairing()
        await asyncio.sleep(wait)
        assert bench.lab.peripheral.pairing_open is allowed
        await bench.ble.open(Recorder())
        assert bench.ble.may_command is allowed
        await bench.ble.close()


@pytest.mark.rig(paired=False, connect=False)
async def test_r17_who_pairs_without_the_bonding_flag_commands_nothing_then_or_later(
    bench: BleBench,
) -> None:
    await bench.lab.open_pairing()
    central = bench.lab.another_host(8)
    central.host.device.pairing_config_factory = lambda _: PairingConfig(
        sc=True, mitm=False, bonding=False, delegate=PairingDelegate()
    )
    for _ in range(2):
        client = BleakClient("F0:F1:F2:F3:F4:F5", backend=central.client, timeout=5)
        await client.connect()
        heard: list[Any] = []

        def hear(_: Any, data: bytearray, heard: list[Any] = heard) -> None:
            heard.append(decode_body(bytes(data)))

        await client.start_notify(gatt.EVENT, hear)
        await client.pair()
        await asyncio.sleep(0.2)
        assert bytes(await client.read_gatt_char(gatt.COMMAND)) == b"\x00"
        newest = [m for m in heard if isinstance(m, TelemetryFrame)][-1]
        arm = Arm(21, 99, newest.epoch, newest.challenge, 1, 1000, 600)
        await client.write_gatt_char(gatt.COMMAND, encode_body(arm), response=True)
        assert (await answer(heard, 21)).result == Result.NOT_ALLOWED
        await client.disconnect()
        keys = central.host.device.keystore
        assert keys is not None
        await keys.delete_all()
        await asyncio.sleep(0.2)
    kept = bench.lab.peripheral._radio.keystore
    assert kept is not None
    assert await kept.get_all() == []


async def test_r17_a_device_that_forgot_its_bonds_has_to_be_paired_with_again(
    bench: BleBench,
) -> None:
    keys = bench.lab.peripheral._radio.keystore
    assert keys is not None
    await bench.controller.close()
    await keys.delete_all()
    await asyncio.sleep(120)
    await bench.ble.open(Recorder())
    assert not bench.ble.may_command
    await bench.ble.close()
    await bench.lab.open_pairing()
    await bench.ble.open(Recorder())
    assert bench.ble.may_command
    await bench.ble.close()


@pytest.mark.rig(mtu=23)
async def test_r16_a_small_mtu_can_stop_and_read_only(bench: BleBench) -> None:
    assert not bench.ble.may_command
    assert bench.controller.info is not None
    newest = bench.driver.newest
    assert newest is not None
    await asyncio.sleep(2)
    later = bench.driver.newest
    assert later is not None
    assert later.counter > newest.counter, "telemetry is read"
    with pytest.raises((LinkError, DeviceRefused)):
        await bench.driver.arm(20.0, 600)
    await bench.controller.stop()

    await bench.end()
    assert any(line.get("event") == "stop" for line in bench.trace)


async def test_fault_57_a_second_bonded_host_is_refused_while_the_first_drives(
    bench: BleBench,
) -> None:
    central = bench.lab.another_host(9)

    async def open_radio() -> SharedRadio:
        return SharedRadio(central)

    await bench.lab.open_pairing()
    other = BleTransport(BleAddress("Massager"), open_radio)
    heard = Recorder()
    await other.open(heard)
    assert other.may_command
    await bench.play(after_s=30)
    newest = bench.driver.newest
    assert newest is not None
    other.write(encode_body(Arm(31, 5, newest.epoch, newest.challenge, 1, 100, 60)))
    await until(
        lambda: any(isinstance(m := decode_body(c), Ack) and m.token == 31 for c in heard.chunks),
        "the ACK comes",
    )
    ack = next(m for c in heard.chunks if isinstance(m := decode_body(c), Ack))
    assert ack.result == Result.BUSY
    assert any(bench.out.values())
    await other.close()
    await bench.controller.stop()

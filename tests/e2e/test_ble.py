"""Sessions over BLE: bleak, a whole Bluetooth stack and the simulated device, under simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from bleak import BleakClient
from bleak.exc import BleakError
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_sim.links.ble import gatt
from firmware_sim.links.ble.lab import SharedRadio
from firmware_sim.links.ble.radio import AirQuality
from firmware_sim.trace_rules import violations
from massager_ctl.errors import DeviceNotFound, DeviceRefused, ExitCode, LinkError, StopUnconfirmed
from massager_ctl.model.device import Cause, Setpoint
from massager_ctl.model.requests import Pause, Resume
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
from tests.e2e.ble_harness import BleBench, opened_ble
from tests.support.marks import rig, simulated_time

pytestmark = simulated_time


@pytest_asyncio.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncGenerator[BleBench]:
    """Paired and connected, unless the mark `rig` says otherwise."""
    async with opened_ble(**rig(request.function)) as made:
        yield made


GENTLE = Setpoint((5.0, 5.0, 5.0, 5.0, 5.0, 5.0))


def zero_after(bench: BleBench, since: float) -> float:
    """Seconds of the device's clock from `since` to the first sample with every level at zero."""
    for line in bench.trace:
        if line["type"] == "sample" and line["t"] >= since and not any(line["out"].values()):
            return line["t"] - since
    raise AssertionError("the levels never came to zero")


def device_time(bench: BleBench) -> float:
    """Seconds since its boot, as its trace counts them."""
    newest = decode_body(bench.device.firmware.read_telemetry(bench.loop.time()))
    assert isinstance(newest, TelemetryFrame)
    return newest.uptime / 1000


@pytest.mark.unmeasured
@pytest.mark.parametrize("profile", ["restorative", "gentle"])
async def test_a_whole_session_plays_within_the_rules(bench: BleBench, profile: str) -> None:
    await bench.play(profile)
    end = await bench.controller.ended()
    assert end.cause is Cause.FINISHED, end
    assert end.exit_code is ExitCode.OK

    await bench.end()
    assert violations(bench.trace) == []
    assert max(max(line["out"].values()) for line in bench.trace if line["type"] == "sample") > 5
    assert not any(bench.out.values())


@pytest.mark.rig(air=AirQuality(latency_s=0.03, repeats=0.2), seed=3)
async def test_a_real_radio_s_delays_and_repeats_trip_nothing(bench: BleBench) -> None:
    await bench.play(after_s=90)
    bench.controller.request(Pause())
    await asyncio.sleep(5)
    bench.controller.request(Resume())
    await asyncio.sleep(90)
    assert any(bench.out.values())
    asked = device_time(bench)
    await bench.controller.stop()
    assert zero_after(bench, asked) <= 0.35

    await bench.end()
    assert violations(bench.trace) == []
    assert not any(line.get("event") == "dead_man" for line in bench.trace)


@pytest.mark.rig(air=AirQuality(latency_s=0.03))
async def test_a_stop_is_zero_within_a_connection_interval_or_two(bench: BleBench) -> None:
    for _ in range(5):
        await bench.play(after_s=20)
        asked = device_time(bench)
        await bench.controller.stop()
        assert zero_after(bench, asked) <= 0.1
        await bench.controller.ended()
        await asyncio.sleep(0.2)


async def armed(bench: BleBench) -> None:
    """A session with levels above zero, driven frame by frame."""
    await bench.driver.arm(20.0, 600)
    for _ in range(40):
        bench.driver.send(GENTLE)
        await asyncio.sleep(0.2)
    assert any(bench.out.values())


async def test_r4_a_gap_of_0_9_s_goes_on_and_1_1_s_is_zero(bench: BleBench) -> None:
    await armed(bench)
    for _ in range(10):
        bench.driver.send(GENTLE)
        await asyncio.sleep(0.9)
        assert any(bench.out.values())
    bench.driver.send(GENTLE)
    await asyncio.sleep(0.01)
    fed = device_time(bench)
    await asyncio.sleep(1.5)
    assert 1.0 <= zero_after(bench, fed) <= 1.1
    assert any(line.get("event") == "dead_man" for line in bench.trace)


async def test_fault_12_a_hung_write_is_zero_by_t_and_a_lost_link(bench: BleBench) -> None:
    await bench.play(after_s=60)
    assert any(bench.out.values())
    bench.lab.radio.silence()
    hung = device_time(bench)
    end = await bench.controller.ended()
    assert zero_after(bench, hung) <= 1.1
    assert end.exit_code in (ExitCode.LINK, ExitCode.UNCONFIRMED), end
    assert end.error is not None
    await until(lambda: bench.lab.peripheral.hosts == 0, "the device sees the link go")
    with pytest.raises(StopUnconfirmed, match="a write hung"):
        await bench.controller.close()


@pytest.mark.rig(air=AirQuality(supervision_s=32.0))
async def test_fault_13_no_disconnect_callback_for_32_s(bench: BleBench) -> None:
    await bench.play(after_s=60)
    bench.lab.radio.silence()
    hung, asked = device_time(bench), bench.loop.time()
    end = await bench.controller.ended()
    assert bench.loop.time() - asked < 5
    assert zero_after(bench, hung) <= 1.1
    assert end.exit_code in (ExitCode.LINK, ExitCode.UNCONFIRMED), end
    with pytest.raises(StopUnconfirmed):
        await bench.controller.close()


async def test_a_dropped_link_is_zero_in_100_ms_and_a_reconnect_resumes_nothing(
    bench: BleBench,
) -> None:
    await bench.play(after_s=60)
    dropped = device_time(bench)
    bench.lab.radio.drop()
    end = await bench.controller.ended()
    assert end.exit_code is ExitCode.LINK
    assert zero_after(bench, dropped) <= 0.1
    for _ in range(3):
        await bench.controller.close()
        await bench.controller.connect()
        await asyncio.sleep(5)
        assert not any(bench.out.values())
    assert bench.ble.may_command, "the bond outlives the link"


@pytest.mark.rig(connect=False)
async def test_a_device_that_is_not_there_and_one_that_is_no_massager(bench: BleBench) -> None:
    absent = BleTransport(BleAddress("Somebody else"), bench.lab.open_radio)
    began = bench.loop.time()
    with pytest.raises(DeviceNotFound, match="Somebody else"):
        await absent.open(Recorder())
    assert bench.loop.time() - began <= 10
    by_address = BleTransport(BleAddress("f0:f1:f2:f3:f4:f5"), bench.lab.open_radio)
    await by_address.open(Recorder())
    await by_address.close()
    bench.lab.radio.silence()
    began = bench.loop.time()
    with pytest.raises(LinkError):
        await by_address.open(Recorder())
    assert bench.loop.time() - began <= 10


@pytest.mark.rig(connect=False)
async def test_an_abort_while_opening_gives_the_radio_back(bench: BleBench) -> None:
    opening = asyncio.ensure_future(bench.ble.open(Recorder()))
    await asyncio.sleep(0.03)
    with pytest.raises(LinkError, match="already"):
        await bench.ble.open(Recorder())
    bench.ble.abort()
    with pytest.raises(LinkError, match="closed while"):
        await opening
    await bench.ble.close()
    opening = asyncio.ensure_future(bench.ble.open(Recorder()))
    await asyncio.sleep(0.03)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await bench.ble.close()
    assert bench.lab.peripheral.hosts == 0
    await bench.controller.connect()


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


async def test_fault_19_what_was_sent_before_a_stop_does_nothing_after_it(bench: BleBench) -> None:
    await armed(bench)
    kept: list[bytes] = []
    write = bench.ble.write

    def keep(data: bytes, send: bool = True) -> None:
        kept.append(data)
        if send:
            write(data)

    bench.ble.write = keep
    bench.driver.send(GENTLE)
    await asyncio.sleep(0.2)
    bench.ble.write = lambda data: keep(data, send=False)
    bench.driver.send(GENTLE)
    bench.ble.write = write
    await bench.driver.stop(Cause.PERSON)
    for body in (*kept, *kept):
        bench.ble.write(body)
        await asyncio.sleep(0.2)
    assert not any(bench.out.values())

    await bench.end()
    assert not any(bench.out.values())


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


async def test_fault_25_a_lost_ack_is_asked_for_again_after_400_ms(bench: BleBench) -> None:
    await bench.play(after_s=20)
    bench.device.lose_acks(2)
    asked = bench.loop.time()
    await bench.controller.stop()
    assert 0.799 <= bench.loop.time() - asked <= 1.0
    assert not any(bench.out.values())


async def test_fault_32_a_malformed_setpoint_is_zero_and_the_session_goes_on(
    bench: BleBench,
) -> None:
    await armed(bench)
    newest = bench.driver.newest
    assert newest is not None
    wrong = SetpointFrame(
        newest.epoch,
        newest.owner,
        newest.seq + 1,
        newest.counter,
        0,
        0,
        5000,
        (1001, 0, 0, 0, 0, 0),
        (1,) * 6,
    )
    bench.ble.write(encode_body(wrong))
    await asyncio.sleep(0.1)
    assert not any(bench.out.values())
    bench.driver.send(GENTLE)
    bench.driver.send(GENTLE)
    await asyncio.sleep(0.3)
    assert any(bench.out.values())

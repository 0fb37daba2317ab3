"""Sessions over BLE: bleak, a whole Bluetooth stack and the simulated device, under simulated time."""

from __future__ import annotations

import asyncio

import pytest

from firmware_sim.links.ble.radio import AirQuality
from firmware_sim.trace_rules import violations
from massager_ctl.errors import DeviceNotFound, ExitCode, LinkError, StopUnconfirmed
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Pause, Resume
from massager_ctl.testing.transports import Recorder, until
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport
from massager_ctl.wire.codec import encode_body
from massager_ctl.wire.messages import SetpointFrame
from tests.e2e.ble.harness import BleBench
from tests.e2e.ble.on_the_air import GENTLE, armed, device_time, zero_after
from tests.support.marks import simulated_time

pytestmark = simulated_time


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
    absent = BleTransport(BleAddress("Someone else"), bench.lab.open_radio)
    began = bench.loop.time()
    with pytest.raises(DeviceNotFound, match="Someone else"):
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

"""Scanning: Bluetooth by its service, serial ports by their telemetry, and `auto`."""

from __future__ import annotations

import os
import tty
from pathlib import Path

import pytest

from firmware_sim.links.ble.lab import BleLab
from firmware_sim.links.memory import build_device
from firmware_sim.links.pty import PtyPort
from firmware_sim.options import parse_options
from massager_ctl.errors import AddressError, DeviceNotFound
from massager_ctl.transports import scan as scanning
from massager_ctl.transports.address import AutoAddress, SerialAddress, SimAddress
from massager_ctl.transports.ble.scan import scan_ble
from massager_ctl.transports.found import Found
from massager_ctl.transports.scan import Port, Scan, resolve, scan_serial


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "called", ["{port}", "{by_id}/usb-Printer", "1A86:7523", "1a86:7523 P9", "P9"]
)
async def test_a_port_that_is_to_be_left_alone_is_never_opened(called: str, tmp_path: Path) -> None:
    (tmp_path / "by-id").mkdir()
    printer, other = tmp_path / "printer", tmp_path / "other"
    for port in (printer, other):
        port.write_text("")  # opened, it would be told as no port
    (tmp_path / "by-id" / "usb-Printer").symlink_to(printer)
    ports = [
        Port(str(printer), "", 0x1A86, 0x7523, "P9"),
        Port(str(other), "", 0x1A86, 0x7524, "P8"),
    ]
    alone = called.format(port=printer, by_id=tmp_path / "by-id")
    found = await scan_serial(
        ports, probe_all=True, by_id=tmp_path / "by-id", leave_alone=["", alone]
    )
    assert [one.address for one in found] == [f"serial:{other}"]


@pytest.mark.asyncio
async def test_serial_ports_are_known_by_their_telemetry(tmp_path: Path) -> None:
    device = build_device(parse_options("battery=42.5"))
    port = PtyPort(device, tmp_path / "massager")
    master, silent = os.openpty()
    tty.setraw(silent)
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-Massager_01").symlink_to(tmp_path / "massager")
    try:
        found = await scan_serial(
            [
                Port(str(tmp_path / "massager"), "USB Serial", 0x0403, 0x6001, "A5"),
                Port(os.ttyname(silent), vid=0x1A86),
                Port(str(tmp_path / "nothing"), vid=0x10C4),
            ],
            by_id=by_id,
        )
    finally:
        port.close()
        device.close()
        os.close(master)
        os.close(silent)
    assert found[0] == Found(
        f"serial:{by_id}/usb-Massager_01",  # the name that stays
        "serial",
        "USB Serial",
        True,
        battery=42,
        firmware="1.0.0",
        port=f"{tmp_path}/massager",
        usb="0403:6001 A5",
    )
    assert (found[1].supported, found[1].name) == (False, "")
    assert "silent" in found[1].note
    assert "does not exist" in found[2].note


@pytest.mark.asyncio
async def test_a_port_of_an_unknown_make_is_listed_and_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = build_device(parse_options(""))
    port = PtyPort(device, tmp_path / "machine")
    opened: list[str] = []
    make = scanning.make_serial

    def noted(name: str) -> object:
        opened.append(name)
        return make(name)

    monkeypatch.setattr(scanning, "make_serial", noted)
    ports = [Port(str(tmp_path / "machine"), vid=0x2341), Port(str(tmp_path / "machine"))]
    try:
        found = await scan_serial(ports)
        assert opened == []
        assert all("--all" in one.note and not one.supported for one in found)
        (one,) = await scan_serial(ports[:1], probe_all=True)
    finally:
        port.close()
        device.close()
    assert opened == [str(tmp_path / "machine")]
    assert one.supported


@pytest.mark.asyncio
async def test_bluetooth_devices_are_shown_with_signal_battery_and_firmware() -> None:
    lab = BleLab(build_device(parse_options("battery=61.5")), name="Neck massager")
    await lab.start()
    other = lab.another_host(5).host.device
    await other.power_on()
    await other.start_advertising(
        advertising_data=b"\x05\x09Lamp",
        advertising_interval_min=30.0,
        advertising_interval_max=30.0,
    )
    try:
        found = await scan_ble(0.3, "tcp:127.0.0.1:6402", lab.open_radio)
    finally:
        await lab.close()
    by_name = {item.name: item for item in found}
    assert by_name["Neck massager"] == Found(
        "ble:F0:F1:F2:F3:F4:F5?hci=tcp:127.0.0.1:6402",
        "ble",
        "Neck massager",
        True,
        rssi=-50,
        battery=61,
        firmware="1.0.0",
    )
    assert not by_name["Lamp"].supported
    assert by_name["Lamp"].battery is None


@pytest.mark.asyncio
async def test_without_bluetooth_there_is_one_sentence_and_the_rest_is_scanned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    result = await scanning.scan(0.1)
    (note,) = result.notes
    assert note.startswith("Bluetooth is not available here: ")
    assert "\n" not in note
    assert all(found.kind == "serial" for found in result.devices)


@pytest.mark.asyncio
async def test_a_controller_that_cannot_be_reached_is_a_note_too() -> None:
    result = await scanning.scan(0.1, "tcp:127.0.0.1:1")
    (note,) = result.notes
    assert "tcp:127.0.0.1:1 cannot be opened" in note
    assert "massager-sim serve --ble" in note


@pytest.mark.parametrize("usable", [0, 1, 2])
@pytest.mark.asyncio
async def test_auto_is_the_one_device_found(usable: int, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [Found(f"serial:/dev/tty{n}", "serial", "", n < usable) for n in range(3)]

    async def found(*, leave_alone: tuple[str, ...]) -> Scan:
        return Scan(tuple(devices), ("Bluetooth is off.",))

    monkeypatch.setattr(scanning, "scan", found)
    assert await resolve(SimAddress()) == SimAddress()
    match usable:
        case 0:
            with pytest.raises(DeviceNotFound, match="Bluetooth is off") as nothing:
                await resolve(AutoAddress())
            assert "sim:" in nothing.value.remedy
        case 1:
            assert await resolve(AutoAddress()) == SerialAddress("/dev/tty0")
        case _:
            with pytest.raises(AddressError, match="serial:/dev/tty0, serial:/dev/tty1") as several:
                await resolve(AutoAddress())
            assert "--device" in several.value.remedy

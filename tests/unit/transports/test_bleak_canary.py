"""What we rely on in the bleak that is installed: these fail first when a new release changes it."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import bleak
import pytest
from bleak import BleakClient, BleakScanner, exc
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner


def parameters(of: object) -> list[str]:
    return list(inspect.signature(of).parameters)  # type: ignore[arg-type]


def test_the_version_is_one_that_was_tried() -> None:
    major, minor, *_ = map(int, version("bleak").split("."))
    assert (major, minor) >= (3, 1)
    assert major == 3
    assert bleak.__doc__


def test_the_client() -> None:
    assert {"disconnected_callback", "timeout", "backend"} <= set(parameters(BleakClient))
    assert parameters(BleakClient.write_gatt_char)[1:] == ["char_specifier", "data", "response"]
    assert parameters(BleakClient.read_gatt_char)[1] == "char_specifier"
    assert parameters(BleakClient.start_notify)[1:3] == ["char_specifier", "callback"]
    for method in ("connect", "disconnect", "pair", "read_gatt_char", "write_gatt_char"):
        assert inspect.iscoroutinefunction(getattr(BleakClient, method)), method
    for name in ("is_connected", "services"):
        assert isinstance(inspect.getattr_static(BleakClient, name), property), name
    assert isinstance(
        inspect.getattr_static(BleakGATTCharacteristic, "max_write_without_response_size"),
        property,
    )


def test_the_scanner() -> None:
    wanted = parameters(BleakScanner.find_device_by_filter)
    assert wanted[:2] == ["filterfunc", "timeout"]
    assert {"service_uuids", "backend"} <= set(parameters(BleakScanner))
    assert {"local_name", "service_uuids", "rssi"} <= set(AdvertisementData._fields)
    assert parameters(BLEDevice)[:3] == ["address", "name", "details"]


def test_a_back_end_has_to_write_what_ours_writes() -> None:
    assert BaseBleakClient.__abstractmethods__ == {
        "mtu_size",
        "connect",
        "disconnect",
        "pair",
        "unpair",
        "is_connected",
        "read_gatt_char",
        "read_gatt_descriptor",
        "write_gatt_char",
        "write_gatt_descriptor",
        "start_notify",
        "stop_notify",
    }
    assert BaseBleakScanner.__abstractmethods__ == {"start", "stop"}
    assert parameters(BaseBleakClient.connect)[1] == "pair"


def test_its_errors_are_the_ones_that_are_translated() -> None:
    assert issubclass(exc.BleakBluetoothNotAvailableError, exc.BleakError)
    assert issubclass(exc.BleakDeviceNotFoundError, exc.BleakError)
    assert issubclass(exc.BleakGATTProtocolError, exc.BleakError)
    error = exc.BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", [])
    assert error.dbus_error == "org.freedesktop.DBus.Error.ServiceUnknown"
    assert exc.BleakGATTProtocolError(5).code == 5


@pytest.mark.asyncio
async def test_without_d_bus_it_raises_what_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    with pytest.raises(FileNotFoundError):
        await BleakScanner().start()

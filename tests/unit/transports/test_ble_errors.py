"""What goes wrong with Bluetooth, in a person's words."""

from __future__ import annotations

import pytest
from bleak import exc

from massager_ctl.errors import DeviceNotFound, LinkError, LinkTimeout
from massager_ctl.testing.transports import Recorder
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.ble import BleTransport, make_ble
from massager_ctl.transports.ble.errors import border, no_bleak

OFF = exc.BleakBluetoothNotAvailableReason.POWERED_OFF


@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (FileNotFoundError(2, "No such file"), LinkError, "D-Bus"),
        (exc.BleakBluetoothNotAvailableError("it is off", OFF), LinkError, "it is off"),
        (exc.BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []), LinkError, "BlueZ"),
        (exc.BleakDBusError("org.bluez.Error.Failed", ["why"]), LinkError, "org.bluez"),
        (exc.BleakDeviceNotFoundError("AA", "gone"), DeviceNotFound, "ble:X is not there"),
        (exc.BleakGATTProtocolError(5), LinkError, "Authentication"),
        (TimeoutError(), LinkTimeout, "in time"),
        (EOFError("closed"), LinkError, "closed"),
        (ConnectionResetError(104, "reset"), LinkError, "reset"),
        (DeviceNotFound("ours", "passes"), DeviceNotFound, "ours"),
    ],
)
def test_every_error_of_a_system_is_translated(
    raised: Exception, kind: type[LinkError], says: str
) -> None:
    with pytest.raises(kind) as caught, border("ble:X"):
        raise raised
    assert type(caught.value) is kind
    assert says in caught.value.message
    assert caught.value.remedy


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(KeyError), border("ble:X"):
        raise KeyError("bug")


def test_a_missing_library_names_what_to_install() -> None:
    assert "massager-ctl[ble]" in no_bleak(ImportError(name="bleak")).remedy


@pytest.mark.asyncio
async def test_opening_without_bluetooth_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    transport = BleTransport(BleAddress("Massager"))
    with pytest.raises(LinkError, match="Bluetooth is not available here"):
        await transport.open(Recorder())
    await transport.close()


@pytest.mark.asyncio
async def test_a_controller_that_cannot_be_opened_is_one_clear_error() -> None:
    for hci in ("tcp:127.0.0.1:1", "nonsense:"):
        transport = make_ble(BleAddress("Massager", hci))
        with pytest.raises(LinkError, match=hci):
            await transport.open(Recorder())
        await transport.close()

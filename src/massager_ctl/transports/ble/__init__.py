"""BLE: the transport, finding devices, and errors."""

from massager_ctl.transports.ble.radio import OpenRadio, Radio
from massager_ctl.transports.ble.transport import BleTransport, make_ble

__all__ = ["BleTransport", "OpenRadio", "Radio", "make_ble"]

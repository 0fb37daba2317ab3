"""Looking for devices: on Bluetooth by the advertised service, on serial ports by listening for telemetry."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from massager_ctl.errors import AddressError, DeviceNotFound, LinkError, LinkLost, ProtocolError
from massager_ctl.transports.address import Address, AutoAddress, SerialAddress, parse_address
from massager_ctl.transports.ble.radio import OpenRadio, radio_over
from massager_ctl.transports.ble.scan import scan_ble
from massager_ctl.transports.found import Found
from massager_ctl.transports.serial import make_serial
from massager_ctl.wire.codec import Splitter, decode_run, encode_frame
from massager_ctl.wire.messages import MAINS, GetInfo, Info, TelemetryFrame

SECONDS: Final = 3.0
"""How long a scan listens on Bluetooth if nothing else is asked for."""

LISTEN_S: Final = 0.6
"""A device sends telemetry ten times a second, so a port that is silent for this long has none."""


class Scan(Struct, frozen=True):
    """All that was found, and what could not be searched, each as one helpful sentence."""

    devices: tuple[Found, ...]
    notes: tuple[str, ...] = ()


async def scan(
    seconds: float = SECONDS, hci: str = "", open_radio: OpenRadio | None = None
) -> Scan:
    """Search Bluetooth for `seconds` and all serial ports, at the same time. Raises nothing: see `notes`.

    `hci` names a Bluetooth controller other than the system's, as in a BLE address.
    """
    if hci and open_radio is None:
        open_radio = radio_over(hci)
    results = await asyncio.gather(
        scan_ble(seconds, hci, open_radio), scan_serial(), return_exceptions=True
    )
    devices: list[Found] = []
    notes: list[str] = []
    for result in results:
        match result:
            case LinkError():
                notes.append(f"{result.message}. {result.remedy}")
            case BaseException():
                raise result
            case _:
                devices += result
    devices.sort(key=lambda found: (not found.supported, -(found.rssi or 0), found.address))
    return Scan(tuple(devices), tuple(notes))


async def resolve(address: Address) -> Address:
    """The address itself, or for `auto` that of the one device found.

    Raises DeviceNotFound where there is none, AddressError with the list where there are several.
    """
    if not isinstance(address, AutoAddress):
        return address
    result = await scan()
    usable = [found for found in result.devices if found.supported]
    match usable:
        case [only]:
            return parse_address(only.address)
        case []:
            raise DeviceNotFound(
                " ".join(("no massager was found", *(f"({note})" for note in result.notes))),
                "Is it switched on and near, or plugged in? `--device sim:` is the built-in simulator.",
            )
        case _:
            names = ", ".join(found.address for found in usable)
            raise AddressError(
                f"{len(usable)} massagers were found: {names}",
                "Choose one of them with `--device`.",
            )


# Serial ports.


async def scan_serial(ports: Sequence[tuple[str, str]] | None = None) -> list[Found]:
    """All serial ports of this machine, or these (name, description), each listened to for a moment."""
    if ports is None:
        ports = await asyncio.to_thread(_ports)
    return list(await asyncio.gather(*(_serial_port(*port) for port in ports)))


def _ports() -> list[tuple[str, str]]:
    from serial.tools.list_ports import comports

    return [(port.device, port.description or "") for port in comports()]


async def _serial_port(port: str, description: str) -> Found:
    address = str(SerialAddress(port))
    name = "" if description == "n/a" else description
    ear = _Ear()
    transport = make_serial(port)
    try:
        await transport.open(ear)
    except LinkError as error:
        return Found(address, "serial", name, supported=False, note=error.message)
    try:
        await ear.wait()
        if ear.telemetry is None:
            return Found(
                address, "serial", name, supported=False, note="silent, or another kind of device"
            )
        # Only a device that talks like ours is asked anything.
        transport.write(encode_frame(GetInfo(secrets.randbits(32))))
        await ear.wait_info()
    finally:
        await transport.close()
    percent = ear.telemetry.battery
    return Found(
        address,
        "serial",
        name,
        supported=True,
        battery=None if percent == MAINS else percent,
        firmware=None if ear.info is None else ".".join(map(str, ear.info.firmware)),
    )


class _Ear:
    """Listens to a port for frames of ours."""

    def __init__(self) -> None:
        self.telemetry: TelemetryFrame | None = None
        self.info: Info | None = None
        self._splitter = Splitter()
        self._heard = asyncio.Event()
        self._informed = asyncio.Event()

    async def wait(self) -> None:
        await _set_within(self._heard, LISTEN_S)

    async def wait_info(self) -> None:
        await _set_within(self._informed, LISTEN_S)

    def data_received(self, data: bytes) -> None:
        for run in self._splitter.feed(data):
            try:
                message = decode_run(run)
            except ProtocolError:
                continue
            match message:
                case TelemetryFrame():
                    self.telemetry = message
                    self._heard.set()
                case Info():
                    self.info = message
                    self._informed.set()
                case _:
                    pass

    def link_lost(self, error: LinkLost) -> None:
        self._heard.set()
        self._informed.set()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass  # What was heard until then is the answer.

"""Looking for devices: on Bluetooth by the advertised service, on serial ports by listening for telemetry."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from massager_ctl.errors import DeviceNotFound, LinkError, LinkLost, ProtocolError, SeveralDevices
from massager_ctl.model.text import visible
from massager_ctl.transports.address import Address, AutoAddress, SerialAddress, parse_address
from massager_ctl.transports.ble.radio import OpenRadio, radio_over
from massager_ctl.transports.ble.scan import scan_ble
from massager_ctl.transports.found import Found
from massager_ctl.transports.serial import make_serial
from massager_ctl.wire.codec import Splitter, decode_run, encode_frame
from massager_ctl.wire.messages import MAINS, GetInfo, Info, TelemetryFrame

SECONDS: Final = 3.0
"""Default seconds that a scan listens on Bluetooth."""

LISTEN_S: Final = 0.6
"""A device sends telemetry ten times a second, so a port that is silent for this long has no device."""


class Scan(Struct, frozen=True):
    """All that was found, and a note on each place that could not be searched."""

    devices: tuple[Found, ...]
    notes: tuple[str, ...] = ()


async def scan(
    seconds: float = SECONDS,
    hci: str = "",
    open_radio: OpenRadio | None = None,
    *,
    probe_all: bool = False,
    leave_alone: Sequence[str] = (),
) -> Scan:
    """Search Bluetooth for `seconds` and the serial ports, at the same time. Raises nothing: see `notes`.

    `probe_all`: open ports of unknown makes as well, which may restart whatever is there. `leave_alone`: ports that are
    not opened in any case; see `Port.is_called`.
    `hci` names a Bluetooth controller other than the system's, as in a BLE address.
    """
    if hci and open_radio is None:
        open_radio = radio_over(hci)
    results = await asyncio.gather(
        scan_ble(seconds, hci, open_radio),
        scan_serial(probe_all=probe_all, leave_alone=leave_alone),
        return_exceptions=True,
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


async def resolve(address: Address, leave_alone: Sequence[str] = ()) -> Address:
    """The address itself, or for `auto` that of the one device found; see `scan` for `leave_alone`.

    Raises DeviceNotFound if there is none, SeveralDevices with the list if there are several.
    """
    if not isinstance(address, AutoAddress):
        return address
    result = await scan(leave_alone=leave_alone)
    usable = [found for found in result.devices if found.supported]
    match usable:
        case [only]:
            return parse_address(only.address)
        case []:
            raise DeviceNotFound(
                " ".join(("no massager found", *(f"({note})" for note in result.notes))),
                "Is it switched on and near, or plugged in? `--device sim:` is the built-in simulator.",
            )
        case _:
            raise SeveralDevices(
                f"{len(usable)} massagers found: {', '.join(map(_described, usable))}",
                "Choose one of them with `--device`.",
                tuple(found.address for found in usable),
            )


def _described(found: Found) -> str:
    """An address, and what a person may know that device by."""
    signal = "" if found.rssi is None else f"signal {found.rssi} dBm"
    known = ", ".join(filter(None, (found.name, found.usb, signal)))
    return visible(f"{found.address} ({known})" if known else found.address)


# Serial ports.


ADAPTERS: Final = frozenset({0x0403, 0x10C4, 0x1A86, 0x067B, 0x303A, 0x2E8A, 0x239A})
"""Makers of USB serial adapters and boards that massagers are built with: FTDI, Silicon Labs, WCH, Prolific, Espressif,
Raspberry Pi, Adafruit."""

BY_ID: Final = Path("/dev/serial/by-id")


class Port(Struct, frozen=True):
    """A serial port as the system describes it; `vid` is None if it is not a USB adapter."""

    device: str
    description: str = ""
    vid: int | None = None
    pid: int | None = None
    serial: str = ""

    @property
    def usb(self) -> str:
        """`0403:6001 A50285BI`; empty if it is not a USB adapter."""
        if self.vid is None:
            return ""
        return f"{self.vid:04x}:{self.pid or 0:04x} {self.serial}".rstrip()

    def is_called(self, text: str, stable: str) -> bool:
        """Whether a text means it: the port, its name that stays, `VID:PID` (with or without serial), or the serial."""
        usb = self.usb.lower()
        wanted = text.strip().lower()
        if wanted in (usb, usb.partition(" ")[0]):
            return bool(wanted)
        return text.strip() in (stable, self.device, self.serial)


async def scan_serial(
    ports: Sequence[Port] | None = None,
    *,
    probe_all: bool = False,
    by_id: Path = BY_ID,
    leave_alone: Sequence[str] = (),
) -> list[Found]:
    """The serial ports of this machine, or these. One of a known make is listened to for a moment.

    Opening a port may restart what is behind it, so ports of unknown makes are opened only with `probe_all`.
    """
    if ports is None:
        ports = await asyncio.to_thread(_ports)
    names = await asyncio.to_thread(_stable_names, ports, by_id)
    named = [
        (port, name)
        for port, name in zip(ports, names, strict=True)
        if not any(port.is_called(text, name) for text in leave_alone)
    ]
    found = (_serial_port(port, name, probe_all) for port, name in named)
    return list(await asyncio.gather(*found))


def _ports() -> list[Port]:
    from serial.tools.list_ports import comports

    return [
        Port(
            port.device,
            "" if port.description in (None, "n/a") else port.description,
            port.vid,
            port.pid,
            port.serial_number or "",
        )
        for port in comports()
    ]


def _stable_names(ports: Sequence[Port], by_id: Path) -> list[str]:
    """For each port the name that stays when it gets another number, if it has one."""
    try:
        links = {os.path.realpath(link): str(link) for link in sorted(by_id.iterdir())}
    except OSError:
        links = {}
    return [links.get(os.path.realpath(port.device), port.device) for port in ports]


async def _serial_port(port: Port, name: str, probe_all: bool) -> Found:
    """`name`: the stable one, or the device file."""
    found = Found(
        str(SerialAddress(name)),
        "serial",
        port.description,
        supported=False,
        port=port.device if name != port.device else "",
        usb=port.usb,
    )
    if port.vid not in ADAPTERS and not probe_all:
        return structs.replace(found, note="not opened: not of a known make; --all opens it too")
    ear = _Ear()
    transport = make_serial(port.device)
    try:
        await transport.open(ear)
    except LinkError as error:
        return structs.replace(found, note=error.message)
    try:
        await ear.wait()
        if ear.telemetry is None:
            return structs.replace(found, note="silent, or another kind of device")
        # Only a device that talks like ours is asked anything.
        transport.write(encode_frame(GetInfo(secrets.randbits(32))))
        await ear.wait_info()
    finally:
        await transport.close()
    percent = ear.telemetry.battery
    return structs.replace(
        found,
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

    def link_lost(self, error: LinkLost) -> None:  # noqa: ARG002
        self._heard.set()
        self._informed.set()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass  # The answer is what was received until then.

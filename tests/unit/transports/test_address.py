"""Device addresses: what is read, what is refused, and with which way out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import AddressError
from massager_ctl.transports.address import (
    Address,
    AutoAddress,
    BleAddress,
    SerialAddress,
    SimAddress,
    TcpAddress,
    parse_address,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sim:", SimAddress()),
        ("sim:?fault=stall&battery=12", SimAddress("fault=stall&battery=12")),
        ("serial:/dev/ttyUSB0", SerialAddress("/dev/ttyUSB0")),
        ("serial:COM3", SerialAddress("COM3")),
        ("serial:/dev/ttyUSB0?boot=1.5s", SerialAddress("/dev/ttyUSB0", 1.5)),
        ("serial:/dev/ttyUSB0?boot=0s&dtr=off", SerialAddress("/dev/ttyUSB0", 0.0, dtr=False)),
        ("serial:spy:///dev/ttyUSB0?file=x", SerialAddress("spy:///dev/ttyUSB0?file=x")),
        ("serial:socket://host:7000", SerialAddress("socket://host:7000")),
        ("tcp:127.0.0.1:7777", TcpAddress("127.0.0.1", 7777)),
        ("tcp:[::1]:7777", TcpAddress("::1", 7777)),
        ("ble:Massager", BleAddress("Massager")),
        ("ble:AA:BB:CC:DD:EE:FF", BleAddress("AA:BB:CC:DD:EE:FF")),
        ("ble:Neck 100%25%3F", BleAddress("Neck 100%?")),
        (
            "ble:Massager?hci=tcp:127.0.0.1:6402",
            BleAddress("Massager", "tcp:127.0.0.1:6402"),
        ),
        ("ble:F0:F1:F2:F3:F4:F5?hci=usb:0", BleAddress("F0:F1:F2:F3:F4:F5", "usb:0")),
        ("auto", AutoAddress()),
    ],
)
def test_an_address_reads_and_writes_the_same(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


def test_case_and_space_around_do_not_matter() -> None:
    assert parse_address("  SIM: ") == SimAddress()
    assert parse_address("Tcp:LOCALHOST:1") == TcpAddress("localhost", 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "sim:"),
        ("bluetooth:x", "sim:"),
        ("serial:/dev/ttyUSB0?boot=soon", "boot=3s"),
        ("serial:/dev/ttyUSB0?boot=31s", "boot=3s"),
        ("serial:/dev/ttyUSB0?boot=nan", "boot=3s"),
        ("serial:/dev/ttyUSB0?dtr=maybe", "dtr=off"),
        ("serial:/dev/ttyUSB0?baud=9600", "dtr=off"),
        ("serial:/dev/ttyUSB0?", "dtr=off"),
        ("/dev/ttyUSB0", "serial:/dev/ttyUSB0"),
        ("COM3", "serial:COM3"),
        ("socket://host:1", "serial:socket://host:1"),
        ("sim:battery=3", "sim:?battery=12"),
        ("serial:", "serial:/dev/ttyUSB0"),
        ("serial:socket://host", "port"),
        ("tcp:host", "tcp:127.0.0.1:7777"),
        ("tcp:host:0", "1 to 65535"),
        ("tcp:host:70000", "out of range"),
        ("tcp:host:x", "tcp:127.0.0.1:7777"),
        ("tcp::7777", "host"),
        ("tcp:host:1/path", "tcp:127.0.0.1:7777"),
        ("tcp:host:1#x", "1 to 65535"),
        ("tcp:host:1?", "1 to 65535"),
        ("tcp::secret@host:1", "1 to 65535"),
        ("tcp:host:4\n4", "1 to 65535"),
        ("tcp:ho\tst:4", "1 to 65535"),
        ("serial:socket://host:1?", "1 to 65535"),
        ("ble:", "ble:Massager"),
        ("ble:x?radio=1", "'radio'"),
        ("ble:x?hci=", "hci=tcp"),
        ("ble:x?hci", "hci"),
    ],
)
def test_a_wrong_address_is_refused_with_a_way_out(text: str, says: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert says in str(caught.value)
    assert caught.value.remedy


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_an_address_error(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert parse_address(str(address)) == address


@given(st.text(min_size=1, max_size=20).filter(lambda name: name == name.strip()))
def test_any_ble_name_survives_being_typed(name: str) -> None:
    assert parse_address(str(BleAddress(name))) == BleAddress(name)

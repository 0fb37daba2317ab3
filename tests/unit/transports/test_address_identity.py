"""Two spellings of one address are one device, and an embedded simulator is known by its process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.transports.address import BleAddress, parse_address
from massager_ctl.transports.address_identity import identity, resolved


def test_a_serial_port_keeps_the_name_that_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    given_address = f"serial:{tmp_path}/x/../link"
    assert identity(given_address) == f"serial:{tmp_path}/link"
    assert resolved(given_address) == f"serial:{tmp_path}/real"
    assert resolved("tcp:127.0.0.1:7777") == "tcp:127.0.0.1:7777"


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("ble:aa:bb:cc:dd:ee:0f", "ble:AA:BB:CC:DD:EE:0F"),
        ("ble:Massager", "ble:Massager"),
        ("ble:Ger\u00e4t A", "ble:Ger%C3%A4t A"),
        ("ble:Ger%c3%a4t%20A", "ble:Ger%C3%A4t A"),
        pytest.param("ble:\udcff", "ble:%ED%B3%BF", id="no UTF-8"),
        ("tcp:127.0.0.1:7777", "tcp:127.0.0.1:7777"),
        ("tcp:HOST:0080", "tcp:host:80"),
        ("tcp:Localhost:80", "tcp:127.0.0.1:80"),
        ("tcp:127.1:80", "tcp:127.0.0.1:80"),
        ("tcp:0x7f000001:80", "tcp:127.0.0.1:80"),
        ("tcp:[0:0::1]:80", "tcp:[::1]:80"),
        pytest.param("tcp:ho\0st:80", "tcp:ho\0st:80", id="NUL"),
        ("tcp:[FE80::1%Eth0]:80", "tcp:[fe80::1%Eth0]:80"),
        pytest.param("tcp:host:" + "1" * 5000, "tcp:host:" + "1" * 5000, id="5000 digits"),
        ("tcp:host:\u0663", "tcp:host:\u0663"),
        ("serial:COM3?boot=5s", "serial:COM3"),
    ],
)
def test_identities(address: str, normal: str) -> None:
    assert identity(address) == normal


@given(st.text(min_size=1, max_size=20).filter(lambda name: name == name.strip()))
def test_a_ble_device_has_one_identity_however_its_name_is_typed(name: str) -> None:
    written = str(BleAddress(name))
    typed = "ble:" + name.replace("%", "%25").replace("?", "%3F")
    assert parse_address(typed) == BleAddress(name)
    assert identity(typed) == identity(written)


def test_an_embedded_simulator_is_known_by_its_process() -> None:
    assert identity("sim:") == identity("sim:?battery=12") == f"sim:{os.getpid()}"

"""Two spellings of one address are one device, and an embedded simulator is known by its process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
        ("tcp:127.0.0.1:7777", "tcp:127.0.0.1:7777"),
    ],
)
def test_identities(address: str, normal: str) -> None:
    assert identity(address) == normal


def test_an_embedded_simulator_is_known_by_its_process() -> None:
    assert identity("sim:") == identity("sim:?battery=12") == f"sim:{os.getpid()}"

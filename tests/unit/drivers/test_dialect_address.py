"""A device of another make is addressed by its driver and its link, and is one device whatever the driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from massager_ctl.drivers.factory import make_driver
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import AddressError
from massager_ctl.transports.address import (
    BleAddress,
    DialectAddress,
    SerialAddress,
    parse_address,
)
from massager_ctl.transports.address_identity import canonical, identity, is_address


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("acme:serial:/dev/ttyUSB0", SerialAddress("/dev/ttyUSB0")),
        ("my-neck:ble:Relax-07", BleAddress("Relax-07")),
    ],
)
def test_scheme_and_link(text: str, link: object) -> None:
    address = parse_address(text)
    assert isinstance(address, DialectAddress)
    assert address.link == link
    assert str(address) == text
    assert is_address(text)


@pytest.mark.parametrize("text", ["acme:", "acme:x", "ac me:serial:/dev/x", "-a:tcp:h:1", "a:sim:"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(AddressError, match="is not a device address"):
        parse_address(text)


def test_a_link_that_is_wrong_is_told_as_such() -> None:
    with pytest.raises(AddressError, match=r"'acme:tcp:host'.* needs a host and a port"):
        parse_address("acme:tcp:host")


def test_two_drivers_of_one_port_share_one_lock() -> None:
    assert identity("acme:serial:/dev/ttyUSB0") == identity("serial:/dev/ttyUSB0")
    assert canonical("acme:tcp:HOST:07") == "tcp:host:7"
    assert not is_address("acme")
    assert not is_address("acme:1234")


def test_the_driver_of_that_scheme_is_made() -> None:
    driver = make_driver("tcode:serial:/dev/ttyUSB0")
    assert isinstance(driver, PlainDriver)
    assert driver.address == "tcode:serial:/dev/ttyUSB0"
    with pytest.raises(AddressError, match="does not work over that link"):
        make_driver("tcode:ble:Someone")
    assert isinstance(make_driver("serial:/dev/ttyUSB0"), ReferenceDriver)


def test_r25_it_is_made_with_a_guardian_where_its_link_can_be_shared(tmp_path: Path) -> None:
    guard = str(tmp_path / "lock"), str(tmp_path / "held")
    assert not make_driver("tcode:serial:/dev/ttyUSB0").guarded
    assert make_driver("tcode:serial:/dev/ttyUSB0", guard=guard).guarded
    alone = make_driver("tcode:serial:loop://", guard=guard)
    assert not alone.guarded
    assert alone.address == "tcode:serial:loop://"

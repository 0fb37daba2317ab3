"""A scan finds devices of other makes: by name and service, and by a question where a person asked for it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiPeer
from tests.support.on_a_line import OnALine
from tests.unit.drivers.test_described import GOOD

from massager_ctl.config import ENV_CONFIG
from massager_ctl.drivers.dialect import DriverSpec, Find
from massager_ctl.drivers.scan import claimed
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.found import Found
from massager_ctl.transports.gatt import Gatt

LONG = "12345678-9abc-def0-1234-56789abcdef0"
HEARD = Found(
    "ble:C4:F1:F2:F3:F4:F5",
    "ble",
    "Relax-07",
    False,
    services=("0000fff0-0000-1000-8000-00805f9b34fb",),
)


def on_ble(find: Find) -> DriverSpec:
    gatt = Gatt(service="FFF0", write="FFF2")
    return msgspec.structs.replace(ASCII, links=(LinkKind.BLE,), gatt=gatt, find=find)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("find", "services", "is_it"),
    [
        (Find(name="Relax*"), (), True),
        (Find(name="Relax-08"), (), False),
        (Find(name="Relax*", service="FFF0"), (), True),
        (Find(service=LONG), (LONG,), True),
        (Find(service=LONG), (), False),
        (Find(service="180F"), ("0000180f-0000-1000-8000-00805f9b34fb",), False),
        (Find(), (), False),
    ],
)
async def test_on_bluetooth_by_name_and_service(
    find: Find, services: tuple[str, ...], is_it: bool
) -> None:
    heard = msgspec.structs.replace(HEARD, services=services)
    (found,) = await claimed([heard], [on_ble(find)])
    assert found.supported is is_it
    assert found.address == ("ascii:ble:C4:F1:F2:F3:F4:F5" if is_it else heard.address)


@pytest.mark.asyncio
async def test_a_serial_port_is_asked_only_where_a_person_named_the_driver() -> None:
    class Noting(AsciiPeer):
        heard = b""

        def take(self, data: bytes, now: float) -> list[bytes]:
            self.heard += data
            return list(super().take(data, now))

    line = OnALine(Noting())
    try:
        port = Found(
            f"serial:{line.port}",
            "serial",
            "CP2102",
            False,
            note="silent, or another kind of device",
        )
        assert await claimed([port], [ASCII]) == (port,)
        for unfit in ({"find": Find()}, {"links": (LinkKind.TCP,)}):
            assert await claimed([port], [], ask=msgspec.structs.replace(ASCII, **unfit)) == (port,)
        assert line.peer.heard == b""
        assert await claimed([port], [], ask=ASCII) != (port,), "and it is closed again"
        (found,) = await claimed([port], [ASCII], ask=ASCII)
        assert (found.address, found.supported) == (f"ascii:serial:{line.port}", True)
        assert line.peer.steps == (0,)
        unopened = msgspec.structs.replace(port, note="not opened: not of a known make")
        assert await claimed([unopened], [ASCII], ask=ASCII) == (unopened,)
    finally:
        line.close()
    gone = msgspec.structs.replace(port, address=f"serial:{Path('/nowhere')}")
    assert await claimed([gone], [ASCII], ask=ASCII) == (gone,)


@pytest.mark.asyncio
async def test_what_another_knows_already_is_left_as_it_is() -> None:
    known = msgspec.structs.replace(HEARD, supported=True, note="known")
    assert await claimed([known], [on_ble(Find(name="Relax*"))]) == (known,)


@pytest.mark.asyncio
async def test_what_is_no_serial_port_is_not_asked() -> None:
    silent = msgspec.structs.replace(HEARD, note="silent")
    assert await claimed([silent], [ASCII], ask=ASCII) == (silent,)


@pytest.mark.asyncio
async def test_what_is_named_alike_on_another_link_is_left_as_it_is() -> None:
    port = msgspec.structs.replace(HEARD, address="serial:/dev/ttyUSB0", kind="serial")
    assert await claimed([port], [on_ble(Find(name="Relax*"))]) == (port,)
    on_a_line = msgspec.structs.replace(ASCII, find=Find(name="Relax*"))
    assert await claimed([HEARD], [on_a_line]) == (HEARD,)


@pytest.mark.asyncio
async def test_the_installed_drivers_are_looked_at_but_those_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_CONFIG, str(tmp_path / "config.toml"))
    folder = tmp_path / "devices"
    folder.mkdir()
    (folder / "broken.yaml").write_text("nothing: of this kind\n")
    (folder / "demo.yaml").write_text(GOOD)
    (found, other) = await claimed([msgspec.structs.replace(HEARD, name="Demo-1"), HEARD])
    assert found.address == f"demo:{HEARD.address}"
    assert other == HEARD

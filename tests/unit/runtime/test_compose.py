"""Which device, which ledger, and which device was last in use (R9, fault 56)."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest
from tests.devices import device_info

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.config import Config, load
from massager_ctl.control.admission import BENCH_NOTE, AdmissionPolicy
from massager_ctl.errors import (
    AddressError,
    DeviceNotFound,
    InputError,
    Refused,
    ScreeningNeeded,
)
from massager_ctl.runtime.compose import (
    LAST_DEVICE,
    admission_for,
    check_serial,
    choose_device,
    last_device,
    remember_device,
    serial_of,
)
from massager_ctl.safety.presence import Watcher
from massager_ctl.transports import scan
from massager_ctl.transports.address import (
    Address,
    AutoAddress,
    BleAddress,
    DialectAddress,
    SerialAddress,
    SimAddress,
    TcpAddress,
)

TCP = TcpAddress("127.0.0.1", 7777)
INFO = device_info(allowance_s=1620, mains=True)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "config.toml"
    file.write_text('device = "serial:/dev/one"\n', encoding="utf-8")
    return msgspec.structs.replace(load(file, env={}), data=tmp_path / "data")


@pytest.mark.asyncio
async def test_the_device_that_was_named_comes_before_that_of_the_settings(config: Config) -> None:
    assert await choose_device("tcp:127.0.0.1:7777", config) == TCP
    assert await choose_device(None, config) == SerialAddress("/dev/one")
    with pytest.raises(AddressError):
        await choose_device("carrier:pigeon", config)


@pytest.mark.asyncio
async def test_auto_is_the_one_device_that_is_found(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Address] = []

    async def found(address: Address, leave_alone: tuple[str, ...]) -> Address:
        assert leave_alone == ()
        asked.append(address)
        return TCP

    monkeypatch.setattr(scan, "resolve", found)  # what it looks at is this machine's hardware
    assert await choose_device("auto", config) == TCP
    assert asked == [AutoAddress()]


def opened(
    address: Address, config: Config, *, simulated: bool = False, on_bench: bool = False
) -> AdmissionPolicy:
    return admission_for(
        address,
        config,
        VirtualClock(),
        simulated=simulated,
        watcher=Watcher.PERSON,
        on_bench=on_bench,
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("address", "simulated", "on_disk"),
    [(SimAddress(), False, False), (TCP, True, False), (TCP, False, True)],
)
async def test_r9_only_a_real_device_is_charged_to_a_person_on_disk(
    config: Config, address: Address, simulated: bool, on_disk: bool
) -> None:
    admission = opened(address, config, simulated=simulated)
    try:
        with contextlib.suppress(ScreeningNeeded):
            await admission.limits(INFO, cap=None)
        assert config.data.exists() is on_disk
    finally:
        await admission.close()


@pytest.mark.asyncio
async def test_r21_a_device_that_calls_itself_simulated_is_taken_for_worn_all_the_same(
    config: Config,
) -> None:
    """Fault 56."""
    admission = opened(TCP, config, simulated=False)
    try:
        with pytest.raises(ScreeningNeeded):
            await admission.limits(INFO, cap=None)
    finally:
        await admission.close()


@pytest.mark.asyncio
async def test_r21_simulated_needs_the_word_of_the_person_and_of_the_device(config: Config) -> None:
    admission = opened(TCP, config, simulated=True)
    try:
        limits = await admission.limits(INFO, cap=None)
        assert limits.caps == (40.0, 40.0, 40.0, 40.0, 35.0, 35.0)
        real = msgspec.structs.replace(INFO, simulated=False)
        with pytest.raises(Refused, match="this device says that it is real"):
            await admission.limits(real, cap=None)
    finally:
        await admission.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("address", [TCP, SerialAddress("/dev/one"), BleAddress("Massager")])
async def test_r14_a_device_of_this_project_runs_on_a_bench_where_no_one_wears_it(
    config: Config, address: Address
) -> None:
    """Without screening, without dose, and without a power switch of its own; and it says so."""
    admission = opened(address, config, on_bench=True)
    try:
        await admission.limits(
            msgspec.structs.replace(INFO, simulated=False, sensing=frozenset()), cap=None
        )
        assert BENCH_NOTE in admission.notes
        assert not config.data.exists()
    finally:
        await admission.close()


def test_nobody_could_wear_the_embedded_simulator(config: Config) -> None:
    with pytest.raises(InputError, match="--on-bench is for a device that could be worn"):
        opened(SimAddress(), config, on_bench=True)


def test_the_device_last_used_is_kept_for_a_stop(config: Config) -> None:
    remember_device(TCP, config.data)
    assert last_device(config.data) == TCP
    remember_device(SerialAddress("/dev/two"), config.data)
    assert last_device(config.data) == SerialAddress("/dev/two")
    assert list(config.data.iterdir()) == [config.data / LAST_DEVICE]


def test_the_embedded_simulator_is_not_kept(config: Config) -> None:
    remember_device(SimAddress(), config.data)
    with pytest.raises(DeviceNotFound, match="no device was used before"):
        last_device(config.data)


def test_a_folder_that_cannot_be_written_stops_nobody(config: Config) -> None:
    config.data.write_text("a file where the folder should be")
    remember_device(TCP, config.data)
    with pytest.raises(DeviceNotFound):
        last_device(config.data)


def test_a_name_that_is_no_text_is_as_if_there_were_none(config: Config) -> None:
    config.data.mkdir()
    (config.data / LAST_DEVICE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeviceNotFound):
        last_device(config.data)


@pytest.mark.asyncio
async def test_a_name_of_the_settings_is_good_wherever_a_device_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        'device = "neck"\n[devices]\nneck = "tcp:127.0.0.1:7777"\nwhat = "no address"\n',
        encoding="utf-8",
    )
    config = msgspec.structs.replace(load(file, env={}), data=tmp_path / "data")
    assert await choose_device("neck", config) == TCP
    assert await choose_device(None, config) == TCP
    for name in ("nec", "Neck", "necks", "what"):
        with pytest.raises(AddressError):
            await choose_device(name, config)


@pytest.mark.asyncio
async def test_a_device_used_before_is_found_by_its_serial_number(config: Config) -> None:
    for number in range(100):
        remember_device(SerialAddress(f"/dev/{number}"), config.data, f"SIM-{number}")
    remember_device(TCP, config.data, "SIM-40")  # it moved
    assert await choose_device("SIM-40", config) == TCP
    assert await choose_device("SIM-99", config) == SerialAddress("/dev/99")
    for gone in ("SIM-4", "SIM-0", "SIM-400"):
        with pytest.raises(AddressError):
            await choose_device(gone, config)
    assert serial_of("SIM-40", config) == "SIM-40"
    assert serial_of("tcp:127.0.0.1:7777", config) == ""
    check_serial("SIM-40", msgspec.structs.replace(INFO, serial="SIM-40"), TCP)
    with pytest.raises(DeviceNotFound, match="is TEST and not SIM-40"):
        check_serial("SIM-40", INFO, TCP)
    (config.data / "devices.json").write_text('{"SIM-40": 7')
    with pytest.raises(AddressError):
        await choose_device("SIM-40", config)


@pytest.mark.asyncio
async def test_the_options_of_a_serial_port_are_remembered_with_its_device(config: Config) -> None:
    slow = SerialAddress("/dev/serial/by-id/usb-Neck", 5.0, dtr=False)
    remember_device(slow, config.data, "N-1")
    for named in ("N-1", "serial:/dev/serial/by-id/usb-Neck"):
        assert await choose_device(named, config) == slow
    assert last_device(config.data) == slow
    another = DialectAddress("acme", SerialAddress(slow.port))
    assert await choose_device(str(another), config) == DialectAddress("acme", slow)
    for named in (f"serial:{slow.port}?boot=1s", "serial:/dev/ttyUSB7", "tcp:127.0.0.1:7777"):
        assert str(await choose_device(named, config)) == named
    changed = SerialAddress(slow.port, 1.0)
    remember_device(changed, config.data, "N-1")
    assert await choose_device(f"serial:{slow.port}", config) == changed

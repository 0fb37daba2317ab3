"""`doctor`: how each part stands, the effective limits and who set them, and the way out of a damaged ledger."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from massager_ctl.aio.clock import SystemClock, VirtualClock
from massager_ctl.cli import checks
from massager_ctl.cli.checks import Level
from massager_ctl.cli.doctor import doctor
from massager_ctl.config import ENV_CONFIG, ENV_DATA, ENV_DEVICE, Config, load
from massager_ctl.errors import StoreError
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.ledger.sqlite import FILE, open_store
from massager_ctl.model.requests import PainKind
from massager_ctl.safety.dose_time import UNKNOWN_BOOT, ClockReading

NOW = ClockReading("boot", 10.0, 1_800_000_000.0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's files, all in one folder."""
    config = tmp_path / "config.toml"
    config.write_text("")
    monkeypatch.setenv(ENV_CONFIG, str(config))
    monkeypatch.setenv(ENV_DATA, str(tmp_path / "data"))
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(tmp_path / "run"))
    return tmp_path


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(doctor, arguments, input=typed, standalone_mode=False)


def found(*arguments: str) -> dict[str, dict[str, str]]:
    listed = json.loads(run("--json", *arguments).output)["checks"]
    return {check["name"]: check for check in listed}


def config(folder: Path, text: str, **env: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text)
    return load(path, env=env)


def test_a_fresh_set_up_has_no_problem(folder: Path) -> None:
    result = run()
    assert result.return_value == 0
    assert "PROBLEM" not in result.output
    assert "25 % (session 1 of 3)" in result.output


def test_every_line_that_is_not_well_has_a_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_DEVICE, "serial:/dev/nothing-here")
    listed = found()
    assert listed["serial /dev/nothing-here"]["level"] == "problem"
    assert listed["screening"]["level"] == "problem"
    for check in listed.values():
        assert check["level"] == "ok" or check["remedy"], check["name"]
    assert run().return_value == 3


def test_r1_the_effective_limits_and_who_set_them(folder: Path) -> None:
    (folder / "config.toml").write_text("[limits]\nuser_cap = 20\n")
    listed = found()
    assert listed["cap neck_left"]["text"] == "20 % (your own cap)"

    async def hurt() -> None:
        store = open_store(folder / "data", ClockReader(SystemClock()))
        await store.report_pain(PainKind.MILD)
        await store.close()

    asyncio.run(hurt())
    assert found()["cap neck_left"]["text"] == "15 % (mild pain was reported in the last 24 hours)"


def test_fault_35_wrong_settings_mean_caps_of_zero(folder: Path) -> None:
    (folder / "config.toml").write_text("[limits]\nuser_cap = 99\n")
    result = run()
    assert result.return_value == 3
    assert "limits.user_cap" in result.output
    assert "0 % everywhere" in result.output


def test_fault_36_a_damaged_ledger_is_shown_and_replaced_when_the_person_agrees(
    folder: Path,
) -> None:
    ledger = folder / "data" / FILE
    ledger.parent.mkdir()
    ledger.write_bytes(b"rubbish")
    assert found()["ledger"]["level"] == "problem"
    assert run("--renew-ledger", typed="n\n").exception is not None
    assert ledger.read_bytes() == b"rubbish"
    result = run("--renew-ledger", typed="y\n")
    assert result.return_value == 0
    assert "kept as" in result.output
    assert found()["ledger"]["text"].endswith("nothing left today")


def test_a_ledger_in_order_is_never_replaced(folder: Path) -> None:
    run()
    before = (folder / "data" / FILE).stat().st_ino
    assert "in order" in run("--renew-ledger").output
    assert (folder / "data" / FILE).stat().st_ino == before


def test_a_ledger_that_a_new_one_would_not_help_is_left_alone(folder: Path) -> None:
    (folder / "data").write_text("a file where the folder should be")
    assert isinstance(run("--renew-ledger", typed="y\n").exception, StoreError)


def test_settings_that_others_can_change(folder: Path) -> None:
    loaded = config(folder, "")
    assert checks.settings(loaded).level is Level.OK
    loaded.path.chmod(0o666)
    assert "chmod go-w" in checks.settings(loaded).remedy
    loaded.path.unlink()
    assert "defaults" in checks.settings(loaded).text


def test_a_clock_that_cannot_be_right() -> None:
    assert checks.clock(NOW).level is Level.OK
    assert checks.clock(ClockReading("boot", 10.0, 0.0)).level is Level.PROBLEM
    assert checks.clock(ClockReading(UNKNOWN_BOOT, 10.0, NOW.wall)).level is Level.NOTE


@pytest.mark.asyncio
async def test_the_medical_lock() -> None:
    store = MemoryStore(ClockReader(VirtualClock(), "boot"))
    await store.report_pain(PainKind.UNCLASSIFIED)
    check = await checks.health(store, NOW, worn=True)
    assert (check.level, check.remedy) == (Level.PROBLEM, "Then answer `massager-ctl screen`.")
    await store.report_pain(PainKind.WARNING_SIGN)
    check = await checks.health(store, NOW, worn=False)
    assert check.level is Level.NOTE
    assert "medical care" in check.remedy
    await store.close()


def test_a_runtime_folder_of_somebody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(folder / "file"))
    assert "MASSAGER_CTL_RUNTIME" in checks.runtime().remedy


def test_a_serial_port_that_is_there(folder: Path) -> None:
    port = folder / "port"
    port.write_text("")
    listed = {
        check.name: check for check in checks.ports(config(folder, f'device = "serial:{port}"'))
    }
    assert listed[f"serial {port}"].level is Level.OK


def test_bluetooth_part_by_part(folder: Path) -> None:
    loaded = config(folder, 'device = "ble:MS-1"')
    bus, adapters = folder / "bus", folder / "adapters"
    assert checks.bluetooth(loaded, bus, adapters).text == "D-Bus does not run, and BlueZ needs it"
    bus.write_text("")
    assert checks.bluetooth(loaded, bus, adapters).level is Level.PROBLEM
    adapters.mkdir()
    assert checks.bluetooth(config(folder, ""), bus, adapters).level is Level.NOTE
    (adapters / "hci0").mkdir()
    assert checks.bluetooth(loaded, bus, adapters).level is Level.OK


def test_the_broker(folder: Path) -> None:
    assert checks.broker(config(folder, "")).level is Level.OK
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
        assert checks.broker(config(folder, text)).level is Level.OK
    assert "does not answer" in checks.broker(config(folder, text)).text


def test_an_extra_that_is_not_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: None)
    assert "massager-ctl[ble]" in checks.bluetooth(config(folder, "")).remedy
    assert "massager-ctl[mqtt]" in checks.broker(config(folder, '[mqtt]\nhost = "x"\n')).remedy


def test_a_device_of_another_make_is_told_its_class(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(folder, '[devices]\nmine = "tcode:serial:/dev/ttyUSB9"\nhers = "acme:tcp:h:1"\n')
    checks_by_name = found()
    check = checks_by_name["device tcode:serial:/dev/ttyUSB9"]
    assert check["level"] == "note"
    assert "for the bench only" in check["text"]
    assert "at most 15 %" in check["text"]
    assert "learn verify --on-bench tcode:serial" in check["remedy"]
    assert "no driver is called 'acme'" in checks_by_name["device acme:tcp:h:1"]["text"]

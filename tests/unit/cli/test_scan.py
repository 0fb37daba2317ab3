"""`massager-ctl scan`: a table for people, JSON for programs, one sentence where Bluetooth is missing."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from massager_ctl.cli.scan import scan
from massager_ctl.transports import scan as scanning
from massager_ctl.transports.found import Found
from massager_ctl.transports.scan import Scan

DEVICES = (
    Found("ble:F0:F1:F2:F3:F4:F5", "ble", "Massager", True, -50, 87, "1.0.0"),
    Found("serial:/dev/ttyUSB0", "serial", "CP2102", True, None, None, "1.0.0"),
    Found("serial:/dev/ttyS0", "serial", "", False, note="silent, or another kind of device"),
)
NOTE = "Bluetooth is not available here: no adapter. Plug one in."


def run(monkeypatch: pytest.MonkeyPatch, result: Scan, *arguments: str) -> tuple[str, str]:
    asked: list[tuple[float, str, bool]] = []

    async def scanned(
        seconds: float, hci: str, *, probe_all: bool, leave_alone: tuple[str, ...]
    ) -> Scan:
        assert leave_alone == ()
        asked.append((seconds, hci, probe_all))
        return result

    monkeypatch.setattr(scanning, "scan", scanned)
    outcome = CliRunner().invoke(scan, ["--seconds", "7", *arguments], catch_exceptions=False)
    assert outcome.exit_code == 0
    assert asked == [(7.0, "", "--all" in arguments)]
    return outcome.stdout, outcome.stderr


def test_a_table_of_what_is_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = run(monkeypatch, Scan(DEVICES))
    assert out.splitlines() == [
        "ADDRESS                NAME      SIGNAL   BATTERY  FIRMWARE  SUPPORTED",
        "ble:F0:F1:F2:F3:F4:F5  Massager  -50 dBm  87 %     1.0.0     yes",
        "serial:/dev/ttyUSB0    CP2102    -        -        1.0.0     yes",
        "1 device of another kind not shown; --all shows everything.",
    ]
    assert err == ""


def test_all_shows_the_rest_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = run(monkeypatch, Scan(DEVICES), "--all")
    assert "no: silent, or another kind of device" in out.splitlines()[-1]


def test_nothing_found_and_no_bluetooth(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = run(monkeypatch, Scan((), (NOTE,)))
    assert out.startswith("No massager was found.")
    assert err == f"{NOTE}\n"


def test_json_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = run(monkeypatch, Scan(DEVICES, (NOTE,)), "--json")
    document = json.loads(out)
    assert document["notes"] == [NOTE]
    assert [device["supported"] for device in document["devices"]] == [True, True, False]
    assert document["devices"][0] == {
        "address": "ble:F0:F1:F2:F3:F4:F5",
        "kind": "ble",
        "name": "Massager",
        "supported": True,
        "rssi": -50,
        "battery": 87,
        "firmware": "1.0.0",
        "note": "",
        "port": "",
        "services": [],
        "usb": "",
    }
    assert err == ""

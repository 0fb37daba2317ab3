"""The checks as items of someone else's pytest, and the fixture `massager_dut`."""

from __future__ import annotations

from importlib.metadata import entry_points
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]

OWN = """
async def gentle(bench):
    await bench.client.running(20)
    bench.at_most("level of the first zone", bench.client.latest.level[0], 30)

async def strict(bench):
    await bench.client.running(20)
    bench.at_most("level of the first zone", bench.client.latest.level[0] / 10, 0.1, "%", "R3")

def test_gentle(massager_dut):
    assert massager_dut.run(gentle, "R3").findings

def test_strict(massager_dut):
    massager_dut.run(strict, "R3")

def test_named(massager_dut):
    assert [o.check.id for o in massager_dut.check("stop-idle")] == ["stop-idle"]
    assert massager_dut.session.info.serial.startswith("SIM-")
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """With the plugin named where this environment is older than it."""
    names = {entry.name for entry in entry_points(group="pytest11")}
    plugin = () if "massager-hil" in names else ("-p", "massager_hil.pytest_plugin")
    return pytester.runpytest_inprocess(
        *(*plugin, "-p", "no:randomly", "-p", "no:cacheprovider", "-rs"),
        *("-o", "asyncio_default_fixture_loop_scope=function", *arguments),
    )


def test_checks_are_items_and_ones_own_stand_beside_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OWN)
    broken = "sim:?mutant=arm-cap-ignored"
    chosen = ("--massager-checks", "stop-idle or arm-cap or power-cycle")
    report = pytester.path / "out.xml"
    result = run(
        pytester,
        "--massager-device",
        broken,
        *chosen,
        "--massager-seed",
        "7",
        f"--junitxml={report}",
    )
    result.assert_outcomes(passed=3, failed=2, skipped=1)
    result.stdout.fnmatch_lines(["*massager: arm-cap (R1)*"])
    result.stdout.fnmatch_lines(["*R1: highest level: * % (bound: 1.3 to 1.5 %)*"])
    result.stdout.fnmatch_lines(["*R3: level of the first zone: * % (bound: ≤ 0.1 %)*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    cases = {case.get("name"): case for case in ET.parse(report).getroot().iter("testcase")}
    properties = {p.get("name"): p.get("value") for p in cases["arm-cap"].iter("property")}
    assert properties["rules"] == "R1"
    assert properties["highest level: unit"] == "%"


def test_what_is_wrong_is_said_in_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OWN)
    for arguments, words in (
        (("--massager-device", "nowhere:1"), "*ERROR: --massager-device: *nowhere*"),
        (
            ("--massager-device", "sim:", "--massager-checks", "no such word"),
            "*ERROR: no check fits*",
        ),
    ):
        result = run(pytester, *arguments)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([words])


def test_a_device_that_is_not_there_fails_each_item(pytester: pytest.Pytester) -> None:
    device = ("--massager-device", "serial:/nowhere/at/all")
    result = run(pytester, *device, "--massager-checks", "stop-idle or busy and R17")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the device was lost*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_without_the_option_nothing_is_added(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OWN)
    result = run(pytester)
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*massager_dut needs --massager-device*"])

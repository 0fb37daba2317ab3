"""What a run leaves for a build server: a record, a table by rule, a form of evidence, and codes that fail a build."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from click.testing import CliRunner, Result

from firmware_sim.cli import main


def hil(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["hil", *arguments])


def test_a_record_holds_numbers_and_can_be_compared_and_run_again(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    assert hil("-k", "arm-cap or stop-idle", "--json", str(good)).exit_code == 0
    broken = ("--device", "sim:?mutant=arm-cap-ignored", "-k", "arm-cap or stop-idle")
    assert hil(*broken, "--json", str(bad)).exit_code == 3
    record = json.loads(bad.read_text(encoding="utf-8"))
    check = next(check for check in record["checks"] if check["id"] == "arm-cap")
    level = next(f for f in check["findings"] if f["what"] == "highest level")
    assert (level["low"], level["high"], level["unit"], level["ok"]) == (1.3, 1.5, "%", False)
    assert level["value"] > 1.5
    assert {frame[2] for frame in check["frames"]} == {"to", "from"}
    same = hil("--compare", str(good), str(good))
    assert (same.exit_code, same.output) == (0, "no check came out otherwise\n")
    worse = hil("--compare", str(good), str(bad))
    assert worse.exit_code == 3
    assert "arm-cap: passed -> failed" in worse.output
    again = hil("--last-failed", str(bad))
    assert again.exit_code == 0
    assert "PASS  arm-cap " in again.output
    assert "stop-idle" not in again.output
    assert hil("--last-failed", str(good)).exit_code == 2
    assert hil("--compare", str(good), str(tmp_path / "none.json")).exit_code == 2


def test_what_is_required_and_not_shown_fails_a_run() -> None:
    assert hil("-k", "stop-idle", "--require", "R6").exit_code == 0
    lacking = hil("-k", "stop-idle", "--require", "R6,R8")
    assert lacking.exit_code == 3
    assert "shown by no check that ran: R8" in lacking.output
    assert hil("-k", "stop-idle", "--require", "R99").exit_code == 2
    assert hil("-k", "power-cycle", "--strict").exit_code == 3
    assert hil("-k", "stop-idle", "--strict").exit_code == 0


def test_the_table_and_the_form_name_every_rule(tmp_path: Path) -> None:
    table, form = tmp_path / "table.md", tmp_path / "form.md"
    hil("-k", "stop-idle", "--markdown", str(table), "--evidence", str(form))
    for path in (table, form):
        text = path.read_text(encoding="utf-8")
        assert all(f"| R{number} |" in text for number in range(1, 26))
    assert "| R6 | passed | stop-idle |" in table.read_text(encoding="utf-8")
    assert "| R5 | host |" in table.read_text(encoding="utf-8")
    assert "| R6 | passed: 1 checks | ____ |" in form.read_text(encoding="utf-8")


def test_junit_has_measurements_as_properties_and_the_seed(tmp_path: Path) -> None:
    junit = tmp_path / "out.xml"
    hil("-k", "arm-cap", "--junit", str(junit), "--seed", "7")
    suite = ET.parse(junit).getroot()[0]
    assert suite.get("timestamp")
    facts = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert facts["seed"] == "7"
    case = suite.find("testcase")
    assert case is not None
    assert case.get("classname") == "massager_hil.checks_levels"
    found = {p.get("name"): p.get("value") for p in case.findall("properties/property")}
    names = ("highest level", *(f"highest level: {n}" for n in ("unit", "low", "high")))
    assert [found[name] for name in names] == ["1.5", "%", "1.3", "1.5"]
    assert "R8" in (facts["not looked at"] or "").split()


def test_times_of_stop_and_dead_man_are_told_as_distributions(tmp_path: Path) -> None:
    record, html, junit = tmp_path / "out.json", tmp_path / "out.html", tmp_path / "out.xml"
    table = tmp_path / "out.md"
    reports = ("--json", record, "--html", html, "--junit", junit, "--markdown", table)
    said = hil("-k", "stop-latency or deadman-running", *map(str, reports)).output
    made = json.loads(record.read_text(encoding="utf-8"))
    times = {d["what"]: d for d in made["distributions"]}
    stop, silence = times["STOP to its ACK"], next(d for d in times.values() if d["rule"] == "R4")
    assert stop["n"] >= 10
    assert 0 <= stop["min"] <= stop["p50"] <= stop["p99"] <= stop["max"] <= 0.15
    assert 0.48 <= silence["min"] <= silence["max"] <= 0.6
    assert f"STOP to its ACK: min {stop['min']:.3f}" in said
    page = html.read_text(encoding="utf-8")
    assert f"<td>STOP to its ACK<td>{stop['n']}" in page
    assert f"STOP to its ACK, s | {stop['n']} |" in table.read_text(encoding="utf-8")
    facts = {p.get("name"): p.get("value") for p in ET.parse(junit).getroot()[0][0]}
    assert facts["STOP to its ACK: n"] == str(stop["n"])


def test_the_page_names_each_requirement_its_checks_and_what_nothing_looked_at(
    tmp_path: Path,
) -> None:
    html, record = tmp_path / "out.html", tmp_path / "out.json"
    broken = ("--device", "sim:?mutant=arm-cap-ignored", "-k", "arm-cap or stop-idle")
    said = hil(*broken, "--html", str(html), "--json", str(record)).output
    page = html.read_text(encoding="utf-8")
    assert all(f"<tr><td>R{number}<td class=" in page for number in range(1, 26))
    assert '<td>R1<td class="failed">failed' in page
    assert '<span class="failed"><a href="#arm-cap">arm-cap</a></span>' in page
    assert "id='arm-cap'" in page
    assert "No check of this run looked at: R2, R3, R4, R7" in said
    assert "No check of this run looked at: R2, R3, R4, R7" in page
    made = json.loads(record.read_text(encoding="utf-8"))
    assert "R8" in made["not_looked_at"]
    assert made["kept_by_host"][0] == "R5"
    assert made["requirements"][0]["failed"] == ["arm-cap"]


def test_the_first_failure_ends_a_run_and_a_run_is_repeated() -> None:
    broken = ("--device", "sim:?mutant=arm-cap-ignored", "-k", "arm-cap or arm-limit")
    ended = hil(*broken, "-x")
    assert "0 passed, 1 failed" in ended.output
    assert hil("-k", "stop-idle", "--repeat", "3").output.count("PASS  stop-idle") == 3


def test_a_device_that_cannot_be_reached_is_reported_with_every_check(tmp_path: Path) -> None:
    junit, record = tmp_path / "out.xml", tmp_path / "out.json"
    lost = hil(
        *("--device", "serial:/nowhere/at/all", "-k", "stop-idle or busy"),
        *("--junit", str(junit), "--json", str(record)),
    )
    assert lost.exit_code == 4
    assert "Traceback" not in lost.output
    checks = json.loads(record.read_text(encoding="utf-8"))["checks"]
    assert {check["verdict"] for check in checks} == {"not run"}
    assert ET.parse(junit).getroot()[0].get("errors") == str(len(checks))


def test_a_walk_that_fails_is_shrunk_to_few_steps() -> None:
    result = hil("--device", "sim:?mutant=slew-ignored", "-k", "walk and not 10")
    assert result.exit_code == 3
    assert "shrunk to" in result.output
    assert "R3" in result.output

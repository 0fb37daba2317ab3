"""How the suite chooses, skips, asks for a hand, and reports; in real time only where a real link needs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from firmware_sim.cli import main
from firmware_sim.device import SimulatedDevice
from firmware_sim.links.memory import build_device
from firmware_sim.links.pty import PtyPort
from firmware_sim.links.tcp import listen
from firmware_sim.mutants import MUTANTS
from firmware_sim.options import parse_options
from massager_hil.model import Check, Need, Outcome, Tier, Verdict
from massager_hil.runner import Order, Session, run
from massager_hil.suite import all_checks, chosen

PATIENCE_S = 10.0


class Served:
    """A device behind a TCP port, or behind a serial one at `path`, on a thread of its own."""

    def __init__(self, options: str, path: Path | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.device, self.address = self.run(self._start(options, path))

    async def _start(self, options: str, path: Path | None) -> tuple[SimulatedDevice, str]:
        device = build_device(parse_options(options))
        if path is not None:
            self.port = PtyPort(device, path)
            return device, f"serial:{path}"
        self.port = await listen(device, "127.0.0.1", 0)
        return device, f"tcp:{self.port.address}"

    def run(self, procedure):
        return asyncio.run_coroutine_threadsafe(procedure, self.loop).result(PATIENCE_S)

    def flap(self) -> None:
        self.device.drop_links("a loose plug")

    def do(self, act: Callable[[], None]) -> None:
        self.loop.call_soon_threadsafe(act)

    def close(self) -> None:
        async def end() -> None:
            self.port.close()
            self.device.close()
            await asyncio.sleep(0.05)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE_S)
        self.loop.close()


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    server = Served(getattr(request, "param", ""))
    yield server
    server.close()


def checks(expression: str) -> tuple[Check, ...]:
    return tuple(chosen(expression, all_checks()))


def done(order: Order) -> tuple[Session, list[str]]:
    said: list[str] = []
    return run(order, lambda _: None, said.append), said


def hil(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["hil", *arguments])


# --- choosing


def test_names_words_and_rules_choose() -> None:
    assert {check.id for check in checks("R4 and not link")} == {
        check.id
        for check in all_checks()
        if "R4" in check.rules and "link" not in f"{check.id} {check.title}".lower()
    }
    assert [check.id for check in checks("stop-idle or heat and R11")][:1] == ["stop-idle"]
    assert checks("nothing at all like this") == ()


def test_every_check_has_a_name_of_its_own_and_says_what_it_looks_at() -> None:
    names = [check.id for check in all_checks()]
    assert len(names) == len(set(names)) > 60
    for check in all_checks():
        assert check.rules
        assert check.procedure.__doc__, check.id


def test_the_list_names_each_check_and_its_needs() -> None:
    said = hil("--list").output
    assert all(check.id in said for check in all_checks())
    assert "needs: hand, motor" in said
    assert hil("--list", "-k", "no such check").exit_code == 2


# --- reports and exit codes


def test_a_report_that_could_not_be_written_is_found_before_the_run(tmp_path: Path) -> None:
    for option in ("--junit", "--html"):
        for where in (tmp_path, tmp_path / "none" / "report"):
            result = hil("-k", "info-again", option, str(where))
            assert result.exit_code == 2
            assert "cannot be written" in result.output
            assert "PASS" not in result.output


def test_a_sound_device_exits_with_0_and_writes_its_reports(tmp_path: Path) -> None:
    junit, html = tmp_path / "out.xml", tmp_path / "out.html"
    result = hil(
        *("-k", "deadman-running or button-idle", "--junit", str(junit)), "--html", str(html)
    )
    assert result.exit_code == 0, result.output
    assert "2 passed, 0 failed" in result.output
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "0", "0")
    assert "silence that ends the session" in junit.read_text(encoding="utf-8")
    page = html.read_text(encoding="utf-8")
    assert "<svg" in page
    assert "last SETPOINT" in page
    assert "<script" not in page
    assert "http" not in page


def test_a_broken_device_exits_with_3_and_names_the_rule(tmp_path: Path) -> None:
    junit, html = tmp_path / "out.xml", tmp_path / "out.html"
    result = hil(
        *("--device", "sim:?mutant=deadman-late", "-k", "deadman-running"),
        *("--junit", str(junit), "--html", str(html)),
    )
    assert result.exit_code == 3
    assert "Rules broken: R4" in result.output
    assert "0.48 to 0.6 s" in result.output
    failure = ET.parse(junit).getroot().find(".//failure")
    assert failure is not None
    assert failure.get("type") == "R4"
    assert "<details open id='deadman-running'>" in html.read_text(encoding="utf-8")


def test_what_cannot_be_reached_or_read_has_the_usual_exit_codes() -> None:
    assert hil("--device", "serial:/nowhere/at/all").exit_code == 4
    assert hil("--device", "nonsense").exit_code == 2
    assert hil("--device", "sim:?mutant=none-such", "-k", "info-again").exit_code == 2


def test_verbose_shows_what_was_measured() -> None:
    assert "sum cap: 200 % (bound: ≤ 200 %)" in hil("-v", "-k", "info-bounds").output


def test_the_mutants_are_listed_one_a_line() -> None:
    listed = CliRunner().invoke(main, ["mutants"]).output.split()
    assert listed == list(MUTANTS)
    with_rules = CliRunner().invoke(main, ["mutants", "--rules"]).output.splitlines()
    assert all(
        mutant.rule in line for mutant, line in zip(MUTANTS.values(), with_rules, strict=True)
    )


# --- a real link


def by_name(session: Session) -> dict[str, Outcome]:
    return {outcome.check.id: outcome for outcome in session.outcomes}


def test_over_tcp_in_real_time_with_what_cannot_be_done_skipped(served: Served) -> None:
    chosen_here = checks(
        "stop-second-link or button-idle or stall or envelope-zero or deadman-idle"
    )
    session, said = done(Order(served.address, chosen_here))
    outcomes = by_name(session)
    assert outcomes["stop-second-link"].verdict is Verdict.PASSED
    assert outcomes["deadman-idle"].verdict is Verdict.PASSED
    assert outcomes["button-idle"].verdict is Verdict.SKIPPED
    assert "--interactive" in outcomes["button-idle"].reason
    assert outcomes["stall"].verdict is Verdict.SKIPPED
    assert outcomes["envelope-zero"].verdict is Verdict.NOT_COVERED
    assert "--full" in outcomes["envelope-zero"].reason
    assert any("No one may wear" in text for text in said)


@pytest.mark.parametrize("served", ["fault=lie_simulated"], indirect=True)
def test_a_device_that_is_not_simulated_moves_only_on_the_bench(served: Served) -> None:
    session, _ = done(Order(served.address, checks("arm-cap or info-again")))
    outcomes = by_name(session)
    assert outcomes["arm-cap"].verdict is Verdict.SKIPPED
    assert "--bench" in outcomes["arm-cap"].reason
    assert outcomes["info-again"].verdict is Verdict.PASSED
    session, _ = done(Order(served.address, checks("arm-cap"), bench_serial="SIM-00000001"))
    assert by_name(session)["arm-cap"].verdict is Verdict.PASSED


def test_a_person_is_asked_for_the_button_and_the_latch_is_cleared_after(served: Served) -> None:
    asked: list[str] = []

    def person(text: str) -> None:
        asked.append(text)
        if text.startswith("Press"):
            served.do(served.device.press)
        if text.startswith("Let go"):
            served.do(served.device.release)

    order = Order(served.address, checks("button-running or latch-held"), interactive=True)
    session = run(order, lambda _: None, person)
    assert [outcome.verdict for outcome in session.outcomes] == [Verdict.PASSED] * 2
    assert [text.split()[0] for text in asked if not text.startswith("No one")] == [
        *("Press", "Let"),
        *("Press", "Let"),
    ]


@pytest.mark.parametrize("served", ["mutant=slew-ignored"], indirect=True)
def test_a_broken_device_is_found_over_a_real_link_too(served: Served) -> None:
    session, _ = done(Order(served.address, checks("slew")))
    assert "R3" in session.rules_broken


def test_a_device_that_goes_away_for_good_ends_the_run(served: Served) -> None:
    def tell(_: Outcome) -> None:
        served.do(served.device.unplug)

    session = run(Order(served.address, checks("info-again or telemetry")), tell, lambda _: None)
    first, *rest = [outcome.verdict for outcome in session.outcomes]
    assert first is Verdict.PASSED
    assert set(rest) == {Verdict.NOT_RUN}
    assert session.lost


def test_a_device_that_is_lost_in_a_check_fails_it_and_is_connected_again(served: Served) -> None:
    def tell(outcome: Outcome) -> None:
        if outcome.check.id == "info-again":
            served.loop.call_soon_threadsafe(served.loop.call_later, 1.2, served.flap)

    session = run(
        Order(served.address, checks("info-again or telemetry and R24 or arm-malformed")),
        tell,
        lambda _: None,
    )
    outcomes = by_name(session)
    lost = outcomes["telemetry"]
    assert (lost.tries[0] if lost.tries else lost).verdict is Verdict.FAILED
    assert outcomes["arm-malformed"].verdict is Verdict.PASSED
    assert not session.lost


def test_the_tiers_and_needs_are_what_the_documentation_says() -> None:
    full = {check.id for check in all_checks() if check.tier is Tier.FULL}
    assert {"envelope", "session-limit", "pause-limit", "allowance"} <= full
    assert all_checks()[-1].id == "allowance"
    moving = [check for check in all_checks() if Need.MOTOR in check.needs]
    assert {"slew", "deadman-running", "stop-latency"} <= {check.id for check in moving}


def echoes_judged(options: str, port: Path) -> Result:
    """What the check of echoes says of such a device, behind a serial port."""
    served = Served(options, port)
    try:
        return CliRunner().invoke(main, ["hil", "--device", served.address, "-k", "echo-edges"])
    finally:
        served.close()


def test_an_echo_is_judged_by_the_age_that_it_has_for_the_device(tmp_path: Path) -> None:
    """R4: a TELEMETRY that was heard 0.7 T ago is older for the device, by what both ways take; in real time too."""
    done = echoes_judged("fault=delay=0.08@0", tmp_path / "port")
    assert done.exit_code == 0, done.output
    assert "1 passed" in done.output


def test_an_echo_that_expires_early_is_found_in_real_time(tmp_path: Path) -> None:
    """R4: half of T is not T, behind a serial port as well."""
    done = echoes_judged("mutant=echo-expires-early", tmp_path / "port")
    assert done.exit_code == 3, done.output
    assert "Rules broken: R4" in done.output

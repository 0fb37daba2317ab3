"""A firmware as a process, in simulated time: the example, and processes that misbehave."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from firmware_sim.cli import main
from massager_hil import lockstep
from massager_hil.model import Need, Verdict
from massager_hil.runner import Order, Session, run
from massager_hil.suite import all_checks, chosen

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "firmware_as_a_process.py"
ADDRESS = f"exec:{shlex.join((sys.executable, str(EXAMPLE)))}"
ALIKE = (
    "info-bounds or fragments or stop-second-link or deadman-running or button-idle "
    "or charging or boots-charge or power-cycle"
)


def session_of(address: str, expression: str) -> Session:
    return run(
        Order(address, tuple(chosen(expression, all_checks()))), lambda _: None, lambda _: None
    )


def hil(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["hil", *arguments])


def program(tmp_path: Path, text: str) -> str:
    path = tmp_path / "firmware.py"
    path.write_text(
        "import os, sys, time\n"
        "clock = os.fdopen(int(os.environ['MASSAGER_CLOCK_IN']))\n"
        "answers = os.fdopen(int(os.environ['MASSAGER_CLOCK_OUT']), 'w')\n"
        "def say(*words): print(*words, file=answers, flush=True)\n" + text,
        encoding="utf-8",
    )
    return f"exec:{shlex.join((sys.executable, str(path)))}"


def test_the_example_passes_with_button_charger_reset_power_and_a_second_link() -> None:
    session = session_of(ADDRESS, ALIKE)
    assert [str(finding) for outcome in session.outcomes for finding in outcome.broken] == []
    assert {outcome.verdict for outcome in session.outcomes} == {Verdict.PASSED}
    needs = {need for outcome in session.outcomes for need in outcome.check.needs}
    assert needs >= {Need.HAND, Need.CHARGER, Need.RESET, Need.POWER, Need.SECOND_LINK}


def test_the_example_skips_nothing_but_what_needs_a_fault_or_a_bad_link() -> None:
    session = session_of(ADDRESS, "stall or unbonded or battery-low or stop-idle")
    for outcome in session.outcomes:
        inside = outcome.check.needs & {Need.FAULT, Need.UNBONDED}
        assert outcome.verdict is (Verdict.SKIPPED if inside else Verdict.PASSED)


def test_a_firmware_that_offers_nothing_is_asked_for_nothing(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('"= B P R K F"', '"="')
    path = tmp_path / "plain.py"
    path.write_text(text, encoding="utf-8")
    address = f"exec:{shlex.join((sys.executable, str(path)))}"
    session = session_of(address, "stop-idle or button-idle or charging or stop-second-link")
    verdicts = {outcome.check.id: outcome.verdict for outcome in session.outcomes}
    assert verdicts.pop("stop-idle") is Verdict.PASSED
    assert set(verdicts.values()) == {Verdict.SKIPPED}


def test_a_process_that_ends_amid_a_check_fails_that_check_and_no_other(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    path = tmp_path / "dies.py"
    path.write_text(
        text.replace(
            "        sent = act(device, what, words)",
            "        if what == 'B': sys.exit(7)\n        sent = act(device, what, words)",
        ),
        encoding="utf-8",
    )
    result = hil(
        "--device",
        f"exec:{shlex.join((sys.executable, str(path)))}",
        "-k",
        "button-idle or info-again",
    )
    assert result.exit_code == 3
    assert "1 passed, 1 failed" in result.output
    assert "ended with the exit code 7 at the request 'B 1 " in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sys.exit(5)", "ended with the exit code 5 at the request 'H 1'"),
        ("clock.readline(); say('hello')", "answered 'hello' to the request 'H 1'"),
        ("clock.readline(); say('='); clock.readline(); say('= x')", "answered '= x'"),
        ("clock.readline(); time.sleep(60)", "did not answer the request 'H 1' within 1 s"),
        (
            "clock.readline(); say('='); clock.readline(); say('= 9'); time.sleep(60)",
            "did not answer",
        ),
        ("[say('= 0') for line in clock]", "sends no TELEMETRY"),
    ],
)
def test_a_process_that_is_no_firmware_is_one_clear_error(
    tmp_path: Path, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockstep, "ANSWER_S", 1.0)
    junit = tmp_path / "out.xml"
    result = hil("--device", program(tmp_path, text), "-k", "stop-idle", "--junit", str(junit))
    assert result.exit_code in (3, 4), result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert junit.exists()


def test_what_is_sent_on_several_links_keeps_its_order(tmp_path: Path) -> None:
    text = (
        "for line in clock:\n"
        " if line[0] == 'A':\n"
        "  sys.stdout.write('abcd'); sys.stdout.flush()\n"
        "  say('o', 1); say('s', 2, '2a'); say('o', 2); say('s', 3, '2b'); say('=', 1)\n"
        " else: say('=')\n"
    )
    firmware = lockstep.ProcessFirmware(program(tmp_path, text), lambda _: None)
    assert firmware.advance(0.02) == [(1, b"a"), (2, b"*"), (1, b"bc"), (3, b"+"), (1, b"d")]
    firmware.close()


def test_what_cannot_be_started_is_bad_input(tmp_path: Path) -> None:
    for address in ("exec:", "exec:'", f"exec:{tmp_path}/none", f"exec:{tmp_path}"):
        result = hil("--device", address, "-k", "stop-idle")
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output

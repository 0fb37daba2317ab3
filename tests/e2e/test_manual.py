"""Manual control: keys and clicks over the real controller to the simulated device, and on a real terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from firmware_sim.trace_rules import violations
from massager_ctl.cli.root import run_command_line
from massager_ctl.frontends.terminal.layout import ASCII, LINES, Glyphs, text_of
from massager_ctl.frontends.terminal.manual_input import ManualInput
from massager_ctl.frontends.terminal.manual_lines import ManualLines
from massager_ctl.frontends.terminal.session_ui import Page, SessionUi
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import PainKind, Start
from massager_ctl.model.status import Phase
from tests.e2e.harness import Bench
from tests.e2e.programs import Terminal, Workstation
from tests.support.marks import simulated_time


class Seated:
    """A person in front of the full screen."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.left = asyncio.Event()
        self.ui = SessionUi(self.left.set, hand=ManualInput())

        async def start() -> None:
            await bench.controller.manual(600)

        bench.controller.add_listener(lambda _: self.ui.news())
        bench.controller.add_event_listener(self.ui.heard)
        self.ui.attend(bench.controller, start)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.ui.key(key)

    def screen(self, glyphs: Glyphs = LINES) -> str:
        """All that is shown on 80 by 24."""
        return text_of(self.ui.rows(80, 24, glyphs, 0.0))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until it is so."""
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110  simulated time: nothing is polled
                await asyncio.sleep(0.05)

    def phase(self) -> Phase:
        return self.bench.controller.status.phase


@contextlib.asynccontextmanager
async def seated(bench: Bench) -> AsyncGenerator[Seated]:
    """The screen with a session begun."""
    person = Seated(bench)
    person.ui.begin()
    await person.until(lambda: person.phase() is Phase.RUNNING)
    yield person


@simulated_time
async def test_a_key_is_on_the_screen_and_on_the_wire_and_space_stops(bench: Bench) -> None:
    async with seated(bench) as person:
        person.press("2", "5")
        assert "of 25.0" in person.screen()
        await person.until(lambda: bench.controller.status.target[0] == 25)
        await person.until(lambda: "it climbs slowly" in person.screen())
        person.press("space")
        await person.until(lambda: person.phase() is Phase.ENDED)
        assert "you stopped it" in person.screen()
        assert not any(bench.out.values())


@simulated_time
async def test_holding_an_arrow_key_never_leaves_r2_and_r3(bench: Bench) -> None:
    async with seated(bench) as person:
        for _ in range(120):
            person.press("pageup")
            await asyncio.sleep(0.033)
        assert bench.controller.status.target[0] == 100

    await bench.end()
    assert violations(bench.trace) == []


@simulated_time
async def test_the_mouse_sets_a_level_and_stops(bench: Bench) -> None:
    async with seated(bench) as person:
        rows = person.screen().splitlines()
        person.ui.click(40, next(i for i, row in enumerate(rows) if "neck         L" in row))
        await person.until(lambda: bench.controller.status.target[2] > 0)
        assert bench.controller.status.target[0] == 0
        rows = person.screen().splitlines()
        person.ui.click(2, next(i for i, row in enumerate(rows) if "space stop" in row))
        await person.until(lambda: person.phase() is Phase.ENDED)


@simulated_time
async def test_pain_stops_first_and_asks_afterwards_and_space_stops_over_any_page(
    bench: Bench,
) -> None:
    async with seated(bench) as person:
        person.press("9", "!")
        await person.until(lambda: person.phase() is Phase.ENDED)
        assert (await bench.controller.ended()).cause is Cause.PAIN
        assert "What was it?" in person.screen()
        lock = await bench.admission._store.lock()
        assert lock is not None, (
            "it is kept before it is answered: the terminal may be gone by then"
        )
        assert lock.kind is PainKind.UNCLASSIFIED
        person.press("x")
        assert "What was it?" in person.screen(), "a key that is not an answer answers nothing"
        person.press("m")
        await person.until(lambda: bench.heard("pain"))
        await person.until(lambda: bool(person.ui.record))
        assert await bench.admission._store.lock() is None
        assert "a quarter lower" in person.screen()
        person.press("enter")
        await person.until(lambda: person.phase() is Phase.RUNNING)
        person.press("?", "space")
        await person.until(lambda: person.phase() is Phase.ENDED)


@simulated_time
async def test_heat_is_switched_on_by_two_keys_and_off_by_one(bench: Bench) -> None:
    async with seated(bench) as person:
        person.press("h")
        assert person.ui.page is Page.HEAT
        person.press("h")
        assert bench.controller.status.sent.heat_c is None
        person.press("h", "y")
        assert "Heat is on" in person.screen()
        await person.until(lambda: bench.controller.status.sent.heat_c == 36.0)
        person.press("h", "h", "h")
        await person.until(lambda: bench.controller.status.sent.heat_c is None)


@simulated_time
@pytest.mark.parametrize("keys", ["q", "qq"])
async def test_leaving_fades_or_stops_and_waits_until_it_is_at_zero(
    bench: Bench, keys: str
) -> None:
    async with seated(bench) as person:
        person.press("9")
        await asyncio.sleep(6)
        person.press(*keys)
        await person.left.wait()
        assert not bench.controller.status.phase.in_session
        assert not any(bench.out.values())

    await bench.end()
    fades = [line for line in bench.trace if line.get("event") == "fade"]
    assert bool(fades) is (keys == "q") or len(fades) <= 1


@simulated_time
async def test_a_signal_stops_confirms_and_leaves(bench: Bench) -> None:
    async with seated(bench) as person:
        person.press("9")
        await asyncio.sleep(3)
        person.ui.interrupt()
        person.ui.interrupt()
        await person.left.wait()
        assert person.ui.interrupted == 2
        assert not any(bench.out.values())


@simulated_time
async def test_a_start_that_is_refused_says_why_and_stays(bench: Bench) -> None:
    async with seated(bench) as person:
        bench.device.press()
        await person.until(lambda: person.phase() is Phase.ENDED)
        assert "its button was pressed" in person.screen()
        person.press("enter")
        await person.until(lambda: person.ui.refused is not None)
        assert not person.left.is_set()
        bench.device.release()


@simulated_time
async def test_a_terminal_without_utf_8_gets_ascii_alone(bench: Bench) -> None:
    async with seated(bench) as person:
        person.press("9")
        await asyncio.sleep(2)
        letters = person.screen(ASCII).replace("°", "")
        assert letters.isascii()


def test_the_program_on_a_terminal(desk: Workstation) -> None:
    with Terminal(desk, "manual", "--device", "sim:") as terminal:
        terminal.wait_for("space")
        terminal.wait_for("choose a place")
        terminal.type("9")
        terminal.wait_for(r"of +9\.0")
        terminal.type("\x1b[<0;3;1M!")
        terminal.wait_for("What was it")
        terminal.type("w")
        terminal.wait_for("seek medical care")
        terminal.type("q")
        assert terminal.wait() == 0
        after = terminal.text[terminal.text.rindex("\x1b[?1049l") :]
        said = " ".join(after.split())
        assert "call the emergency number now" in said, "what must be read stays readable"
        assert re.search("Ended after .* confirmed at zero", said)
        assert terminal.given_back()


def test_a_terminal_that_is_stopped_stops_no_session(desk: Workstation) -> None:
    with (
        desk.simulator(),
        Terminal(desk, "manual", "--device", desk.device, "--simulated") as terminal,
    ):
        terminal.wait_for("choose a place")
        terminal.type("9")
        # From now on no one reads the terminal: it fills up, and the session must not notice.
        desk.wait_until_it_moves()
        for _ in range(20):
            terminal.type("\x1b[C\x1b[D")
            assert desk.status() is not None
        assert desk.ctl("stop").returncode == 0
        terminal.type("q")
        assert terminal.wait() == 0
    assert desk.at_zero()


@simulated_time
async def test_lines_do_what_they_say(bench: Bench) -> None:
    said: list[str] = []

    async def start() -> None:
        await bench.controller.manual(600)

    plain = ManualLines(bench.controller, start, said.append)
    for line in (
        "start",
        "set neck_left 20",
        "motion knead alternate",
        "heat 38",
        "ease",
        "status",
    ):
        assert await plain.obey(line)
    await asyncio.sleep(20)
    assert bench.out["neck_left"] == 10
    for line in ("undo", "heat off", "pause", "resume", "ok", "help"):
        assert await plain.obey(line)
    assert await plain.obey("")
    assert said[-1] == "Stopped, confirmed at zero."
    assert not any(bench.out.values())
    assert not await plain.obey("quit")


@simulated_time
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("set front 5", "never powered"),
        ("set neck_left nan", "finite"),
        ("set neck_left", "not understood"),
        ("motion percussion", "percussion"),
        ("motion knead sideways", "sideways"),
        ("heat 50", "30 to 39"),
        ("frobnicate", "not understood"),
    ],
)
async def test_a_wrong_line_is_answered_and_changes_nothing(
    bench: Bench, line: str, why: str
) -> None:
    said: list[str] = []

    async def start() -> None:
        await bench.controller.manual(600)

    plain = ManualLines(bench.controller, start, said.append)
    await plain.obey("start")
    await plain.obey(line)
    assert why in said[-1]
    assert bench.controller.status.phase is Phase.RUNNING
    assert not any(bench.controller.status.target)


@simulated_time
async def test_pain_by_lines_stops_whatever_is_behind_it(bench: Bench) -> None:
    said: list[str] = []

    async def start() -> None:
        await bench.controller.manual(600)

    plain = ManualLines(bench.controller, start, said.append)
    await plain.obey("start")
    await plain.obey("pain rather bad")
    assert (await bench.controller.ended()).cause is Cause.PAIN


@simulated_time
async def test_r6_a_stop_that_comes_while_a_start_hangs_voids_it_and_what_waits(
    bench: Bench,
) -> None:
    said: list[str] = []
    free = asyncio.Event()

    async def start() -> None:
        await free.wait()
        await bench.controller.manual(600)

    plain = ManualLines(bench.controller, start, said.append)
    for line in ("start\n", "set all 20\n"):
        plain.put(line)
    hanging = asyncio.ensure_future(plain.obey(await plain.next()))
    await asyncio.sleep(1)
    attempt = bench.controller.receive(Start(None))
    for line in ("start\n", "pain\n", "start\n", "Stop it!\n"):
        plain.put(line)
    assert attempt.cancelled, "the stop is sent when it comes, not in its turn"
    left = [await plain.next() for _ in range(2)]
    assert left == ["pain\n", "Stop it!\n"], "no report of pain is lost, and no start is left"
    free.set()
    await hanging


def test_a_pipe_drives_it_and_its_end_leaves_at_zero(tmp_path: Path, runtime_folder: Path) -> None:
    env = {
        **os.environ,
        "MASSAGER_CTL_DATA": str(tmp_path),
        "MASSAGER_CTL_RUNTIME": str(runtime_folder),
    }
    done = subprocess.run(
        [sys.executable, "-m", "massager_ctl.cli.entry", "manual", "--plain"],
        input="set neck_left 5\nset front 3\n",
        capture_output=True,
        text=True,
        env=env,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "never powered" in done.stdout
    assert done.stdout.endswith("Stopped, confirmed at zero.\n")


def test_without_a_terminal_the_full_screen_says_what_to_use_instead(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "massager_ctl.cli.entry", "manual"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "--plain" in done.stderr


def test_a_dumb_terminal_is_told_to_use_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert run_command_line(["manual"]) == 2
    assert "--plain" in capsys.readouterr().err

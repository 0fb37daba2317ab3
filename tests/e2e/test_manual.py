"""Manual control on the real screen library, over the real controller, to the simulated device."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from firmware_sim.trace_rules import violations
from massager_ctl.cli.root import run_command_line
from massager_ctl.controller import Controller
from massager_ctl.device import Cause
from massager_ctl.status import Phase
from massager_ctl.surfaces.manual import lanes
from massager_ctl.surfaces.manual.app import Lane, ManualApp, StopBar
from massager_ctl.surfaces.manual.plain import PlainManual
from tests.e2e.harness import Bench, tell


@contextlib.asynccontextmanager
async def on_screen(bench: Bench) -> AsyncGenerator[tuple[ManualApp, Pilot[None]]]:
    """The app at 80×24 with a session begun."""
    controller: Controller = bench.controller

    async def start() -> None:
        await controller.manual(600)

    app = ManualApp(controller, start)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot, lambda: controller.status.phase is Phase.RUNNING)
        yield app, pilot


async def settle(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the screen work until `condition` holds."""
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError("it never came to be")


def screen_text(app: ManualApp) -> str:
    """All that the screen shows."""
    return "\n".join(
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    )


def test_a_key_is_on_the_screen_and_on_the_wire_and_space_stops() -> None:
    async def story(bench: Bench) -> None:
        async with on_screen(bench) as (app, pilot):
            await pilot.press("2", "5")
            assert "25.0" in screen_text(app)
            await settle(pilot, lambda: bench.controller.status.target[0] == 25)
            await settle(pilot, lambda: "R2" in screen_text(app) or "R3" in screen_text(app))
            await pilot.press("space")
            await settle(pilot, lambda: bench.controller.status.phase is Phase.ENDED)
            await settle(pilot, lambda: "you stopped it" in screen_text(app))
            assert not any(bench.out.values())

    tell(story)


def test_holding_an_arrow_key_never_leaves_r2_and_r3() -> None:
    async def story(bench: Bench) -> None:
        async with on_screen(bench) as (_, pilot):
            for _ in range(120):
                await pilot.press("pageup")
                await asyncio.sleep(0.033)
            assert bench.controller.status.target[0] == 100

    assert violations(tell(story).trace) == []


def test_the_mouse_sets_a_lane_and_stops() -> None:
    async def story(bench: Bench) -> None:
        async with on_screen(bench) as (app, pilot):
            await pilot.click(Lane, offset=(30, 0))
            await settle(pilot, lambda: bench.controller.status.target[0] > 0)
            assert app.hand.asked[0] == bench.controller.status.target[0]
            await pilot.click(StopBar)
            await settle(pilot, lambda: bench.controller.status.phase is Phase.ENDED)

    tell(story)


def test_pain_stops_first_and_asks_afterwards_and_space_stops_over_any_page() -> None:
    async def story(bench: Bench) -> None:
        async with on_screen(bench) as (app, pilot):
            await pilot.press("9", "exclamation_mark")
            await settle(pilot, lambda: bench.controller.status.phase is Phase.ENDED)
            end = await bench.controller.ended()
            assert end.cause is Cause.PAIN
            await settle(pilot, lambda: "What was it?" in screen_text(app))
            await pilot.press("m")
            await settle(pilot, lambda: bench.heard("pain"))
            await pilot.press("enter")
            await settle(pilot, lambda: bench.controller.status.phase is Phase.RUNNING)
            await pilot.press("question_mark", "space")
            await settle(pilot, lambda: bench.controller.status.phase is Phase.ENDED)

    tell(story)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_leaving_stops_and_confirms(key: str) -> None:
    async def story(bench: Bench) -> None:
        async with on_screen(bench) as (app, pilot):
            await pilot.press("9")
            await asyncio.sleep(2)
            await pilot.press(key)
            await settle(pilot, lambda: not app.is_running)
            assert not bench.controller.status.phase.in_session
            assert app.interrupted == (key == "ctrl+c")

    tell(story)


def test_lines_do_what_they_say() -> None:
    said: list[str] = []

    async def story(bench: Bench) -> None:
        async def start() -> None:
            await bench.controller.manual(600)

        plain = PlainManual(bench.controller, start, said.append)
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

    tell(story)


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
def test_a_wrong_line_is_answered_and_changes_nothing(line: str, why: str) -> None:
    said: list[str] = []

    async def story(bench: Bench) -> None:
        async def start() -> None:
            await bench.controller.manual(600)

        plain = PlainManual(bench.controller, start, said.append)
        await plain.obey("start")
        await plain.obey(line)
        assert why in said[-1]
        assert bench.controller.status.phase is Phase.RUNNING
        assert not any(bench.controller.status.target)

    tell(story)


def test_pain_by_lines_stops_whatever_is_behind_it() -> None:
    said: list[str] = []

    async def story(bench: Bench) -> None:
        async def start() -> None:
            await bench.controller.manual(600)

        plain = PlainManual(bench.controller, start, said.append)
        await plain.obey("start")
        await plain.obey("pain rather bad")
        assert (await bench.controller.ended()).cause is Cause.PAIN

    tell(story)


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


def test_a_terminal_without_utf_8_gets_ascii_alone() -> None:
    async def story(bench: Bench) -> None:
        async def start() -> None:
            await bench.controller.manual(600)

        app = ManualApp(bench.controller, start, marks=lanes.PLAIN)
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot, lambda: "off in" in screen_text(app))
            head = screen_text(app).splitlines()[1]
            assert head.isascii()
            assert "pad 24.0 C" in head

    tell(story)


def test_a_dumb_terminal_is_told_to_use_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert run_command_line(["manual"]) == 2
    assert "--plain" in capsys.readouterr().err
